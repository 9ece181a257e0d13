import * as client from 'openid-client';
import type { Claimed } from '../../domain/accreditation.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Subject } from '../../exchange/liaison/enrol.ts';
import type { OidcSettings } from '../../exchange/liaison/portal-settings.ts';
import { readSecretFile } from '../../keys/secret-file.ts';
import type { OidcChecks } from '../../store/liaison-tables.ts';
import type { IdentityFetch } from '../../transport/identity-fetch.ts';

// OpenID Connect (Core 1.0), code flow with PKCE (RFC 7636), state and nonce. The provider says who somebody is; what they may
// see is the accreditation's to say.

export const CALLBACK = '/sign-in/oidc/callback';
/** A sign-in that is asked for anew has to be this fresh, in seconds. */
const FRESH_SECONDS = 120;

/** Whom the provider named, and what it says of them. */
export interface Identified extends Subject {
  readonly claimed: Claimed;
}

export interface IdentityProvider {
  /** A request to be sent to the provider with a browser; `anew`: even one who is signed in there has to sign in again. */
  begin(options?: { readonly anew?: boolean }): Promise<{ readonly url: string; readonly checks: OidcChecks }>;
  /** Verifies the answer that a browser came back with, by its query. */
  finish(search: string, checks: OidcChecks, options?: { readonly anew?: boolean }): Promise<Identified | Refusal>;
}

export interface ProviderParts {
  readonly settings: OidcSettings;
  readonly origin: string;
  readonly way: IdentityFetch;
  /** Told of a failure that a person has to look at; never of a token. */
  readonly failed: (failure: unknown) => void;
}

/** The provider that was configured; it is discovered at the first use, and again after a failure. */
export function createIdentityProvider({ settings, origin, way, failed }: ProviderParts): IdentityProvider {
  const redirect_uri = `${origin}${CALLBACK}`;
  let discovered: Promise<client.Configuration> | undefined;

  function configuration(): Promise<client.Configuration> {
    discovered ??= discover(settings, way).catch((failure: unknown) => {
      discovered = undefined;
      throw failure;
    });
    return discovered;
  }

  return {
    async begin({ anew = false } = {}) {
      const checks = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      };
      const url = client.buildAuthorizationUrl(await configuration(), {
        redirect_uri,
        scope: 'openid',
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(checks.verifier),
        code_challenge_method: 'S256',
        ...(anew && { prompt: 'login', max_age: '0' }),
      });
      return { url: url.href, checks };
    },
    async finish(search, checks, { anew = false } = {}) {
      try {
        const tokens = await client.authorizationCodeGrant(await configuration(), new URL(redirect_uri + search), {
          pkceCodeVerifier: checks.verifier,
          expectedState: checks.state,
          expectedNonce: checks.nonce,
          idTokenExpected: true,
          ...(anew && { maxAge: FRESH_SECONDS }),
        });
        return identified(settings, tokens.claims());
      } catch (failure) {
        failed(failure);
        return refuse('sign-in-refused');
      }
    },
  };
}

async function discover(settings: OidcSettings, way: IdentityFetch): Promise<client.Configuration> {
  const { issuer, clientId, loopback } = settings;
  const secret = await clientSecret(settings);
  const authentication = secret === undefined ? client.None() : client.ClientSecretBasic(secret);
  const found = await client.discovery(new URL(issuer), clientId, undefined, authentication, {
    [client.customFetch]: (url, request) => way.fetch(url, request),
    execute: loopback ? [client.allowInsecureRequests] : [],
  });
  // The library compares issuers as URLs; here they are compared as they are written, as everywhere else.
  if (found.serverMetadata().issuer !== issuer) throw new Error('the provider names another issuer');
  // The signature of the ID token is verified although it came over TLS from the provider itself.
  client.enableNonRepudiationChecks(found);
  return found;
}

async function clientSecret({
  clientSecret: value,
  clientSecretFile: file,
}: OidcSettings): Promise<string | undefined> {
  if (value !== undefined || file === undefined) return value?.reveal();
  const text = await readSecretFile(file);
  if (text === undefined || isRefusal(text))
    throw new Error(`CASEREF_OIDC_CLIENT_SECRET_FILE: ${text?.message ?? 'there is no such file'}`);
  return text.replace(/\r?\n$/, '');
}

type Claims = Readonly<Record<string, unknown>> | undefined;

function identified({ issuer, unitClaim, jurisdictionClaim }: OidcSettings, claims: Claims): Identified | Refusal {
  const { iss, sub } = claims ?? {};
  if (iss !== issuer || typeof sub !== 'string' || sub === '') return refuse('sign-in-refused');
  const unit = unitClaim === undefined ? undefined : claims?.[unitClaim];
  const places = jurisdictionClaim === undefined ? undefined : claims?.[jurisdictionClaim];
  return {
    issuer,
    subject: sub,
    claimed: {
      // A claim that was asked for and is not there, or is something else, leaves nothing: it never widens.
      ...(unitClaim !== undefined && { unit: typeof unit === 'string' ? unit : '' }),
      ...(jurisdictionClaim !== undefined && { jurisdictions: textsOf(places) }),
    },
  };
}

function textsOf(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? value.split(/[\s,]+/)
      : [];
  return list.filter((one): one is string => typeof one === 'string');
}
