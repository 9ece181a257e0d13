import type { Statement } from '../domain/authority/statement.ts';
import { utter } from '../domain/authority/utterance.ts';
import type { CaseReference, Receipt, Voided, Withdrawn } from '../domain/contract.types.ts';
import type { Decision, SendEffect } from '../domain/decision.ts';
import type { SubjectId } from '../domain/message.ts';
import { redact } from '../domain/redact.ts';
import type { Signer } from '../domain/secrets.ts';
import { type Claimed, lastDigests, type SignedBytes, storeSigned, storeSignedAgain } from '../store/outbox.ts';
import { type EncryptionKey, encryptSet } from '../wire/encrypt.ts';
import {
  type Envelope,
  receiptClaims,
  relayedClaims,
  revisedClaims,
  type SignableClaims,
  statedClaims,
  submittedClaims,
  verifyClaims,
  voidedClaims,
  withdrawnClaims,
} from '../wire/event.ts';
import { type SignedToken, signAgain, signSet } from '../wire/sign.ts';
import { openPayload } from './case/log.ts';
import { noticeOf } from './case/notice.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';
import { deliveryPlace, openReference, openText, ownerOf, sealText } from './record.ts';
import { issuedAt, type NoSigner, signerFor } from './signing-key.ts';

/** A claimed delivery with the bytes that go out, the same at every attempt. */
export interface Sealed {
  readonly delivery: Claimed;
  readonly compact: string;
  /** The key that signed them; null for what an earlier release signed. */
  readonly kid: string | null;
}

/** A delivery that could not be given its bytes: a defect of ours, which must not keep the others back. */
export interface Unsealed {
  readonly delivery: Claimed;
  readonly failure: unknown;
}

/** A delivery that must be signed again, and that no key of ours can sign yet. */
export interface Waiting {
  readonly delivery: Claimed;
  readonly code: NoSigner;
}

/**
 * Gives claimed deliveries their signed bytes: those signed at an earlier claim are opened from the store, the others
 * are built from what policy discloses, signed together and stored before any of them is sent. A process that dies in
 * between signs anew under the same number, and nobody has seen the first signature. What another process signed first
 * under a lease that overlaps (clocks differ) is left to it: two payloads under one jti would end in a conflict. What was
 * signed by a key that counts no more is signed again, the same payload under the key of today.
 */
export async function seal(
  exchange: Exchange,
  partner: PartnerEntry,
  claimed: readonly Claimed[],
  signer: Signer,
  basis: number,
): Promise<{ sealed: Sealed[]; unsealed: Unsealed[]; waiting: Waiting[] }> {
  const fresh = claimed.filter((one) => one.digest === null);
  const revised = fresh.filter((one) => one.event === 'revised').map((one) => one.id);
  const supersedes = await lastDigests(exchange.store.db, partner.facts.issuer, revised);
  const unsealed: Unsealed[] = [];
  const waiting: Waiting[] = [];
  const attempt = async <Out>(delivery: Claimed, work: () => Promise<Out> | Out): Promise<Out | undefined> => {
    try {
      return await work();
    } catch (failure) {
      unsealed.push({ delivery, failure });
      return undefined;
    }
  };
  const signed = await Promise.all(
    fresh.map((delivery) =>
      attempt(delivery, async () => {
        const claims = claimsFor(exchange, partner, delivery, supersedes.get(delivery.id));
        const token = await signSet(claims, signer);
        return madeBytes(exchange, delivery, token, signer);
      }),
    ),
  );
  const made = signed.filter((one) => one !== undefined);
  const kept = await storeSigned(exchange.store.db, made, basis);
  const mine = made.filter(({ id }) => kept.has(id));
  const before = claimed.filter((one) => one.digest !== null);
  const lost = lostKeys(exchange);
  const good = before.filter(({ kid }) => kid === null || !lost.has(kid));
  const opened = await Promise.all(
    good.map((delivery) =>
      attempt(delivery, () => ({ delivery, compact: openSigned(exchange, delivery), kid: delivery.kid })),
    ),
  );
  const renewed = await Promise.all(
    before
      .filter((one) => !good.includes(one))
      .map((delivery) =>
        attempt(delivery, async () => {
          const compact = openSigned(exchange, delivery);
          // With its old time: a key that partners know to have begun later would be refused for good.
          const again = await signerFor(exchange, partner.algs, issuedAt(compact));
          if (typeof again !== 'string') return madeBytes(exchange, delivery, await signAgain(compact, again), again);
          waiting.push({ delivery, code: again });
          return undefined;
        }),
      ),
  );
  const attested = renewed.filter((one) => one !== undefined);
  const keptAgain = await storeSignedAgain(exchange.store.db, attested);
  const sealed = [
    ...mine,
    ...opened.filter((one) => one !== undefined),
    ...attested.filter(({ id }) => keptAgain.has(id)),
  ];
  return { sealed, unsealed, waiting };
}

/**
 * What is sent of a sealed delivery. Encrypted anew at each attempt: what is kept is the signed message, and each attempt has a
 * key agreement of its own.
 */
export async function wireToken(
  { delivery, compact }: Sealed,
  to: EncryptionKey | undefined,
): Promise<string | Unsealed> {
  try {
    return to ? await encryptSet(compact, to) : compact;
  } catch (failure) {
    return { delivery, failure };
  }
}

/** Our keys whose signatures partners refuse: revoked, or at their end. */
export function lostKeys(exchange: Exchange): ReadonlySet<string> {
  const now = Math.floor(exchange.clock() / 1000);
  const lost = exchange.keys.publicKeys().filter(({ state, exp }) => state === 'revoked' || exp <= now);
  return new Set(lost.map(({ kid }) => kid));
}

function madeBytes(exchange: Exchange, delivery: Claimed, token: SignedToken, { kid }: Signer): SignedBytes & Sealed {
  return { id: delivery.id, delivery, kid, ...token, ...stored(exchange, delivery, token.compact) };
}

/** Messages that carry a reference are kept encrypted with its data key; receipts name no address and are evidence. */
function stored(
  exchange: Exchange,
  delivery: Claimed,
  compact: string,
): { body: Uint8Array | null; plain: string | null } {
  // A withdrawal names no address and is sent long after the data key is gone.
  const key = delivery.event === 'withdrawn' ? undefined : dataKey(exchange, delivery);
  if (!key) return { body: null, plain: compact };
  return { body: sealText(exchange.vault, key, deliveryPlace(delivery.id), compact), plain: null };
}

/** The signed bytes of a delivery that was sealed before. */
export function openSigned(exchange: Exchange, delivery: Claimed): string {
  if (delivery.plain !== null) return delivery.plain;
  const key = dataKey(exchange, delivery);
  if (!key || !delivery.body) throw new Error(`delivery ${delivery.id} has lost its signed bytes`);
  return openText(exchange.vault, key, deliveryPlace(delivery.id), delivery.body);
}

function dataKey(exchange: Exchange, { wrapped, originator, reference_id: id }: Claimed) {
  if (!wrapped || originator === null || id === null) return undefined;
  return exchange.vault.unwrap(wrapped, ownerOf({ originator, id }));
}

function claimsFor(
  exchange: Exchange,
  partner: PartnerEntry,
  delivery: Claimed,
  supersedes: string | undefined,
): SignableClaims {
  const envelope = envelopeFor(exchange, partner, delivery);
  if (delivery.event === 'verify') return verifyClaims(envelope);
  if (delivery.event === 'voided') return voidedClaims(envelope, delivery.payload as unknown as Voided);
  if (delivery.event === 'withdrawn') {
    return withdrawnClaims(envelope, delivery.reference_id as string, delivery.payload as unknown as Withdrawn);
  }
  if (delivery.event === 'receipt') {
    const { subject, content } = delivery.payload as { subject: SubjectId; content: Receipt };
    const { for: answered, digest, ...outcome } = content;
    return receiptClaims(envelope, { jti: answered.jti, digest, sub_id: subject }, outcome);
  }
  if (delivery.statement_id !== null) return statementClaims(exchange, partner, delivery, envelope);
  const id = delivery.reference_id as string;
  const reference = referenceOf(exchange, delivery);
  const notice = noticeOf(reference.marking, delivery);
  const disclosure = redact(reference, sendDecision(delivery), {
    partner: partner.facts,
    policy: policyOf(partner),
    now: exchange.clock(),
    ...(notice !== undefined && { notice }),
  });
  // A revision to somebody whose first message never left is that somebody's first disclosure.
  return delivery.event === 'revised' && supersedes !== undefined
    ? revisedClaims(envelope, id, disclosure, supersedes)
    : submittedClaims(envelope, id, disclosure);
}

/** What was said about a case, in our own name or as the originator who relays it. */
function statementClaims(
  exchange: Exchange,
  partner: PartnerEntry,
  delivery: Claimed,
  envelope: Envelope,
): SignableClaims {
  const { originator, reference_id: id, statement_id, statement_said: said } = delivery;
  if (originator === null || id === null || statement_id === null || !said)
    throw new Error(`delivery ${delivery.id} has lost its statement`);
  const sealed = { id: statement_id, payload: delivery.statement_payload, wrapped: delivery.statement_wrapped };
  const payload = openPayload(exchange.vault, { originator, id }, sealed, dataKey(exchange, delivery));
  if (!payload) throw new Error(`delivery ${delivery.id} has lost what it says`);
  const { statement_event: event, statement_speaker: by } = delivery;
  const utterance = utter({ event, payload, by, said: said.getTime() } as unknown as Statement, partner.facts);
  if (delivery.event !== 'relayed') return statedClaims(envelope, { iss: originator, sub: id }, utterance);
  const { statement_carrier: jti, statement_digest: digest } = delivery;
  if (jti === null || digest === null) throw new Error('our own words were about to be relayed');
  return relayedClaims(envelope, id, utterance, { jti, digest });
}

function envelopeFor(exchange: Exchange, partner: PartnerEntry, { jti, epoch, n }: Claimed): Envelope {
  if (epoch === null || n === null) throw new Error('a message was about to be signed without a number');
  return {
    iss: exchange.self,
    aud: partner.facts.issuer,
    iat: Math.floor(exchange.clock() / 1000),
    jti,
    seq: { epoch, n },
    salt: exchange.chance.jti(),
  };
}

function referenceOf(exchange: Exchange, delivery: Claimed): CaseReference {
  const { originator, reference_id: id, revision, revision_body: body, wrapped } = delivery;
  if (originator === null || id === null || revision === null || !body || !wrapped) {
    throw new Error(`delivery ${delivery.id} has no reference`);
  }
  return openReference(exchange.vault, { originator, id }, { revision, body, wrapped });
}

function policyOf(partner: PartnerEntry) {
  if (!partner.policy) throw new Error('a reference was about to leave without a policy');
  return partner.policy;
}

/** A delivery is numbered only while its decision is `send` under the directory of this moment. */
function sendDecision(delivery: Claimed): Decision<SendEffect> {
  return { effect: (delivery.effect ?? 'withhold') as SendEffect, rule: '', policyVersion: 0, trace: [] };
}
