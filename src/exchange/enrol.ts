import { codes } from '../domain/codes.ts';
import type { PeerCard } from '../domain/contract.types.ts';
import { guard } from '../domain/guard.ts';
import { checkJurisdiction } from '../domain/jurisdiction.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { bumpDirectory, partnerRow } from '../store/partners.ts';
import { insertRows } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { type OpenedCard, openCard } from '../wire/card.ts';
import { isFingerprint, sameFingerprint, spokenFingerprint } from '../wire/fingerprint.ts';
import { isLoopbackIssuer } from '../wire/issuer.ts';
import { type OpenedKeySet, wantsEncryption } from '../wire/keyset.ts';
import type { Exchange } from './context.ts';

/** What an introduction gives the operator to compare by telephone. */
export interface Introduced {
  readonly issuer: string;
  readonly state: 'pending';
  /** Thumbprint of the identity key, base64url. */
  readonly fingerprint: string;
  /** The same, as eight groups of five digits. */
  readonly spoken: string;
  /** What the card claims; nothing of it counts before the operator confirms. */
  readonly organisation: PeerCard['organisation'];
  /** False where this release may not exchange with the partner: it would have to encrypt. */
  readonly exchangeable: boolean;
}

/** Takes a peer card: the partner is pending, its keys are pinned, and nothing is exchanged before the fingerprint is confirmed. */
export async function addPartner(exchange: Exchange, compact: string): Promise<Introduced | Refusal> {
  const { profile } = exchange;
  const opened = await openCard(compact.trim(), {
    now: Math.floor(exchange.clock() / 1000),
    loopback: profile.loopback,
  });
  if (isRefusal(opened)) return opened;
  const { card, kid, fingerprint: spoken } = opened;
  if (card.iss === exchange.self)
    return refuse(
      'card-invalid',
      '/iss',
      'The card is our own.',
      'Give this card to the partner and add the partner’s.',
    );
  const taken = await inTransaction(exchange.store.db, (trx) => pinPartner(exchange, trx, opened, compact.trim()));
  if (isRefusal(taken)) return taken;
  const exchangeable = profile.loopback && isLoopbackIssuer(card.iss);
  return {
    issuer: card.iss,
    state: 'pending',
    fingerprint: kid,
    spoken,
    organisation: card.organisation,
    exchangeable,
  };
}

async function pinPartner(
  exchange: Exchange,
  trx: Trx,
  opened: OpenedCard,
  compact: string,
): Promise<Refusal | undefined> {
  const { card, kid } = opened;
  if (await partnerRow(trx, card.iss)) return refuse('partner-exists', '/iss');
  const twin = await trx.selectFrom('partner').select('issuer').where('identity_kid', '=', kid).executeTakeFirst();
  if (twin) {
    return refuse(
      'card-invalid',
      '/identity_key',
      `Another partner (${twin.issuer}) has the same identity key.`,
      'Trust neither before you have called both: one of them has the other’s key.',
    );
  }
  const at = new Date(exchange.clock());
  const { organisation, contact } = card;
  await insertRows(trx, 'partner', [
    {
      issuer: card.iss,
      state: 'pending',
      name: organisation.name,
      type: organisation.type,
      jurisdictions: organisation.jurisdictions,
      coverage: organisation.coverage ?? [],
      contact: contact ?? null,
      card: compact,
      card_iat: card.iat,
      identity_kid: kid,
      identity_jwk: opened.identityKey,
      foreign_client: false,
      is_local: false,
      ...keySetColumns(opened.keySet, card.key_set, at),
      added_at: at,
    },
  ]);
  await insertRows(trx, 'partner_stream', [{ partner: card.iss, epoch: exchange.chance.uuid4(), n: 0 }]);
  await storeKeys(trx, card.iss, opened.keySet, at);
  await recordEvents(trx, [{ type: 'partner.added', at, partner: card.iss }]);
  await bumpDirectory(trx);
  return undefined;
}

/** The columns of a partner that its newest key set fills. */
export function keySetColumns({ claims }: OpenedKeySet, compact: string, at: Date) {
  return {
    key_set: compact,
    key_set_seq: claims.seq,
    key_set_exp: claims.exp,
    key_set_at: at,
    endpoints: claims.endpoints,
  };
}

/** Pins the keys of a key set by (issuer, kid). A key that left the set stays as history and verifies nothing from now on. */
export async function storeKeys(trx: Trx, issuer: string, { keys }: OpenedKeySet, at: Date): Promise<void> {
  const kids = keys.map((key) => key.kid);
  const now = Math.floor(at.getTime() / 1000);
  await trx.updateTable('partner_key').set({ exp: now }).where('issuer', '=', issuer).where('exp', '>', now).execute();
  if (kids.length > 0)
    await trx.deleteFrom('partner_key').where('issuer', '=', issuer).where('kid', 'in', kids).execute();
  await insertRows(
    trx,
    'partner_key',
    keys.map((key) => ({
      issuer,
      kid: key.kid,
      alg: key.alg,
      use: key.use,
      jwk: key.jwk,
      nbf: key.nbf ?? null,
      exp: key.exp ?? claimsEnd,
      revoked_at: key.revoked_at ?? null,
      revoked_reason: key.revoked_reason ?? null,
      first_seen_at: at,
    })),
  );
}

/** 9999-12-31: a key whose entry names no end. */
const claimsEnd = 253_402_300_799;

export interface Confirmation {
  readonly issuer: string;
  /** As it was read out or typed: base64url or eight groups of five digits. */
  readonly fingerprint: string;
  readonly type?: string | undefined;
  readonly jurisdictions?: readonly string[] | undefined;
  readonly verifiedBy?: string | undefined;
  readonly foreign?: boolean | undefined;
  readonly local?: boolean | undefined;
}

/** What the operator's confirmation recorded: this counts from here on, not the card. */
export interface Confirmed {
  readonly issuer: string;
  readonly state: 'active';
  readonly type: string;
  readonly jurisdictions: readonly string[];
  /** Members that the operator left out and that were therefore taken from the card. */
  readonly fromCard: readonly ('type' | 'jurisdictions')[];
  readonly fingerprint: string;
  readonly spoken: string;
  /** A client that cannot encrypt, by the operator's word: messages to it go unencrypted inside TLS. */
  readonly foreign: boolean;
}

/** Makes a pending partner active when the fingerprint that the operator compared is that of the pinned identity key. */
export async function confirmPartner(exchange: Exchange, given: Confirmation): Promise<Confirmed | Refusal> {
  const wrong = checkConfirmation(exchange, given);
  if (wrong) return wrong;
  return inTransaction(exchange.store.db, async (trx) => {
    const row = await trx
      .selectFrom('partner')
      .selectAll()
      .where('issuer', '=', given.issuer)
      .forUpdate()
      .executeTakeFirst();
    if (!row) return unknownPartner(given.issuer);
    if (row.state !== 'pending') return refuse('state-conflict', '/issuer', `The partner is ${row.state} already.`);
    if (given.foreign && wantsEncryption(row.key_set)) {
      return refuse(
        'encryption-required',
        '/foreign',
        'The partner’s key set says that messages to it must be encrypted, which this release cannot do.',
        'Wait for the release with encryption; --foreign is for clients that cannot encrypt.',
      );
    }
    if (!isFingerprint(given.fingerprint)) {
      return refuse(
        'usage-invalid',
        '/fingerprint',
        'This is no fingerprint.',
        'Type what the partner read out: eight groups of five digits, or the 43 characters as they are written.',
      );
    }
    if (!(await sameFingerprint(row.identity_jwk, given.fingerprint)))
      return refuse('fingerprint-mismatch', '/fingerprint');
    const type = given.type ?? row.type;
    const jurisdictions = [...(given.jurisdictions ?? row.jurisdictions)];
    const at = new Date(exchange.clock());
    await trx
      .updateTable('partner')
      .set({
        state: 'active',
        type,
        jurisdictions,
        verified_by: given.verifiedBy ?? null,
        foreign_client: given.foreign ?? false,
        is_local: given.local ?? false,
        confirmed_at: at,
      })
      .where('issuer', '=', given.issuer)
      .execute();
    await recordEvents(trx, [{ type: 'partner.confirmed', at, partner: given.issuer, body: { type, jurisdictions } }]);
    await bumpDirectory(trx);
    const fromCard = (['type', 'jurisdictions'] as const).filter((member) => given[member] === undefined);
    const spoken = spokenFingerprint(row.identity_kid);
    return {
      issuer: given.issuer,
      state: 'active' as const,
      type,
      jurisdictions,
      fromCard,
      fingerprint: row.identity_kid,
      spoken,
      foreign: given.foreign ?? false,
    };
  });
}

function checkConfirmation(exchange: Exchange, given: Confirmation): Refusal | undefined {
  const { verifiedBy = '' } = given;
  const guarded = guard({ verifiedBy }, { form: 'policy' });
  if (guarded) return guarded;
  if (given.type !== undefined && !(codes.organisationType as readonly string[]).includes(given.type)) {
    return refuse(
      'usage-invalid',
      '/type',
      'The organisation type is not in the code list.',
      `Use one of: ${codes.organisationType.join(', ')}.`,
    );
  }
  for (const [index, code] of (given.jurisdictions ?? []).entries()) {
    const refusal = checkJurisdiction(code, `/jurisdictions/${index}`);
    if (refusal) return refusal;
  }
  const bothLoopback = exchange.profile.loopback && isLoopbackIssuer(given.issuer);
  if (bothLoopback || given.foreign) return undefined;
  return refuse(
    'encryption-required',
    '/issuer',
    'This release signs but does not encrypt, and plain messages may pass between loopback nodes only.',
    'Wait for the release with encryption; two nodes on one machine can exchange for a trial.',
  );
}
