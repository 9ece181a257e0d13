import { recordEvents } from '../store/feed.ts';
import { bumpDirectory, lockPartner } from '../store/partners.ts';
import { inTransaction } from '../store/transaction.ts';
import { keySetToken, readCompact } from '../wire/compact.ts';
import { messageDigest, signingInputOf } from '../wire/digest.ts';
import { openKeySet } from '../wire/keyset.ts';
import { isTokenRefusal, refuseToken, type TokenRefusal } from '../wire/token-refusal.ts';
import type { Exchange } from './context.ts';
import { keySetColumns, storeKeys } from './enrol.ts';

/**
 * Takes a partner's key set, pushed or fetched: it authenticates itself by the identity key pinned at the introduction.
 * A lower `seq`, or the same with other content, is refused and told in the feed; the same once more is nothing.
 */
export async function takeKeySet(exchange: Exchange, token: string): Promise<{ seq: number } | TokenRefusal> {
  const claimed = readCompact(token, keySetToken);
  if (isTokenRefusal(claimed)) return claimed;
  const issuer = claimed.payload.iss;
  if (typeof issuer !== 'string') return refuseToken('iss-invalid');
  return inTransaction(exchange.store.db, async (trx) => {
    // Locked: of two key sets at the same time the lower one must see the other as its floor.
    const row = await lockPartner(trx, issuer);
    if (!row || row.state === 'removed') return refuseToken('issuer-unknown');
    const floor = { seq: row.key_set_seq, digest: messageDigest(signingInputOf(row.key_set)) };
    const now = Math.floor(exchange.clock() / 1000);
    const opened = await openKeySet(token, { issuer, identityKey: row.identity_jwk, floor, now });
    const at = new Date(exchange.clock());
    if (isTokenRefusal(opened)) {
      // Only what the pinned identity key really signed is worth an entry: anybody can post noise.
      if (opened.reason === 'key-set-fork' || opened.reason === 'seq-below-floor') {
        await recordEvents(trx, [{ type: 'key-set.refused', at, partner: issuer, code: opened.reason }]);
      }
      return opened;
    }
    const { seq } = opened.claims;
    if (seq === row.key_set_seq) return { seq };
    const columns = keySetColumns(opened, token, at);
    await trx
      .updateTable('partner')
      .set({ ...columns, endpoints: JSON.stringify(columns.endpoints) })
      .where('issuer', '=', issuer)
      .execute();
    await storeKeys(trx, issuer, opened, at);
    await recordEvents(trx, [{ type: 'key-set.accepted', at, partner: issuer, body: { seq } }]);
    await bumpDirectory(trx);
    return { seq };
  });
}
