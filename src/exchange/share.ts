import type { CaseReference } from '../domain/contract.types.ts';
import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { DataKey } from '../domain/secrets.ts';
import { noticesAt } from '../store/case-linked.ts';
import { eventInsert, type NewEvent, raise, raiseFor, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert, type NewDelivery } from '../store/outbox.ts';
import {
  emptyRows,
  type ReferenceRows,
  receivedAmong,
  receivedIds,
  referenceInserts,
  takenIds,
} from '../store/references.ts';
import { countRefusals, insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { type MatchKeys, matchKeys } from '../wire/match.ts';
import { tellsHosts } from './case/hosts.ts';
import { nothingSaid, noticeOf } from './case/notice.ts';
import type { Exchange } from './context.ts';
import { decideAll, heldEvents } from './decide.ts';
import type { Snapshot } from './directory.ts';
import { openDuplicates } from './duplicates.ts';
import { gather } from './gather.ts';
import { type Idempotency, recall, remember } from './idempotency.ts';
import { type Intake, readSubmission } from './intake.ts';
import { type Conflicting, conflictAlerts, conflictEvents, conflictsAmong } from './pen-conflict.ts';
import { newDelivery } from './queue.ts';
import {
  decisionRow,
  indexRows,
  type Macs,
  macsOf,
  ownerOf,
  type ReferenceName,
  referenceRow,
  revisionRow,
} from './record.ts';
import { answerRepeats } from './repeat.ts';
import type { PartnerDecision, Shared } from './sharing.ts';

interface Prepared extends Omit<Intake, 'id'>, ReferenceName {
  readonly keys: MatchKeys;
  readonly macs: Macs;
  readonly dataKey: { key: DataKey; wrapped: Uint8Array };
  readonly idempotency: Idempotency | undefined;
  readonly repeatable: boolean;
  /** Whether the caller chose the id. */
  readonly named: boolean;
}

/** What a caller gives beside the submission so that it can say the same again. */
export interface ShareOptions {
  readonly idempotency?: Idempotency | undefined;
  /**
   * Id for a submission that names none, the same whenever it is said again. With it, the same content under the same
   * id is answered as it stands instead of `reference-exists`, without any limit of time.
   */
  readonly id?: string | undefined;
}

export type Share = (input: unknown, options?: ShareOptions) => Promise<Shared | Refusal[]>;

/**
 * Takes one case reference from the hotline's own software: gates it, decides for every partner, and commits reference,
 * decisions, outbox and feed together. What is refused leaves a count and nothing else. Calls that arrive together
 * share one commit.
 */
export function createShare(exchange: Exchange): Share {
  const commit = gather<Prepared, Shared | Refusal[]>((batch) => commitBatch(exchange, batch), { most: 100 });
  const count = gather<string, undefined>((codes) => countBatch(exchange, codes), { most: 500 });
  const take = async (intake: Intake, options: ShareOptions) => {
    const large = tooLarge(intake.reference);
    return large ? [large] : commit(prepare(exchange, intake, options));
  };
  return async (input, options = {}) => {
    const { codes: lists } = await exchange.directory.current();
    const intake = readSubmission(input, 1, { ...exchange.profile, lists });
    const answer = Array.isArray(intake) ? intake : await take(intake, options);
    if (Array.isArray(answer)) await count(answer[0]?.code ?? 'schema-invalid');
    return answer;
  };
}

async function countBatch(exchange: Exchange, codes: readonly string[]): Promise<undefined[]> {
  await countRefusals(exchange.store.db, isoInstant(exchange.clock()).slice(0, 10), 'api', codes);
  return codes.map(() => undefined);
}

/** What fits into one signed message of 16 KiB after base64url, with the claims, header and signature around it. */
const LARGEST = 11_000;

/** Refuses a reference that could be stored but never sent. */
export function tooLarge(reference: CaseReference): Refusal | undefined {
  if (Buffer.byteLength(JSON.stringify(reference)) <= LARGEST) return undefined;
  const message = 'The reference does not fit into one signed message.';
  return refuse('too-large', '', message, 'Shorten the address, the referrer or the lists.');
}

function prepare(exchange: Exchange, intake: Intake, { idempotency, id }: ShareOptions): Prepared {
  const name = { originator: exchange.self, id: intake.id ?? id ?? exchange.chance.uuid4() };
  const keys = matchKeys(intake.reference.url);
  return {
    ...intake,
    ...name,
    keys,
    macs: macsOf(exchange.vault, keys),
    dataKey: exchange.vault.newDataKey(ownerOf(name)),
    idempotency,
    repeatable: id !== undefined,
    named: intake.id !== undefined,
  };
}

async function commitBatch(exchange: Exchange, batch: readonly Prepared[]): Promise<(Shared | Refusal[])[]> {
  const answers = await inTransaction(exchange.store.db, (trx) => shareWithin(exchange, trx, batch));
  exchange.metrics.grouped('share', batch.length);
  exchange.wake.outbox();
  return answers;
}

async function shareWithin(exchange: Exchange, trx: Trx, batch: readonly Prepared[]): Promise<(Shared | Refusal[])[]> {
  const calls = batch.map((one) => one.idempotency);
  const remembered = await recall<Shared>(exchange, trx, calls);
  const fresh = batch.filter((_, index) => remembered[index] === undefined);
  const ids = fresh.map((one) => one.id);
  const taken = await takenIds(trx, exchange.self, ids);
  const accepted: Prepared[] = [];
  const repeats: Prepared[] = [];
  const answers = new Map<Prepared, Shared | Refusal[]>();
  const foreign = await foreignAmong(exchange, trx, fresh);
  for (const one of fresh) {
    const wrong = foreign(one);
    if (wrong) answers.set(one, [wrong]);
    else if (taken.has(one.id) && one.repeatable) repeats.push(one);
    else if (taken.has(one.id)) answers.set(one, [refuse('reference-exists', '/id')]);
    else {
      taken.add(one.id);
      accepted.push(one);
    }
  }
  for (const [one, shared] of await insertShared(exchange, trx, accepted)) answers.set(one, shared);
  // Asked for after the insert, so that a repeat within the batch is answered like one in a later batch.
  const repeated = await answerRepeats(exchange, trx, repeats);
  for (const [index, one] of repeats.entries()) answers.set(one, repeated[index] as Shared | Refusal[]);
  return batch.map((one, index) => remembered[index] ?? (answers.get(one) as Shared | Refusal[]));
}

/**
 * What came from a partner is not ours to send, in whatever clothes it comes back: under its own id, or named as the source
 * of a new reference. A source that this node does not have is for policy, which withholds it from everybody.
 */
async function foreignAmong(exchange: Exchange, trx: Trx, batch: readonly Prepared[]) {
  const sources = batch.flatMap(({ reference: { source } }) =>
    source && source.iss !== exchange.self ? [{ originator: source.iss, id: source.sub }] : [],
  );
  const received = await receivedAmong(trx, sources);
  const named = batch.filter((one) => one.named).map(({ id }) => id);
  const ids = await receivedIds(trx, named);
  return ({ id, named, reference: { source } }: Prepared): Refusal | undefined => {
    const message = 'A partner originated this reference, and it is not passed on.';
    const next =
      'Ask the originator to send it itself; what your own analysts found is submitted under an id of its own.';
    if (named && ids.has(id)) return refuse('not-originator', '/id', message, next);
    if (source && received.has(`${source.iss} ${source.sub}`)) return refuse('onward-not-allowed', '/source', message);
    return undefined;
  };
}

/** Everything that one transaction writes for new references. */
interface Draft {
  readonly rows: ReferenceRows;
  readonly deliveries: NewDelivery[];
  readonly events: NewEvent[];
  readonly at: Date;
  position: number;
}

async function insertShared(
  exchange: Exchange,
  trx: Trx,
  accepted: readonly Prepared[],
): Promise<Map<Prepared, Shared>> {
  if (accepted.length === 0) return new Map();
  const snapshot = await exchange.directory.within(trx);
  const duplicates = await openDuplicates(trx, accepted);
  const at = new Date(exchange.clock());
  const position = await reservePositions(trx, accepted.length * (3 + 2 * snapshot.partners.size));
  const decided = await decideShared(exchange, trx, snapshot, accepted);
  const draft: Draft = { rows: emptyRows(), deliveries: [], events: [], at, position };
  const shared = new Map<Prepared, Shared>();
  const conflicts: Conflicting[] = [];
  for (const { one, decisions } of decided) {
    enter(exchange, draft, snapshot, one, decisions);
    const found = duplicates({ ...one, observedAt: one.reference.observedAt });
    const conflicting = conflictsAmong([
      { name: { originator: one.originator, id: one.id }, answer: found.duplicateAnswer },
    ]);
    draft.events.push(...conflictEvents(conflicting, at));
    conflicts.push(...conflicting);
    shared.set(one, {
      id: one.id,
      reference: one.reference,
      createdAt: isoInstant(at.getTime()),
      decisions,
      ...found,
      normalised: one.normalised,
      replayed: false,
    });
  }
  await insertAll(trx, [
    ...referenceInserts(draft.rows),
    deliveryInsert(draft.deliveries),
    eventInsert(draft.events, draft.position),
    remember(
      exchange,
      [...shared].map(([one, answer]) => ({ ...one, answer })),
    ),
  ]);
  await raiseFor(trx, draft.events);
  await raise(trx, conflictAlerts(exchange.self, conflicts), at);
  return shared;
}

/** Decides for each and every partner. What keeps an address from its host does so whatever number it is submitted under. */
async function decideShared(exchange: Exchange, trx: Trx, snapshot: Snapshot, accepted: readonly Prepared[]) {
  const addresses = tellsHosts(snapshot) ? accepted.map(({ macs }) => macs.K1) : [];
  const linked = await noticesAt(trx, addresses);
  return accepted.map((one) => {
    const stop = linked.get(Buffer.from(one.macs.K1).toString('hex')) ?? null;
    const notice = noticeOf(one.reference.marking, { ...nothingSaid, linked_notice: stop });
    return { one, decisions: decideAll(exchange, snapshot, one.reference, one.keys, notice) };
  });
}

function enter(
  exchange: Exchange,
  draft: Draft,
  snapshot: Snapshot,
  one: Prepared,
  decisions: readonly PartnerDecision[],
): void {
  const { rows, at } = draft;
  const name: ReferenceName = { originator: one.originator, id: one.id };
  const ceilingDays = exchange.settings.retainDays;
  const placed = { position: draft.position++, direction: 'out', state: 'open', at, ceilingDays } as const;
  rows.references.push(referenceRow(name, one.reference, placed));
  rows.keys.push({ ...name, wrapped: one.dataKey.wrapped });
  rows.revisions.push(revisionRow(exchange.vault, one.dataKey.key, name, one.reference, { jti: null, at }));
  rows.indexes.push(...indexRows(name, one.macs));
  draft.events.push({ type: 'reference.shared', at, originator: name.originator, reference: name.id });
  draft.events.push(...heldEvents(name, decisions, at, one.reference.urgency?.level));
  for (const { partner, decision } of decisions) {
    rows.decisions.push(decisionRow(name, partner, 'out', decision, { revision: 1, basis: snapshot.version, at }));
    if (decision.effect !== 'send') continue;
    const message = { partner, event: 'submitted', reference: one.reference, position: draft.position++, at } as const;
    draft.deliveries.push(newDelivery(exchange, name, message));
  }
}
