import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { isRefusal } from '../../domain/refusal.ts';
import type { KnownPasskey, NewPasskey } from '../../exchange/liaison/enrol.ts';
import { readJson } from '../../wire/strict.ts';

// Passkeys (WebAuthn level 3): the authenticator signs a challenge for this origin and for no other, and asks its owner first.

/** For whom authenticators sign: the relying party and the one origin that it is reached at. */
export interface RelyingParty {
  readonly name: string;
  readonly origin: string;
}

const ANSWER_BYTES = 12 * 1024;
/** Ed25519, ES256, RS256: what authenticators in offices have (COSE algorithms). */
const ALGORITHMS = [-8, -7, -257];
const TIMEOUT_MS = 5 * 60_000;

const domainOf = ({ origin }: RelyingParty) => new URL(origin).hostname;

/** The user handle of an authenticator: the accreditation's id as bytes, which says nothing about its owner (section 14.6.1). */
function handleOf(liaison: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(liaison.replaceAll('-', ''), 'hex'));
}

/** What a browser is asked to make a passkey with. No attestation: which make of key it is is nobody's business. */
export function registrationOptions(
  party: RelyingParty,
  liaison: { readonly id: string; readonly name: string },
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  return generateRegistrationOptions({
    rpName: party.name,
    rpID: domainOf(party),
    userName: liaison.name,
    userDisplayName: liaison.name,
    userID: handleOf(liaison.id),
    timeout: TIMEOUT_MS,
    attestationType: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

/** What a browser is asked to sign in with; without `known` its owner chooses, and nobody learns who is accredited. */
export function authenticationOptions(
  party: RelyingParty,
  known: readonly { readonly id: Buffer; readonly transports: readonly string[] }[] = [],
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  return generateAuthenticationOptions({
    rpID: domainOf(party),
    userVerification: 'required',
    timeout: TIMEOUT_MS,
    allowCredentials: known.map(({ id, transports }) => ({
      id: id.toString('base64url'),
      transports: [...transports],
    })),
  });
}

/** What a browser answered, as JSON; undefined for what is none. */
export function readAnswer<Answer extends RegistrationResponseJSON | AuthenticationResponseJSON>(
  text: string | undefined,
): Answer | undefined {
  const read = readJson(new TextEncoder().encode(text ?? ''), { bytes: ANSWER_BYTES });
  if (isRefusal(read)) return undefined;
  const { id, response } = (read.value ?? {}) as { id?: unknown; response?: unknown };
  const shaped = typeof id === 'string' && typeof response === 'object' && response !== null;
  return shaped ? (read.value as unknown as Answer) : undefined;
}

/** Verifies a registration (section 7.1); undefined where anything about it is wrong. */
export async function verifyRegistration(
  party: RelyingParty,
  challenge: string,
  response: RegistrationResponseJSON,
): Promise<NewPasskey | undefined> {
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: domainOf(party),
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified) return undefined;
    const { credential, credentialBackedUp: backedUp } = registrationInfo;
    const { id, publicKey, counter, transports = [] } = credential;
    return {
      id: Buffer.from(id, 'base64url'),
      publicKey,
      counter,
      // An authenticator may say anything here: what is no text would not be text in the store either.
      transports: transports.filter((one: unknown) => typeof one === 'string' && /^[a-z-]{1,20}$/.test(one)),
      backedUp,
    };
  } catch {
    return undefined;
  }
}

/** Verifies a sign-in with a known passkey (section 7.2); undefined where anything about it is wrong. */
export async function verifyAuthentication(
  party: RelyingParty,
  challenge: string,
  response: AuthenticationResponseJSON,
  known: KnownPasskey,
): Promise<Pick<NewPasskey, 'counter' | 'backedUp'> | undefined> {
  const { userHandle } = response.response;
  const own = Buffer.from(handleOf(known.liaison)).toString('base64url');
  if (userHandle !== undefined && userHandle !== null && userHandle !== own) return undefined;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: domainOf(party),
      requireUserVerification: true,
      credential: {
        id: known.id.toString('base64url'),
        publicKey: new Uint8Array(known.publicKey),
        counter: known.counter,
      },
    });
    if (!verified) return undefined;
    return { counter: authenticationInfo.newCounter, backedUp: authenticationInfo.credentialBackedUp };
  } catch {
    return undefined;
  }
}
