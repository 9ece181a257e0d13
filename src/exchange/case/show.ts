import type { HostNotice } from '../../domain/authority/notice.ts';
import { type CaseState, caseState } from '../../domain/authority/state.ts';
import type { CaseReference, Contact, Issuer } from '../../domain/contract.types.ts';
import { isoInstant } from '../../domain/instant.ts';
import { INDUSTRY, isIndustryForm } from '../../domain/policy/industry.ts';
import { isRefusal } from '../../domain/refusal.ts';
import { isVeiled, tellings } from '../../store/case.ts';
import { linkedNoticeOf } from '../../store/case-linked.ts';
import { type Sent, sendings } from '../../store/case-shown.ts';
import { emergencySince } from '../../store/emergencies.ts';
import { findReference, type ListedReference, revisionsOf } from '../../store/lists.ts';
import type { Trx } from '../../store/open.ts';
import { partnerRow } from '../../store/partners.ts';
import { isClosed } from '../../store/recall.ts';
import { readOnly } from '../../store/simulate.ts';
import { showReference } from '../browse.ts';
import type { Exchange } from '../context.ts';
import type { Snapshot } from '../directory.ts';
import { openContent, ownerOf, type ReferenceName } from '../record.ts';
import type { Sight } from '../view.ts';
import type { ShownCase } from './case-view.ts';
import { type CaseLog, counted, openLogs } from './log.ts';
import { partiesOf, subjectOf } from './parties.ts';
import { timeoutOf } from './settle.ts';
import * as shown from './shown.ts';
import { timelineOf } from './timeline.ts';
import { spokenIn } from './voices.ts';

/**
 * The case of one reference as faces show it at `at` (now where absent): pen, claims, actions, holds, clearance, feedback, whether the host may
 * be told, and everything in its order. Undefined where nothing may be shown: the reference is not here, is sealed, restricted or
 * erased, waits behind a veil, or is in the reduced form, which has no case. No lock is taken and nothing is brought on; holds and deadlines count as
 * of `at` all the same. There is no address in it, so there is nothing to mask.
 */
export async function showCase(
  exchange: Exchange,
  name: ReferenceName,
  at: Date = new Date(exchange.clock()),
): Promise<ShownCase | undefined> {
  return readOnly(exchange.store.db, async (trx) => {
    const row = await findReference(trx, name.originator, name.id);
    if (!row?.wrapped || !row.body || isClosed(row.state) || (await isVeiled(trx, name))) return undefined;
    const { wrapped, body, revision } = row;
    const content = openContent(exchange.vault, name, { revision, wrapped, body });
    if (isIndustryForm(content)) return undefined;
    const key = exchange.vault.unwrap(wrapped, ownerOf(name));
    const log = (await openLogs(exchange, trx, [name], () => key)).get(ownerOf(name));
    const snapshot = await exchange.directory.within(trx);
    return log && assemble(exchange, trx, { row, content, log, snapshot, at });
  });
}

interface Opened {
  readonly row: ListedReference;
  readonly content: CaseReference;
  readonly log: CaseLog;
  readonly snapshot: Snapshot;
  readonly at: Date;
}

async function assemble(exchange: Exchange, trx: Trx, opened: Opened): Promise<ShownCase> {
  const { row, content, log, snapshot, at } = opened;
  const { self } = exchange;
  const { name } = log;
  const now = at.getTime();
  const state = caseState(subjectOf(name, content, partiesOf(exchange, snapshot)), counted(log), now);
  const sent = name.originator === self ? await sendings(trx, name) : [];
  const urgentSince = (row.urgency === 'emergency' && (await emergencySince(trx, name))) || undefined;
  const waiting = urgentSince ? recipients(self, row, { sent, urgentSince: urgentSince.getTime() }, snapshot) : [];
  const named = namesIn(state, name.originator, waiting);
  const contacts = await contactsOf(exchange, trx, named);
  const told = pairsOf(await tellings(trx, name));
  const linked = ((await linkedNoticeOf(trx, name)) ?? undefined) as HostNotice | undefined;
  const beside = { self, originator: name.originator, contacts, told, lists: snapshot.codes, now };
  const spoken = spokenIn(log);
  const revisions = await revisionsOf(trx, name.originator, name.id);
  const urgency = { ...content.urgency, level: row.urgency };
  return {
    ...name,
    state: row.state,
    pen: shown.shownPen(state),
    assessments: shown.shownAssessments(content.assessments ?? [], spoken, beside),
    actions: shown.shownActions(spoken, beside),
    holds: shown.shownHolds(state, spoken, beside),
    clearance: shown.shownClearance(state, beside),
    feedback: shown.shownFeedback(spoken, beside),
    acknowledgements: shown.shownAcknowledgements(spoken, beside),
    urgency: shown.shownUrgency(urgency, state, waiting, beside),
    host: shown.shownNotice(content.marking, state, { onTimeout: timeoutOf(exchange, { snapshot, log }), linked }),
    outcomes: state.history.map(({ action, at: when, by }) => ({ action, at: isoInstant(when), by })),
    ...(state.lastSeenOnline && {
      lastSeenOnline: { at: isoInstant(state.lastSeenOnline.at), by: state.lastSeenOnline.by },
    }),
    conflicts: state.conflicts,
    timeline: timelineOf({ log, spoken, state, content, revisions, sent }, beside),
  };
}

interface Waiting {
  readonly recipient: Issuer;
  readonly since: number;
}

/** Whom an emergency waits for: everybody who was sent an own one but for hosts, who are not told that it is one; this node with a partner's. */
function recipients(
  self: Issuer,
  row: ListedReference,
  { sent, urgentSince }: { readonly sent: readonly Sent[]; readonly urgentSince: number },
  { partners }: Snapshot,
): Waiting[] {
  const since = (got: Date) => Math.max(got.getTime(), urgentSince);
  if (row.direction === 'in') return [{ recipient: self, since: since(row.created_at) }];
  return sent
    .filter(({ partner }) => partners.get(partner)?.facts.type !== INDUSTRY)
    .map(({ partner, sent_at }) => ({ recipient: partner, since: since(sent_at) }));
}

/** The organisations that somebody may have to call. */
function namesIn({ holds, clearance }: CaseState, originator: Issuer, waiting: readonly Waiting[]): Issuer[] {
  const desks = holds.map(({ desk }) => desk.by);
  const answered = clearance.answeredBy ? [clearance.answeredBy.by] : [];
  return [...new Set([originator, ...desks, ...answered, ...waiting.map(({ recipient }) => recipient)])];
}

async function contactsOf(
  { self, settings }: Exchange,
  trx: Trx,
  issuers: readonly Issuer[],
): Promise<Map<Issuer, Contact>> {
  const contacts = new Map<Issuer, Contact>();
  for (const issuer of issuers) {
    const contact = issuer === self ? settings.contact : (await partnerRow(trx, issuer))?.contact;
    if (contact) contacts.set(issuer, contact);
  }
  return contacts;
}

function pairsOf(told: ReadonlySet<string>): Map<string, string[]> {
  const pairs = [...told]
    .map((pair) => pair.split(' '))
    .map(([statement = '', partner = '']) => ({ statement, partner }));
  const grouped = Map.groupBy(pairs, ({ statement }) => statement);
  return new Map([...grouped].map(([statement, found]) => [statement, found.map(({ partner }) => partner).sort()]));
}

/** One reference with its history and where its case stands, or `not-found`. */
export async function showWithCase(exchange: Exchange, name: ReferenceName, sight: Sight) {
  const reference = await showReference(exchange, name.originator, name.id, sight);
  return isRefusal(reference) ? reference : withCase(exchange, name, reference);
}

type History = Pick<ShownCase, 'assessments' | 'actions' | 'holds'>;

/** A reference as it is shown, with its case where there is one to be shown. */
export type WithCase<Shown extends { history: object }> = Shown & {
  readonly history: Shown['history'] & Partial<History>;
  readonly case?: Omit<ShownCase, keyof History | 'originator' | 'id' | 'state'>;
};

/** Puts the case of a reference beside what is shown of it. */
export async function withCase<Shown extends { history: object }>(
  exchange: Exchange,
  name: ReferenceName,
  reference: Shown,
): Promise<WithCase<Shown>> {
  const shownNow = await showCase(exchange, name);
  if (!shownNow) return reference;
  const { originator: _, id: __, state: ___, assessments, actions, holds, ...standing } = shownNow;
  return { ...reference, history: { ...reference.history, assessments, actions, holds }, case: standing };
}
