import {
  CompactEncrypt,
  CompactSign,
  type CryptoKey,
  compactDecrypt,
  compactVerify,
  exportJWK,
  generateKeyPair,
} from 'jose';
import type { Disclosure } from '../../src/domain/redact.ts';
import type { Decrypter, PublicJwk, Signer, SigningAlgorithm } from '../../src/domain/secrets.ts';
import { encryptionKey, encryptSet } from '../../src/wire/encrypt.ts';
import { type SignableClaims, submittedClaims } from '../../src/wire/event.ts';
import { thumbprint } from '../../src/wire/fingerprint.ts';
import { openSet, type SetVerifier } from '../../src/wire/open.ts';
import { type PartnerKeys, pinKeys } from '../../src/wire/pinned.ts';
import { signSet } from '../../src/wire/sign.ts';
import { isTokenRefusal } from '../../src/wire/token-refusal.ts';
import { inventedReference } from '../support/invented.ts';

const sender = 'https://node.hotline-a.example';
const self = 'https://node.police-b.example';
const now = 1_795_000_000;

const TOKENS = 256;
const IN_FLIGHT = 64;
const ROUNDS = 82;
const GOAL = 'gatePercent under 30';

type Print = (figure: Record<string, unknown>) => void;
/** Does the one thing that is measured with the token or claims of that number. */
type Act = (n: number) => Promise<unknown>;

const text = new TextEncoder();
const parse = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

interface Pair {
  readonly kid: string;
  readonly jwk: PublicJwk;
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}

async function keyPair(alg: SigningAlgorithm | 'ECDH-ES'): Promise<Pair> {
  const pair = await generateKeyPair(alg, { ...(alg === 'ECDH-ES' && { crv: 'X25519' }), extractable: true });
  const jwk = (await exportJWK(pair.publicKey)) as PublicJwk;
  return { ...pair, jwk, kid: await thumbprint(jwk) };
}

function signerOf({ kid, privateKey }: Pair, alg: SigningAlgorithm): Signer {
  return {
    kid,
    alg,
    sign: (typ, payload) => new CompactSign(payload).setProtectedHeader({ alg, typ, kid }).sign(privateKey),
  };
}

function decrypterOf({ kid, privateKey }: Pair): Decrypter {
  const options = { keyManagementAlgorithms: ['ECDH-ES'], contentEncryptionAlgorithms: ['A256GCM'] };
  return { kid, decrypt: async (compact) => (await compactDecrypt(compact, privateKey, options)).plaintext };
}

/** Claims as the node signs them; what is measured does not ask whether the reference was redacted. */
function claimsOf(n: number): SignableClaims {
  const envelope = {
    iss: sender,
    aud: self,
    iat: now,
    jti: n.toString(36).padStart(22, 'A'),
    seq: { epoch: '7c9e6679-7425-40de-944b-e07fc1f90ae7', n },
    salt: n.toString(36).padStart(22, 'B'),
  };
  const disclosure = { revision: 1, ...inventedReference(n) } as unknown as Disclosure;
  return submittedClaims(envelope, '0190a6b0-5d3c-7c11-9d5e-2f60b6a1c001', disclosure);
}

/** Milliseconds for every token once, so many at a time as a busy node has in flight. */
async function timeOf(act: Act): Promise<number> {
  const begin = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < TOKENS) {
      next += 1;
      await act(next - 1);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return performance.now() - begin;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Both in turns, so that what else the machine does falls on both; the ratio is taken round by round. */
async function compare(ours: Act, bare: Act): Promise<Record<string, unknown>> {
  const [mine, theirs, ratios] = [[] as number[], [] as number[], [] as number[]];
  for (let round = 0; round < ROUNDS; round += 1) {
    const first = round % 2 === 0;
    const before = first ? 0 : await timeOf(bare);
    const own = await timeOf(ours);
    const other = first ? await timeOf(bare) : before;
    // The first two rounds warm up.
    if (round < 2) continue;
    mine.push(own);
    theirs.push(other);
    ratios.push(own / other);
  }
  const rate = (times: readonly number[]) => Math.round((TOKENS * 1000) / median(times));
  const ratio = median(ratios);
  return {
    perSecond: rate(mine),
    barePerSecond: rate(theirs),
    ratio: Number((1 / ratio).toFixed(3)),
    gatePercent: Number(((ratio - 1) * 100).toFixed(1)),
    goal: GOAL,
  };
}

function opening(tokens: readonly string[], verifier: SetVerifier): Act {
  return async (n) => {
    const opened = await openSet(tokens[n] ?? '', verifier);
    if (isTokenRefusal(opened)) throw new Error(`an honest token was refused: ${opened.reason}`);
  };
}

interface Parties {
  readonly signing: Pair;
  readonly encrypting: Pair;
  readonly signer: Signer;
  readonly partner: PartnerKeys;
  readonly verifier: SetVerifier;
}

async function partiesOf(alg: SigningAlgorithm): Promise<Parties> {
  const [signing, encrypting] = [await keyPair(alg), await keyPair('ECDH-ES')];
  const life = { nbf: now - 86_400, exp: now + 86_400 };
  const keys = [
    { kid: signing.kid, alg, use: 'sig', jwk: signing.jwk, ...life } as const,
    { kid: encrypting.kid, alg: 'ECDH-ES', use: 'enc', jwk: encrypting.jwk, ...life } as const,
  ];
  const partner = await pinKeys({ issuer: sender, state: 'active', foreign: false, keys });
  const decrypter = decrypterOf(encrypting);
  const verifier: SetVerifier = { self, now, lookup: () => partner, decrypter: () => decrypter };
  return { signing, encrypting, signer: signerOf(signing, alg), partner, verifier };
}

const numbers = Array.from({ length: TOKENS }, (_, n) => n);

async function verifyPlain(print: Print, alg: SigningAlgorithm): Promise<void> {
  const { signing, signer, verifier } = await partiesOf(alg);
  const tokens = await Promise.all(numbers.map(async (n) => (await signSet(claimsOf(n), signer)).compact));
  const bare: Act = async (n) =>
    parse((await compactVerify(tokens[n] ?? '', signing.publicKey, { algorithms: [alg] })).payload);
  print({
    bench: 'verify',
    figure: 'open',
    alg,
    bytes: tokens[0]?.length,
    ...(await compare(opening(tokens, verifier), bare)),
  });
}

async function verifyNested(print: Print, alg: SigningAlgorithm): Promise<void> {
  const { signing, encrypting, signer, partner, verifier } = await partiesOf(alg);
  const to = encryptionKey(partner, now);
  if (to === undefined) throw new Error('the partner has an encryption key');
  const seal = async (n: number) => encryptSet((await signSet(claimsOf(n), signer)).compact, to);
  const tokens = await Promise.all(numbers.map(seal));
  const bare: Act = async (n) => {
    const { plaintext } = await compactDecrypt(tokens[n] ?? '', encrypting.privateKey);
    return parse((await compactVerify(plaintext, signing.publicKey, { algorithms: [alg] })).payload);
  };
  const opened = await compare(opening(tokens, verifier), bare);
  print({ bench: 'verify', figure: 'open encrypted', alg, bytes: tokens[0]?.length, ...opened });

  const bareSeal: Act = async (n) => {
    const header = { alg, typ: 'secevent+jwt', kid: signing.kid };
    const payload = text.encode(JSON.stringify(claimsOf(n)));
    const signed = await new CompactSign(payload).setProtectedHeader(header).sign(signing.privateKey);
    return new CompactEncrypt(text.encode(signed))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: encrypting.kid, typ: 'secevent+jwt', cty: 'JWT' })
      .encrypt(encrypting.publicKey);
  };
  print({ bench: 'verify', figure: 'sign and encrypt', alg, ...(await compare(seal, bareSeal)) });
}

/**
 * What the gate costs above jose alone, on the same tokens in the same run: `ratio` is our rate to the bare one,
 * `gatePercent` the time that is added. Bare is the signature (and the decryption) and JSON.parse, nothing else.
 */
export async function bench(print: Print): Promise<void> {
  for (const alg of ['Ed25519', 'ES256', 'EdDSA'] as const) await verifyPlain(print, alg);
  await verifyNested(print, 'Ed25519');
}
