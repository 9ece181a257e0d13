import type { Withdrawn } from '../domain/contract.types.ts';
import type { Decision, SendEffect } from '../domain/decision.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import { countHoldings, type Holding, holdingAmong, holdingsOf } from '../store/holding.ts';
import { lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { cancelUnsent, isClosed } from '../store/recall.ts';
import { reviseReferences } from '../store/references.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { matchKeys } from '../wire/match.ts';
import { noticeOf } from './case/notice.ts';
import type { Exchange } from './context.ts';
import { decideOne } from './decide.ts';
import type { PartnerEntry, Snapshot } from './directory.ts';
import { newNotice, voidedOf } from './queue.ts';
import { decisionRow, openReference, type ReferenceName } from './record.ts';
import { letPersonSpeak } from './redecide.ts';

/** Something that a partner holds and would not be sent now. */
export interface NoLongerAllowed {
  readonly id: string;
  readonly effect: 'hold' | 'withhold';
  /** The rule, deny or gate that would keep it now. */
  readonly rule: string;
}

/** How much a partner holds that it would not be sent now; `complete` false: at least so much, the counting was cut short. */
export interface Exposure {
  readonly partner: string;
  readonly references: number;
  readonly complete: boolean;
}

/** One page of what a partner holds, and of that what it would not be sent now; `next` null on the last. */
export interface ExposurePage {
  readonly looked: number;
  readonly items: readonly NoLongerAllowed[];
  readonly next: string | null;
}

interface Found {
  readonly name: ReferenceName;
  readonly revision: number;
  readonly decision: Decision<SendEffect>;
}

const EXPOSURE_PAGE = 500;
/** At most this many ranges of one `voided` fit into a token, and one withdrawal of a page is one of them. */
const WITHDRAWAL_PAGE = 200;

/** What a partner holds and would not be sent now, page by page in the order of ids. */
export async function findNoLongerAllowed(
  exchange: Exchange,
  issuer: string,
  { after, limit = EXPOSURE_PAGE }: { readonly after?: string | undefined; readonly limit?: number | undefined } = {},
): Promise<ExposurePage | Refusal> {
  const { db } = exchange.store;
  const snapshot = await exchange.directory.within(db);
  const partner = snapshot.partners.get(issuer);
  if (!partner) return unknownPartner(issuer);
  const { rows, next } = await holdingsOf(db, { self: exchange.self, partner: issuer }, { after, limit });
  const items = rows
    .map((row) => judgeHolding(exchange, snapshot, partner, row))
    .filter((found) => found !== undefined)
    .map(({ name, decision }) => ({
      id: name.id,
      effect: decision.effect as 'hold' | 'withhold',
      rule: decision.rule,
    }));
  return { looked: rows.length, items, next };
}

/** The decision of this moment, where it is not to send; what a person let go counts as a person's while only a rule differs. */
function judgeHolding(exchange: Exchange, snapshot: Snapshot, partner: PartnerEntry, row: Holding): Found | undefined {
  const name = { originator: row.originator, id: row.id };
  try {
    const reference = openReference(exchange.vault, name, row);
    const notice = noticeOf(reference.marking, row);
    const ruled = decideOne(exchange, snapshot, partner, reference, matchKeys(reference.url), notice);
    const decision = row.person === null ? ruled : letPersonSpeak(ruled);
    return decision.effect === 'send' ? undefined : { name, revision: row.revision, decision };
  } catch (failure) {
    exchange.log.failure('exposure.undecided', failure, { partner: partner.facts.issuer });
    return undefined;
  }
}

/** How long the answer to a change waits for the counting, in milliseconds. */
const PATIENCE_MS = 2000;

/** Counts what these partners hold and would not be sent now, as far as a person likes to wait; only those with something. */
export async function measureExposure(exchange: Exchange, issuers: readonly string[]): Promise<Exposure[]> {
  const end = performance.now() + PATIENCE_MS;
  const found: Exposure[] = [];
  for (const partner of issuers) {
    let references = 0;
    let after: string | undefined;
    let complete = false;
    while (!complete && (performance.now() < end || after === undefined)) {
      const page = await findNoLongerAllowed(exchange, partner, { after });
      if ('refused' in page) break;
      references += page.items.length;
      complete = page.next === null;
      after = page.next ?? undefined;
    }
    if (references > 0 || !complete) found.push({ partner, references, complete });
  }
  return found;
}

/** What suspended partners hold: nothing of it would be sent to them now. */
export async function measureHoldings(exchange: Exchange, issuers: readonly string[]): Promise<Exposure[]> {
  const counts = await countHoldings(exchange.store.db, exchange.self, issuers);
  return counts.map((one) => ({ ...one, complete: true }));
}

/** One page of a withdrawal of what a partner would not be sent now. */
export interface WithdrawnPage {
  readonly batch: string;
  readonly looked: number;
  readonly withdrawn: number;
  readonly next: string | null;
}

/**
 * Takes back, from one partner only, what it holds and would not be sent now: one page, decided anew under the locks of the
 * references. Everybody else keeps theirs and nothing is sealed here. It stands as the decision of the person `by`, so that
 * neither a policy nor the partner's return sends it again by itself; the partner's receipts complete it.
 */
export async function withdrawNoLongerAllowed(
  exchange: Exchange,
  issuer: string,
  given: { readonly content: Withdrawn; readonly by: string; readonly after?: string | undefined },
): Promise<WithdrawnPage | Refusal> {
  const batch = given.content.batch ?? exchange.chance.uuid4();
  const content = { ...given.content, batch };
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    const partner = (await exchange.directory.within(trx)).partners.get(issuer);
    if (!partner) return unknownPartner(issuer);
    if (partner.state === 'pending')
      return refuse('partner-pending', '/partner', 'The partner is not confirmed: it holds nothing.');
    const whose = { self: exchange.self, partner: issuer };
    const page = { after: given.after, limit: WITHDRAWAL_PAGE };
    const { rows, next } = await holdingsOf(trx, whose, page);
    const found = await judgeLocked(exchange, trx, partner, rows);
    if (found.length > 0) await takeBack(exchange, trx, issuer, found, content, given.by);
    return { batch, looked: rows.length, withdrawn: found.length, next };
  });
  exchange.wake.outbox();
  return answer;
}

/** Under the locks: what was revised, sealed or asked for meanwhile is judged as it is now, or left alone. */
async function judgeLocked(
  exchange: Exchange,
  trx: Trx,
  partner: PartnerEntry,
  rows: readonly Holding[],
): Promise<Found[]> {
  const snapshot = await exchange.directory.within(trx);
  const locked = await lockReferences(trx, rows);
  const ids = rows.map(({ id }) => id);
  const holding = await holdingAmong(trx, { self: exchange.self, partner: partner.facts.issuer }, ids);
  const persons = new Map(rows.map(({ id, person }) => [id, person]));
  return locked
    .filter(({ id, state }) => holding.has(id) && !isClosed(state))
    .map(({ wrapped, body, ...row }) => {
      if (!wrapped || !body) return undefined;
      const held = { ...row, wrapped, body, person: persons.get(row.id) ?? null };
      return judgeHolding(exchange, snapshot, partner, held);
    })
    .filter((found) => found !== undefined);
}

async function takeBack(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  found: readonly Found[],
  content: Withdrawn,
  by: string,
): Promise<void> {
  const at = new Date(exchange.clock());
  const { version: basis } = await exchange.directory.within(trx);
  const ids = found.map(({ name }) => name.id);
  const unsent = await cancelUnsent(trx, { originator: exchange.self, ids }, 'withdrawn', [partner]);
  await reviseReferences(
    trx,
    [],
    found.map(({ name, revision, decision }) =>
      decisionRow(name, partner, 'out', { ...decision, effect: 'withhold' }, { revision, basis, at, by }),
    ),
  );
  const voids = voidedOf(unsent, 'withdrawn');
  const events = found.map(
    ({ name }): NewEvent => ({
      type: 'reference.withdrawn',
      at,
      originator: name.originator,
      reference: name.id,
      partner,
      code: content.reason,
      body: { batch: content.batch, by },
    }),
  );
  let position = await reservePositions(trx, found.length + voids.length + events.length);
  const asked = found.map(({ name }) =>
    newNotice(exchange, { partner, event: 'withdrawn', name, payload: { ...content }, position: position++, at }),
  );
  const voided = voids.map(({ payload }) =>
    newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
  );
  await insertAll(trx, [deliveryInsert([...asked, ...voided]), eventInsert(events, position)]);
}
