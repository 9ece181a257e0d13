import { PARTNER_AWAY } from '../domain/attempt.ts';
import { nextAttemptDelay } from '../domain/backoff.ts';
import {
  claimOwed,
  lossesToLookAt,
  noteLoss,
  type Owed,
  oweAttestations,
  replaceBytes,
  setLook,
  settleOwed,
} from '../store/attest.ts';
import { decidedByPerson } from '../store/held.ts';
import { lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { isClosed } from '../store/recall.ts';
import { inTransaction } from '../store/transaction.ts';
import { encryptSet } from '../wire/encrypt.ts';
import { signAgain } from '../wire/sign.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry, Snapshot } from './directory.ts';
import { deliveryPlace, openText, ownerOf, sealText } from './record.ts';
import { decideKnown } from './redecide.ts';
import { saysTheSame } from './same-disclosure.ts';
import { issuedAt } from './signing-key.ts';
import { every, type Ticking } from './ticking.ts';
import { wayTo } from './way.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const HORIZON_MS = 90 * 24 * HOUR;
/** What a partner received after the instant may have left a little before it, by our clock. */
const SLACK_MS = 10 * MINUTE;
/** When deliveries are looked at again after a publication: what was under way then ends within the lease of its process. */
const LOOKS_MS = [MINUTE, 10 * MINUTE, HOUR, 24 * HOUR];
/** What is posted at one time, within the connections that one partner may get. */
const BATCH = 32;
const LEASE_MS = 60_000;
const TICK_MS = 1000;

function owing(exchange: Exchange, partner?: string) {
  const now = exchange.clock();
  return { horizon: new Date(now - HORIZON_MS), at: new Date(now), partner };
}

/**
 * Owes, in the transaction that publishes the loss, the attestation of what we signed with keys that are revoked: the outbox
 * knows what was ours, so whatever else a lost key signed stays suspect at partners (protocol, "Verification order": same
 * jti and payload under another kid). Instants in seconds since 1970.
 * @returns how many messages are owed
 */
export async function oweLost(
  exchange: Exchange,
  trx: Trx,
  lost: readonly { readonly kid: string; readonly since: number }[],
): Promise<number> {
  let owed = 0;
  for (const { kid, since: seconds } of lost) {
    const loss = { kid, since: new Date(seconds * 1000 - SLACK_MS) };
    const { at } = owing(exchange);
    await noteLoss(trx, loss, at, new Date(at.getTime() + MINUTE));
    owed += await oweAttestations(trx, loss, owing(exchange));
  }
  return owed;
}

/**
 * Owes one partner everything that keys signed which are revoked now: it has just taken our new identity, and from when on it
 * doubts the old one is its own decision, which we do not know. Part of the transaction that notes so.
 */
export async function attestAll(exchange: Exchange, trx: Trx, partner: string): Promise<number> {
  const since = owing(exchange).horizon;
  const lost = exchange.keys.publicKeys().filter(({ use, state }) => use === 'sig' && state === 'revoked');
  let owed = 0;
  for (const { kid } of lost) owed += await oweAttestations(trx, { kid, since }, owing(exchange, partner));
  return owed;
}

async function lookAgain(exchange: Exchange): Promise<void> {
  await inTransaction(exchange.store.db, async (trx) => {
    for (const { kid, since, looks, told_at } of await lossesToLookAt(trx, new Date(exchange.clock()))) {
      await oweAttestations(trx, { kid, since }, owing(exchange));
      const next = LOOKS_MS[looks + 1];
      await setLook(trx, kid, looks + 1, next === undefined ? null : new Date(told_at.getTime() + next));
    }
  });
}

/** An owed message as today's directory and policy see it: what is said to whom, or why it is not. */
type Weighed =
  | { readonly owed: Owed; readonly partner: PartnerEntry; readonly compact: string }
  | { readonly owed: Owed; readonly never: string }
  | { readonly owed: Owed; readonly wait: string };

/** Says again what is owed, until nothing is due. */
export async function attestDue(exchange: Exchange): Promise<void> {
  await lookAgain(exchange);
  for (;;) {
    const lease = exchange.chance.uuid4();
    const weighed = await inTransaction(exchange.store.db, (trx) => claimAndWeigh(exchange, trx, lease));
    await Promise.all(weighed.map((one) => sayAgain(exchange, one, lease)));
    if (weighed.length < BATCH) return;
  }
}

async function claimAndWeigh(exchange: Exchange, trx: Trx, lease: string): Promise<Weighed[]> {
  const now = exchange.clock();
  const snapshot = await exchange.directory.within(trx);
  const claim = { now: new Date(now), lease, leaseUntil: new Date(now + LEASE_MS), limit: BATCH };
  const weighed: Weighed[] = [];
  for (const owed of await claimOwed(trx, claim)) weighed.push(await weigh(exchange, trx, snapshot, owed));
  return weighed;
}

const despiteSuspension: ReadonlySet<string> = new Set(['receipt', 'withdrawn']);

async function weigh(exchange: Exchange, trx: Trx, snapshot: Snapshot, owed: Owed): Promise<Weighed> {
  const partner = snapshot.partners.get(owed.partner);
  if (!partner) return { owed, never: 'partner-removed' };
  if (partner.state === 'pending') return { owed, wait: 'partner-pending' };
  if (partner.state === 'suspended' && !despiteSuspension.has(owed.event)) return { owed, wait: 'partner-suspended' };
  const compact = openOwed(exchange, owed);
  if (compact === undefined) return { owed, never: 'erased' };
  if (owed.event !== 'submitted' && owed.event !== 'revised') return { owed, partner, compact };
  return (await mayBeSaid(exchange, trx, { snapshot, partner }, owed, compact))
    ? { owed, partner, compact }
    : { owed, never: 'policy' };
}

function openOwed(exchange: Exchange, { delivery, body, plain, wrapped, originator, reference_id: id }: Owed) {
  if (plain !== null) return plain;
  if (!body || !wrapped || originator === null || id === null) return undefined;
  const key = exchange.vault.unwrap(wrapped, ownerOf({ originator, id }));
  return openText(exchange.vault, key, deliveryPlace(delivery), body);
}

/** A reference is said again only as today's decision and disclosure would say it: the partner's doubt is right about all else. */
async function mayBeSaid(
  exchange: Exchange,
  trx: Trx,
  { snapshot, partner }: { readonly snapshot: Snapshot; readonly partner: PartnerEntry },
  { originator, reference_id: id }: Owed,
  compact: string,
): Promise<boolean> {
  if (originator === null || id === null) return false;
  const [row] = await lockReferences(trx, [{ originator, id }]);
  if (!row || isClosed(row.state)) return false;
  const persons = await decidedByPerson(trx, partner.facts.issuer, [row]);
  const [decided] = decideKnown(exchange, snapshot, partner, row, new Date(exchange.clock()), persons.get(id));
  if (decided?.decision.effect !== 'send') return false;
  return saysTheSame(compact, { ...decided, partner });
}

async function sayAgain(exchange: Exchange, weighed: Weighed, lease: string): Promise<void> {
  const { owed } = weighed;
  const held = { delivery: owed.delivery, lease };
  const { db } = exchange.store;
  if ('never' in weighed) {
    return settleOwed(db, held, { state: 'never', code: weighed.never, at: new Date(exchange.clock()) });
  }
  const code = 'wait' in weighed ? weighed.wait : await post(exchange, weighed);
  const delay = code === undefined ? 0 : nextAttemptDelay(owed.attempts, exchange.chance.fraction());
  const at = new Date(exchange.clock() + delay);
  await settleOwed(db, held, { state: code === undefined ? 'done' : 'owed', code: code ?? null, at });
}

/** Signs and posts; undefined once the partner took it, else why not as a stable word. */
async function post(exchange: Exchange, { owed, partner, compact }: Extract<Weighed, { compact: string }>) {
  const { issuer } = partner.facts;
  const { push } = partner.endpoints;
  if (push === undefined) return 'no-push';
  if (exchange.transport.allowance(issuer, exchange.clock()) === 0) return PARTNER_AWAY;
  const way = await wayTo(exchange, partner, issuedAt(compact));
  if (typeof way === 'string') return way;
  const { signer, encryptTo } = way;
  if (signer.kid === owed.kid) return 'key-not-replaced';
  const token = await signAgain(compact, signer);
  const sent = encryptTo ? await encryptSet(token.compact, encryptTo) : token.compact;
  const outcome = await exchange.transport.postToken(push, sent, {
    partner: issuer,
    local: partner.local,
    aside: true,
  });
  if (outcome.status === 'unreachable') return outcome.code;
  if (outcome.status === 'refused') return outcome.err ?? `http-${outcome.http}`;
  const stored = { id: owed.delivery, kid: signer.kid, digest: token.digest, ...sealed(exchange, owed, token.compact) };
  await replaceBytes(exchange.store.db, owed.kid, stored, new Date(exchange.clock()));
  return undefined;
}

function sealed(exchange: Exchange, { delivery, plain, wrapped, originator, reference_id: id }: Owed, compact: string) {
  if (plain !== null || !wrapped || originator === null || id === null) return { body: null, plain: compact };
  const key = exchange.vault.unwrap(wrapped, ownerOf({ originator, id }));
  return { body: sealText(exchange.vault, key, deliveryPlace(delivery), compact), plain: null };
}

/** Says again what is owed, now and every second; `stop` waits for what is under way. */
export function startAttestation(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'attestation.failed' }, () => attestDue(exchange));
}
