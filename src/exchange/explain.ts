import type { CaseReference } from '../domain/contract.types.ts';
import type { Decision, ReceiveEffect, SendEffect, TraceStep } from '../domain/decision.ts';
import { explainDecision } from '../domain/explain.ts';
import { isoInstant } from '../domain/instant.ts';
import { gateIds } from '../domain/policy/gates.ts';
import { decideReceive } from '../domain/policy.ts';
import type { ReferenceContent } from '../domain/reference.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { linkedNoticeOf } from '../store/case-linked.ts';
import {
  decisionsOf,
  findReference,
  type ListedDecision,
  type ListedReference,
  listDeliveries,
  originatorsOf,
} from '../store/lists.ts';
import type { Trx } from '../store/open.ts';
import { partnerRow } from '../store/partners.ts';
import { policyVersion } from '../store/policies.ts';
import { isClosed } from '../store/recall.ts';
import { readOnly } from '../store/simulate.ts';
import { matchKeys } from '../wire/match.ts';
import { noticeOf } from './case/notice.ts';
import type { Exchange } from './context.ts';
import { decideOne, heldByGate } from './decide.ts';
import type { PartnerEntry, Snapshot } from './directory.ts';
import { type PolicyVersion, viewPolicyVersion } from './policy-versions.ts';
import { openContent } from './record.ts';
import { viewDecision, viewDelivery } from './view.ts';

/** Messages about one reference to one partner: a few revisions, perhaps a withdrawal. */
const DELIVERIES = 100;
/** Stands in `decided_by` where the command line decided without an operator key. */
const OPERATOR = 'operator';

type AnyDecision = Decision<SendEffect | ReceiveEffect>;

/** What the policies and denies in force now would decide, and never wrote down. */
export interface DecidedToday {
  readonly effect: SendEffect | ReceiveEffect;
  readonly rule: string;
  /** Version of the policy in force; 0 where there is none. */
  readonly policyVersion: number;
  readonly disclosed?: readonly string[];
  /** Whether it is another outcome than the stored one, or another disclosure. */
  readonly differs: boolean;
  readonly lines: readonly string[];
}

export type ExplainedDecision = ReturnType<typeof viewDecision> & {
  /** Plain sentences, most important first; no address among them. */
  readonly lines: readonly string[];
  /** The version that decided, with who signed it; absent where there was none. */
  readonly policy?: PolicyVersion;
  readonly today?: DecidedToday;
};

export interface Explained {
  readonly originator: string;
  readonly id: string;
  readonly state: string;
  readonly revision: number;
  readonly storedAt: string;
  readonly partner: string;
  readonly partnerName: string;
  readonly partnerState: string;
  readonly partnerAddedAt: string;
  readonly decisions: readonly ExplainedDecision[];
  /** Messages about the reference to the partner, oldest first, each with its receipt. */
  readonly deliveries: readonly ReturnType<typeof viewDelivery>[];
  /** Where nothing is stored for the pair: what would be decided now. */
  readonly today?: DecidedToday;
}

/** One reference, one partner, and everything that may decide on them. */
interface Pair {
  readonly exchange: Exchange;
  readonly snapshot: Snapshot;
  readonly row: ListedReference;
  /** What keeps the address from its host by another own reference. */
  readonly linked: string | null;
  readonly name: string;
  /** Absent for one that was removed. */
  readonly partner: PartnerEntry | undefined;
  /** Absent where it may not or can no longer be read. */
  readonly content: ReferenceContent | undefined;
}

/**
 * Answers for one reference and one partner: what was decided, by which rule or person, under which policy and whose, what
 * would have changed it, what left and what became of it, and what would be decided today. Changes nothing. Without an
 * originator it is our own reference, else the only other one with this id.
 */
export async function explainReference(
  exchange: Exchange,
  wanted: { readonly issuer: string; readonly id: string; readonly originator?: string | undefined },
): Promise<Explained | Refusal> {
  return readOnly(exchange.store.db, async (trx) => {
    const known = await partnerRow(trx, wanted.issuer);
    if (!known) return unknownPartner(wanted.issuer);
    const originators = wanted.originator === undefined ? await originatorsOf(trx, wanted.id) : [wanted.originator];
    const originator = originators.includes(exchange.self) ? exchange.self : originators[0];
    const row = originator === undefined ? undefined : await findReference(trx, originator, wanted.id);
    if (!row) return unknownReference(wanted.originator);
    if (originators.length > 1 && originator !== exchange.self) return severalOriginators(originators);
    const snapshot = await exchange.directory.within(trx);
    const partner = snapshot.partners.get(wanted.issuer);
    const linked = await linkedNoticeOf(trx, row);
    const pair = { exchange, snapshot, row, linked, name: known.name, partner, content: contentOf(exchange, row) };
    const stored = (await decisionsOf(trx, row.originator, row.id)).filter((one) => one.partner === wanted.issuer);
    const decisions: ExplainedDecision[] = [];
    for (const one of stored) decisions.push(await explainStored(trx, pair, one));
    const today = stored.length === 0 ? explainUnstored(pair) : undefined;
    const sent = { partner: wanted.issuer, originator: row.originator, reference: row.id };
    const deliveries = (await listDeliveries(trx, sent, { limit: DELIVERIES })).map(viewDelivery).reverse();
    return {
      originator: row.originator,
      id: row.id,
      state: row.state,
      revision: row.revision,
      storedAt: isoInstant(row.created_at.getTime()),
      partner: wanted.issuer,
      partnerName: known.name,
      partnerState: known.state,
      partnerAddedAt: isoInstant(known.added_at.getTime()),
      decisions,
      deliveries,
      ...(today && { today }),
    };
  });
}

function unknownReference(originator: string | undefined): Refusal {
  const next =
    originator === undefined
      ? 'Give the id as it is listed: caseref reference list; for one of a partner also --originator ISSUER.'
      : 'Look at what that organisation sent: caseref reference list --partner ISSUER.';
  return refuse('not-found', '/id', 'No such reference is stored; what this node refused is not kept.', next);
}

function severalOriginators(originators: readonly string[]): Refusal {
  const next = `Say whose you mean: --originator ${originators.join(' or ')}.`;
  return refuse('not-found', '/originator', 'Several organisations have a reference with this id.', next);
}

function contentOf(exchange: Exchange, row: ListedReference): ReferenceContent | undefined {
  const { originator, id, state, revision, body, wrapped } = row;
  if (!body || !wrapped || isClosed(state)) return undefined;
  return openContent(exchange.vault, { originator, id }, { revision, body, wrapped });
}

async function explainStored(trx: Trx, pair: Pair, stored: ListedDecision): Promise<ExplainedDecision> {
  // What the rules compared are codes of the content: where that is closed, they are too.
  const closed = isClosed(pair.row.state);
  const view = viewDecision({ ...stored, ...(closed && { trace: [], change: null, disclosed: null }) });
  const decision = { ...view, ...(closed && { trace: ruleAlone(stored) }) } as AnyDecision;
  const version =
    stored.policy_version === 0 ? undefined : await policyVersion(trx, stored.partner, stored.policy_version);
  const today = decideToday(pair, stored.direction);
  return {
    ...view,
    lines: explainDecision(decision, contextOf(pair, stored.direction, stored.decided_by)),
    ...(version && { policy: viewPolicyVersion(version) }),
    ...(today && { today: tellToday(pair, stored.direction, today, differs(stored, today)) }),
  };
}

/** A rule can still be named by its id, and that none matched can be said; what a gate or deny found is gone. */
function ruleAlone({ rule, effect, decided_by: person }: ListedDecision): TraceStep[] {
  const step = { id: rule, matched: true, effect: effect as SendEffect | ReceiveEffect };
  if (person !== null) return [];
  if (rule === 'no-match') return [{ kind: 'default', ...step, note: 'No rule matched.' }];
  return rule.startsWith('deny:') || gateIds.includes(rule) ? [] : [{ kind: 'rule', ...step }];
}

function contextOf({ name }: Pair, direction: 'in' | 'out', by: string | null = null) {
  return {
    partner: name,
    ...(direction === 'in' && { direction: 'receive' as const }),
    ...(by !== null && { by: by === OPERATOR ? 'an operator' : by }),
  };
}

function decideToday(
  { exchange, snapshot, row, linked, partner, content }: Pair,
  direction: 'in' | 'out',
): AnyDecision | undefined {
  if (!content || !partner) return undefined;
  if (direction === 'in') {
    const { facts: originator, policy } = partner;
    return decideReceive({ reference: content, originator, policy, codes: snapshot.codes, now: exchange.clock() });
  }
  // Our own are always whole.
  const notice = noticeOf(content.marking, { ...row, linked_notice: linked });
  return decideOne(exchange, snapshot, partner, content as CaseReference, matchKeys(content.url), notice);
}

/** What a person decided in the place of a rule stays decided while only a rule would hold it for a person again. */
function differs(stored: ListedDecision, today: AnyDecision): boolean {
  if (stored.effect !== today.effect) {
    return !(stored.decided_by !== null && today.effect === 'hold' && !heldByGate(today.trace));
  }
  // Another obstacle wants another remedy, though the outcome is the same.
  if (today.effect === 'hold' && stored.decided_by === null && today.rule !== stored.rule) return true;
  return today.effect === 'send' && (stored.disclosed ?? []).join() !== (today.disclosed ?? []).join();
}

function tellToday(pair: Pair, direction: 'in' | 'out', today: AnyDecision, differing: boolean): DecidedToday {
  const { effect, rule, policyVersion: version, disclosed } = today;
  const lines = explainDecision(today, contextOf(pair, direction));
  return { effect, rule, policyVersion: version, ...(disclosed && { disclosed }), differs: differing, lines };
}

/** What came from one partner is passed on to no other: of that pair there is nothing to decide. */
function explainUnstored(pair: Pair): DecidedToday | undefined {
  const { row, partner } = pair;
  if (row.direction === 'in' && row.originator !== partner?.facts.issuer) return undefined;
  const direction = row.direction;
  const today = decideToday(pair, direction);
  return today && tellToday(pair, direction, today, true);
}
