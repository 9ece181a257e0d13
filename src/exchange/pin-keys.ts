import { raise } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { partnerKeyRows } from '../store/partners.ts';
import { kidsElsewhere } from '../store/refresh.ts';
import { insertRows } from '../store/rows.ts';
import type { PartnerKeyTable } from '../store/trust-tables.ts';
import type { OpenedKeySet } from '../wire/keyset.ts';
import type { KeyRecord } from '../wire/pinned.ts';

/** A revocation that we did not know: from `since` on the key may have been in other hands. */
export interface NewRevocation {
  readonly kid: string;
  readonly since: Date;
}

/** The columns of a partner that its newest key set fills. It is asked for in its turn, from now or from its confirmation on. */
export function keySetColumns({ claims }: OpenedKeySet, compact: string, at: Date) {
  return {
    key_set: compact,
    key_set_seq: claims.seq,
    key_set_exp: claims.exp,
    key_set_at: at,
    key_set_etag: null,
    refresh_due_at: at,
    endpoints: claims.endpoints,
  };
}

/**
 * Pins the keys of a key set by (issuer, kid). A key that left the set stays as history and verifies nothing from now on.
 * A revocation is for ever, whatever a later set says: an identity key in other hands must not bring a lost key back.
 * @returns the revocations that are new, or reach further back than was known.
 */
export async function storeKeys(
  trx: Trx,
  issuer: string,
  { keys }: OpenedKeySet,
  at: Date,
): Promise<readonly NewRevocation[]> {
  const before = new Map((await partnerKeyRows(trx, issuer)).map((row) => [row.kid, row]));
  const kids = keys.map((key) => key.kid);
  const now = Math.floor(at.getTime() / 1000);
  await trx.updateTable('partner_key').set({ exp: now }).where('issuer', '=', issuer).where('exp', '>', now).execute();
  if (kids.length > 0)
    await trx.deleteFrom('partner_key').where('issuer', '=', issuer).where('kid', 'in', kids).execute();
  const rows = keys.map((key) => keyRow(issuer, key, before.get(key.kid), at));
  await insertRows(trx, 'partner_key', rows);
  await raiseOddities(trx, issuer, keys, before, at);
  return rows.flatMap(({ kid, revoked_at }) => {
    const known = before.get(kid)?.revoked_at ?? Number.POSITIVE_INFINITY;
    return revoked_at === null || revoked_at >= known ? [] : [{ kid, since: new Date(revoked_at * 1000) }];
  });
}

/** What is remembered of a key as it is kept. */
type Known = Pick<PartnerKeyTable, 'revoked_at' | 'revoked_reason' | 'revocation_seen_at' | 'first_seen_at'>;

function keyRow(issuer: string, key: KeyRecord, known: Known | undefined, at: Date) {
  const listed = { revoked_at: key.revoked_at ?? null, revoked_reason: key.revoked_reason ?? null };
  const { revoked_at, revoked_reason } = earliest(listed, known);
  const isKnown = revoked_at !== null && known?.revoked_at === revoked_at;
  return {
    issuer,
    kid: key.kid,
    alg: key.alg,
    use: key.use,
    jwk: key.jwk,
    nbf: key.nbf ?? null,
    exp: key.exp ?? noEnd,
    revoked_at,
    revoked_reason,
    revocation_seen_at: revoked_at === null ? null : isKnown ? (known?.revocation_seen_at ?? at) : at,
    first_seen_at: known?.first_seen_at ?? at,
  };
}

type Revoked = Pick<PartnerKeyTable, 'revoked_at' | 'revoked_reason'>;

/** Of two revocations of one key the one that reaches further back, since more is in doubt by it. */
function earliest(listed: Revoked, known: Revoked | undefined): Revoked {
  if (known === undefined || known.revoked_at === null) return listed;
  return listed.revoked_at !== null && listed.revoked_at < known.revoked_at ? listed : known;
}

/** A key that another partner has too is an alert and never a refusal: who has it by right is for people to find out. */
async function raiseOddities(
  trx: Trx,
  issuer: string,
  keys: readonly KeyRecord[],
  before: ReadonlyMap<string, Known>,
  at: Date,
): Promise<void> {
  const shared = await kidsElsewhere(
    trx,
    issuer,
    keys.map(({ kid }) => kid).filter((kid) => !before.has(kid)),
  );
  const unrevoked = keys.filter(({ kid, revoked_at }) => revoked_at == null && before.get(kid)?.revoked_at != null);
  const causes = [
    ...(shared.length > 0 ? [{ code: 'key-shared', partner: issuer } as const] : []),
    ...(unrevoked.length > 0 ? [{ code: 'key-unrevoked', partner: issuer } as const] : []),
  ];
  await raise(trx, causes, at);
}

/** 9999-12-31: a key whose entry names no end. */
const noEnd = 253_402_300_799;
