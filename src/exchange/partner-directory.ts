import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { partnerKeyRows, partnerRow, partnerRows } from '../store/partners.ts';
import { spokenFingerprint } from '../wire/fingerprint.ts';
import type { Listed, PageRequest } from './browse.ts';
import type { Exchange } from './context.ts';

type Row = Awaited<ReturnType<typeof partnerRows>>[number];

function view(row: Row) {
  return {
    issuer: row.issuer,
    name: row.name,
    state: row.state,
    ...(row.state_reason !== null && { stateReason: row.state_reason }),
    type: row.type,
    jurisdictions: row.jurisdictions,
    coverage: row.coverage,
    fingerprint: row.identity_kid,
    spokenFingerprint: spokenFingerprint(row.identity_kid),
    addedAt: isoInstant(row.added_at.getTime()),
    ...(row.confirmed_at && { confirmedAt: isoInstant(row.confirmed_at.getTime()) }),
    ...(row.verified_by !== null && { verifiedBy: row.verified_by }),
    foreign: row.foreign_client,
    local: row.is_local,
    ...(row.contact && { contact: row.contact }),
    keySet: {
      seq: row.key_set_seq,
      expiresAt: isoInstant(row.key_set_exp * 1000),
      fetchedAt: isoInstant(row.key_set_at.getTime()),
    },
  };
}

export type PartnerView = ReturnType<typeof view>;

/** Partners in the order of their issuers, with state and key status; no policy rules. The cursor is the last issuer shown. */
export async function listPartners(exchange: Exchange, request: PageRequest): Promise<Listed<PartnerView> | Refusal> {
  const after = request.cursor === undefined ? '' : Buffer.from(request.cursor, 'base64url').toString();
  const rows = (await partnerRows(exchange.store.db)).filter((row) => row.state !== 'removed');
  if (after !== '' && !rows.some((row) => row.issuer === after)) return refuse('cursor-invalid', '/cursor');
  const rest = rows.filter((row) => row.issuer > after);
  const items = rest.slice(0, request.limit);
  const last = items.at(-1);
  const next = rest.length > request.limit && last ? Buffer.from(last.issuer).toString('base64url') : null;
  return { items: items.map(view), next };
}

/** One partner with the keys that are pinned for it. */
export async function showPartner(exchange: Exchange, issuer: string) {
  const row = await partnerRow(exchange.store.db, issuer);
  if (!row || row.state === 'removed') return unknownPartner(issuer, '', 'not-found');
  const keys = await partnerKeyRows(exchange.store.db, issuer);
  return {
    ...view(row),
    keys: keys.map((key) => ({
      kid: key.kid,
      alg: key.alg,
      use: key.use,
      ...(key.nbf !== null && { notBefore: isoInstant(key.nbf * 1000) }),
      expiresAt: isoInstant(key.exp * 1000),
      ...(key.revoked_at !== null && { revokedAt: isoInstant(key.revoked_at * 1000) }),
    })),
  };
}
