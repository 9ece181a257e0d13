import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Trx } from '../store/open.ts';
import { partnerKeyRows } from '../store/partners.ts';
import type { PartnerTable } from '../store/trust-tables.ts';
import { keySetToken, readCompact } from '../wire/compact.ts';
import { isLoopbackIssuer } from '../wire/issuer.ts';
import { keySetTerms } from '../wire/keyset.ts';
import { isTokenRefusal } from '../wire/token-refusal.ts';
import type { Exchange } from './context.ts';

/** How many refresh periods ahead a key must be good for: only then is there time to hear of its successor. */
const REFRESHES = 3;

/**
 * Refuses a partner that messages could not be encrypted to: away from this machine it needs a current encryption key, or
 * the operator's word that it is a client that cannot encrypt, which its key set must not contradict.
 */
export async function checkEncryption(
  exchange: Exchange,
  trx: Trx,
  { issuer, key_set }: Pick<PartnerTable, 'issuer' | 'key_set'>,
  foreign: boolean,
): Promise<Refusal | undefined> {
  const bothLoopback = exchange.profile.loopback && isLoopbackIssuer(issuer);
  if (bothLoopback && !foreign) return undefined;
  if (await hasEncryptionKey(exchange, trx, issuer, key_set)) return undefined;
  if (foreign) {
    if (keySetTerms(key_set).encryption !== 'required') return undefined;
    const said = 'The partner’s key set says that messages to it must be encrypted, and names no current key for that.';
    return refuse(
      'encryption-required',
      '/foreign',
      said,
      `Ask its operator to publish one, then: caseref partner check ${issuer}`,
    );
  }
  const said = 'The partner publishes no current encryption key: nothing could be sent to it.';
  return refuse(
    'encryption-required',
    '/issuer',
    said,
    `Ask its operator to publish one, then: caseref partner check ${issuer}`,
  );
}

async function hasEncryptionKey(exchange: Exchange, trx: Trx, issuer: string, keySet: string): Promise<boolean> {
  const at = Math.floor(exchange.clock() / 1000) + REFRESHES * refreshOf(keySet);
  const keys = await partnerKeyRows(trx, issuer);
  return keys.some(
    ({ use, nbf, exp, revoked_at }) => use === 'enc' && revoked_at === null && (nbf ?? 0) <= at && at < exp,
  );
}

/** Seconds after which a partner wants its key set asked for again. */
function refreshOf(keySet: string): number {
  const jws = readCompact(keySet, keySetToken);
  return isTokenRefusal(jws) ? 0 : Number(jws.payload.refresh ?? 0);
}
