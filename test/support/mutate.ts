import { encode, type Json } from './tokens.ts';

// Mutants of valid tokens. None is signed again: whatever comes out and is no seed must never be taken.

/** A number from 0 up to and without 1, the same sequence for the same seed (mulberry32). */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Mutant {
  /** Name of the mutation. */
  readonly by: string;
  readonly body: Buffer;
  readonly type: string;
}

export const SET = 'application/secevent+jwt';

function below(random: Random, count: number): number {
  return Math.floor(random() * count);
}

function pick<Value>(random: Random, list: readonly Value[]): Value {
  const value = list[below(random, list.length)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

type Mutation = (random: Random, token: Buffer, seeds: readonly string[]) => Buffer | string;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const strange = ['=', '==', '+', '/', '.', '..', ' ', '\n', '\r\n', '\t', '\0', '~', ',', '%2e', 'é', '\ufeff', '"'];

function at(token: Buffer, start: number, removed: number, inserted: Buffer | string = ''): Buffer {
  return Buffer.concat([token.subarray(0, start), Buffer.from(inserted), token.subarray(start + removed)]);
}

/** Changes one of the parts between the dots. */
function inPart(random: Random, token: Buffer, change: (part: string) => string): string {
  const parts = token.toString('latin1').split('.');
  const chosen = below(random, parts.length);
  return parts.map((part, n) => (n === chosen ? change(part) : part)).join('.');
}

/** Decodes one part, changes its bytes and encodes it again: canonical base64url over what was never signed. */
function inBytes(random: Random, token: Buffer, change: (bytes: Buffer) => Buffer): string {
  return inPart(random, token, (part) => encode(change(Buffer.from(part, 'base64url'))));
}

function flip(random: Random, bytes: Buffer): Buffer {
  const flipped = Buffer.from(bytes);
  if (flipped.length === 0) return flipped;
  const place = below(random, flipped.length);
  flipped[place] = (flipped[place] ?? 0) ^ (1 << below(random, 8));
  return flipped;
}

const values: readonly unknown[] = [
  ...[null, true, 0, -1, 1.5, 2 ** 53, '', 'none', 'secevent+jwt', [], {}, ['https://node.other.example']],
  ...['Ed25519', 'EdDSA', 'ES256', 'HS256', 'ECDH-ES', 'https://node.other.example', '\ud800'],
];
const members = ['alg', 'kid', 'typ', 'jku', 'jwk', 'crit', 'b64', 'zip', 'iss', 'aud', 'iat', 'jti', 'exp', 'nbf'];
const claims = ['sub', 'sub_id', 'events', 'txn', 'toe', 'urn:caseref:seq', 'urn:caseref:salt', '__proto__'];

/** Sets, removes, renames or doubles a member of header or payload, as text, so that duplicates survive. */
function inJson(random: Random, token: Buffer): string {
  const parts = token.toString('latin1').split('.');
  const chosen = below(random, 2);
  const text = Buffer.from(parts[chosen] ?? '', 'base64url').toString();
  let read: Json;
  try {
    read = JSON.parse(text) as Json;
  } catch {
    return parts.slice(0, chosen).join('.');
  }
  const own = Object.keys(read);
  const name = random() < 0.6 && own.length > 0 ? pick(random, own) : pick(random, [...members, ...claims]);
  const value = JSON.stringify(pick(random, values));
  const changed = pick(random, [
    () => JSON.stringify({ ...read, [name]: JSON.parse(value) as unknown }),
    () => JSON.stringify(Object.fromEntries(Object.entries(read).filter(([key]) => key !== name))),
    () => `${text.slice(0, -1)},${JSON.stringify(name)}:${value}}`,
    () => `{${JSON.stringify(name)}:${value},${text.slice(1)}`,
    () => JSON.stringify(read, null, 1),
    () => ` ${text}`,
    () => JSON.stringify(Object.fromEntries(Object.entries(read).reverse())),
  ])();
  return parts.map((part, n) => (n === chosen ? encode(changed) : part)).join('.');
}

const mutations: Readonly<Record<string, Mutation>> = {
  'bit flipped': (random, token) => flip(random, token),
  'byte replaced': (random, token) => at(token, below(random, token.length), 1, Buffer.from([below(random, 256)])),
  'letter replaced': (random, token) => at(token, below(random, token.length), 1, pick(random, [...alphabet])),
  'last letter replaced': (random, token) =>
    inPart(random, token, (part) => part.slice(0, -1) + pick(random, [...alphabet])),
  truncated: (random, token) => token.subarray(0, below(random, token.length)),
  'beginning cut': (random, token) => token.subarray(1 + below(random, token.length - 1)),
  'run removed': (random, token) => at(token, below(random, token.length), 1 + below(random, 40)),
  'run doubled': (random, token) => {
    const start = below(random, token.length);
    return at(token, start, 0, token.subarray(start, start + 1 + below(random, 200)));
  },
  'run reversed': (random, token) => {
    const start = below(random, token.length);
    const end = Math.min(token.length, start + 2 + below(random, 30));
    return at(token, start, end - start, Buffer.from(token.subarray(start, end)).reverse());
  },
  'something inserted': (random, token) => at(token, below(random, token.length + 1), 0, pick(random, strange)),
  'something at an end': (random, token) => at(token, pick(random, [0, token.length]), 0, pick(random, strange)),
  padded: (random, token) => inPart(random, token, (part) => part + '='.repeat(1 + below(random, 3))),
  'in plain base64': (_random, token) => token.toString('latin1').replaceAll('-', '+').replaceAll('_', '/'),
  'part left out': (random, token) => inPart(random, token, () => ''),
  'parts exchanged': (random, token) => {
    const parts = token.toString('latin1').split('.');
    return [parts[below(random, parts.length)], parts[below(random, parts.length)], parts[2], ...parts.slice(3)].join(
      '.',
    );
  },
  spliced: (random, token, seeds) => {
    const others = pick(random, seeds).split('.');
    const parts = token.toString('latin1').split('.');
    return parts.map((part, n) => (random() < 0.5 ? part : (others[n] ?? part))).join('.');
  },
  'spliced anywhere': (random, token, seeds) => {
    const other = Buffer.from(pick(random, seeds));
    return Buffer.concat([token.subarray(0, below(random, token.length)), other.subarray(below(random, other.length))]);
  },
  'bit flipped under the encoding': (random, token) => inBytes(random, token, (bytes) => flip(random, bytes)),
  'cut under the encoding': (random, token) =>
    inBytes(random, token, (bytes) => bytes.subarray(0, below(random, bytes.length + 1))),
  'bytes inserted under the encoding': (random, token) =>
    inBytes(random, token, (bytes) => at(bytes, below(random, bytes.length + 1), 0, Buffer.from([below(random, 256)]))),
  'JSON changed': inJson,
  noise: (random) => Buffer.from(Array.from({ length: below(random, 300) }, () => below(random, 256))),
};

const types = ['application/json', 'application/jwt', `${SET}; charset=utf-8`, `${SET},${SET}`, 'text/plain', 'x', ''];

/** The next mutant; one in fifty is an untouched seed under a content type that is not taken. */
export function nextMutant(random: Random, seeds: readonly string[]): Mutant {
  const token = Buffer.from(pick(random, seeds), 'latin1');
  if (random() < 0.02) return { by: 'content type', body: token, type: pick(random, types) };
  const [by, mutate] = pick(random, Object.entries(mutations));
  let body: Buffer = Buffer.from(mutate(random, token, seeds));
  // One change is the rule; now and then a second one on top.
  if (random() < 0.1 && body.length > 1) body = flip(random, body);
  return { by, body, type: SET };
}
