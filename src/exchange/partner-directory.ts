import { mustEncrypt } from '../domain/encryption.ts';
import { isoInstant } from '../domain/instant.ts';
import { EVENT_PREFIX } from '../domain/message.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { partnerKeyRows, partnerRow, partnerRows } from '../store/partners.ts';
import { suspectMessages } from '../store/suspect.ts';
import { suspectLeft } from '../store/suspect-left.ts';
import { encryptionKey } from '../wire/encrypt.ts';
import { spokenFingerprint } from '../wire/fingerprint.ts';
import { endpointsElsewhere } from '../wire/keyset.ts';
import type { Listed, PageRequest } from './browse.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry, Snapshot } from './directory.ts';
import { pendingReplacement } from './replacement.ts';

type Row = Awaited<ReturnType<typeof partnerRows>>[number];
type KeyRow = Awaited<ReturnType<typeof partnerKeyRows>>[number];

/** Suspect messages that are named one by one. */
const MOST_SUSPECT = 20;

function instantOf(at: Date): string {
  return isoInstant(at.getTime());
}

function view(row: Row, entry: PartnerEntry | undefined, now: number) {
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
    addedAt: instantOf(row.added_at),
    ...(row.confirmed_at && { confirmedAt: instantOf(row.confirmed_at) }),
    ...(row.verified_by !== null && { verifiedBy: row.verified_by }),
    foreign: row.foreign_client,
    local: row.is_local,
    ...(row.contact && { contact: row.contact }),
    keySet: {
      seq: row.key_set_seq,
      expiresAt: isoInstant(row.key_set_exp * 1000),
      fetchedAt: instantOf(row.key_set_at),
      ...(row.refreshed_at && { refreshedAt: instantOf(row.refreshed_at) }),
      ...(row.refresh_tried_at && { triedAt: instantOf(row.refresh_tried_at) }),
      failures: row.refresh_failures,
    },
    ...(entry && { algorithms: [...entry.algs], encryption: encryptionOf(entry, now) }),
  };
}

export type PartnerView = ReturnType<typeof view>;

/** `required`: a plain message is refused either way; `optional`: encrypted though it need not be; `none`: plain. */
export function encryptionOf({ encryption, keys }: PartnerEntry, now: number) {
  const key = encryptionKey(keys, Math.floor(now / 1000));
  const wanted = key !== undefined && encryption.policy !== 'none' ? ('optional' as const) : ('none' as const);
  return {
    mode: mustEncrypt(encryption) ? ('required' as const) : wanted,
    ...(key && { kid: key.kid }),
  };
}

/** Partners in the order of their issuers, with state and key status; no policy rules. The cursor is the last issuer shown. */
export async function listPartners(exchange: Exchange, request: PageRequest): Promise<Listed<PartnerView> | Refusal> {
  const after = request.cursor === undefined ? '' : Buffer.from(request.cursor, 'base64url').toString();
  const rows = (await partnerRows(exchange.store.db)).filter((row) => row.state !== 'removed');
  if (after !== '' && !rows.some((row) => row.issuer === after)) return refuse('cursor-invalid', '/cursor');
  const rest = rows.filter((row) => row.issuer > after);
  const items = rest.slice(0, request.limit);
  const last = items.at(-1);
  const next = rest.length > request.limit && last ? Buffer.from(last.issuer).toString('base64url') : null;
  const { partners } = await directoryNow(exchange);
  return { items: items.map((row) => view(row, partners.get(row.issuer), exchange.clock())), next };
}

/** One partner with the keys that are pinned for it, the identity that waits to replace its own, and what is in doubt. */
export async function showPartner(exchange: Exchange, issuer: string) {
  const { db } = exchange.store;
  const row = await partnerRow(db, issuer);
  if (!row || row.state === 'removed') return unknownPartner(issuer, '', 'not-found');
  const { partners } = await directoryNow(exchange);
  const keys = await partnerKeyRows(db, issuer);
  const replacement = await pendingReplacement(db, issuer);
  const elsewhere = endpointsElsewhere({ iss: issuer, endpoints: row.endpoints });
  const suspect = await suspectMessages(db, issuer, MOST_SUSPECT);
  const left = (await suspectLeft(db, issuer)).get(issuer);
  return {
    ...view(row, partners.get(issuer), exchange.clock()),
    ...(elsewhere.length > 0 && { endpointsElsewhere: elsewhere }),
    keys: keys.map(keyView),
    ...(replacement && { replacement }),
    suspect: {
      count: suspect.count,
      ...(left?.since && { since: instantOf(left.since) }),
      items: suspect.rows.map(({ jti, event, received_at, originator, reference_id: id }) => ({
        jti,
        ...(originator !== null && id !== null && { reference: { originator, id } }),
        event: event.startsWith(EVENT_PREFIX) ? event.slice(EVENT_PREFIX.length) : event,
        receivedAt: instantOf(received_at),
      })),
    },
  };
}

function keyView(key: KeyRow) {
  return {
    kid: key.kid,
    alg: key.alg,
    use: key.use,
    ...(key.nbf !== null && { notBefore: isoInstant(key.nbf * 1000) }),
    expiresAt: isoInstant(key.exp * 1000),
    ...(key.revoked_at !== null && { revokedAt: isoInstant(key.revoked_at * 1000) }),
    ...(key.revoked_reason !== null && { revokedReason: key.revoked_reason }),
    ...(key.revocation_seen_at && { revocationSeenAt: instantOf(key.revocation_seen_at) }),
  };
}

function directoryNow(exchange: Exchange): Promise<Snapshot> {
  return exchange.directory.within(exchange.store.db);
}
