import type { Decrypter } from '../domain/secrets.ts';
import { eventToken, readCompact, textOf } from './compact.ts';
import { hasFiveParts, openJwe, readJwe } from './jwe.ts';
import { isJsonObject } from './strict.ts';
import { isTokenRefusal } from './token-refusal.ts';

/** What a token says of itself before anything of it is proven: enough to put tokens in order, and for nothing else. */
export interface Peeked {
  readonly issuer: unknown;
  readonly jti: unknown;
  /** Its number; 0 where it has none. */
  readonly n: number;
  /** What it is about, as text that is equal for equal subjects. */
  readonly subject: string;
}

/** Looks into a compact SET, encrypted to us or plain; undefined for what cannot be read, which its opening will say. */
export async function peekSet(
  token: string,
  decrypter: (kid: string) => Decrypter | undefined,
): Promise<Peeked | undefined> {
  const compact = hasFiveParts(token) ? await insideOf(token, decrypter) : token;
  const jws = compact === undefined ? undefined : readCompact(compact, eventToken);
  if (jws === undefined || isTokenRefusal(jws)) return undefined;
  const { iss: issuer, jti, sub_id: subject, 'urn:caseref:seq': seq } = jws.payload;
  const n = isJsonObject(seq) && typeof seq.n === 'number' ? seq.n : 0;
  return { issuer, jti, n, subject: JSON.stringify(subject) ?? '' };
}

async function insideOf(token: string, decrypter: (kid: string) => Decrypter | undefined): Promise<string | undefined> {
  const jwe = readJwe(token);
  if (isTokenRefusal(jwe)) return undefined;
  const content = await openJwe(jwe, decrypter);
  return isTokenRefusal(content) ? undefined : textOf(content);
}
