import { caseState } from '../../src/domain/authority/state.ts';
import type { Statement } from '../../src/domain/authority/statement.ts';
import { isoInstant } from '../../src/domain/instant.ts';
import type { CaseEventName } from '../../src/domain/message.ts';
import { isRefusal } from '../../src/domain/refusal.ts';
import { counted } from '../../src/exchange/case/log.ts';
import { partiesOf, subjectOf } from '../../src/exchange/case/parties.ts';
import { openCase } from '../../src/exchange/case/round.ts';
import { recordStatement } from '../../src/exchange/case/say.ts';
import { decideHeldReferences } from '../../src/exchange/decide-held.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { createShare } from '../../src/exchange/share.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { type CaseParty, type CasePost, type PartyName, partyNames } from './case-post.ts';
import { inventedReference } from './invented.ts';

// One reference from its submission to its outcome, step by step, for parties whose messages a test carries by hand.

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** One reference, and who plays. */
export interface Telling {
  readonly post: CasePost;
  readonly id: string;
}

/** What somebody must have heard before they can take a step: whose statement, of which kind and step. */
export interface Heard {
  readonly by: PartyName;
  readonly event: CaseEventName;
  readonly word?: string;
  readonly times?: number;
}

export interface Step {
  /** Hours after the submission. */
  readonly at: number;
  readonly who: PartyName;
  readonly needs: readonly Heard[];
  readonly act: (telling: Telling) => Promise<unknown>;
}

/** The reference of the story: hosted in Germany, with a victim in Bavaria; the host is told after clearance only. */
function storyReference(post: CasePost, changes: Record<string, unknown>): Record<string, unknown> {
  const { assessments: _, ...invented } = inventedReference(1);
  const before = (hours: number) => isoInstant(post.now() - hours * HOUR);
  return {
    ...invented,
    receivedAt: before(2),
    observedAt: before(1),
    url: `https://host.example/${crypto.randomUUID()}`,
    category: 'csam',
    jurisdiction: { hosting: 'DE', reporting: 'DE', concerned: [{ country: 'DE-BY', basis: 'victim' }] },
    marking: { tlp: 'AMBER', notifyHost: 'after-clearance' },
    ...changes,
  };
}

export async function submitStory(post: CasePost, changes: Record<string, unknown> = {}): Promise<Telling> {
  const shared = await createShare(post.parties.hotline.exchange)(storyReference(post, changes));
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code} ${shared[0]?.message}`);
  return { post, id: shared.id };
}

export function sayAs({ post, id }: Telling, who: PartyName, event: CaseEventName, payload: object) {
  const originator = post.parties.hotline.exchange.self;
  return recordStatement(post.parties[who].exchange, { originator, id, event, payload });
}

/** Says something, which nobody here expects to be refused. */
export async function speak(telling: Telling, who: PartyName, event: CaseEventName, payload: object) {
  const said = await sayAs(telling, who, event, payload);
  if (Array.isArray(said)) throw new Error(`${who} ${event} was refused: ${said.map((one) => one.code).join()}`);
  return said;
}

export const hence = ({ post }: Telling, ms: number) => isoInstant(post.now() + ms);

const assess = (law: string) => (telling: Telling) =>
  speak(telling, law === 'DE' ? 'hotline' : 'abroad', 'assessed', {
    ...{ scheme: 'iccam', version: '3', code: 'baseline', law, method: 'viewed', at: hence(telling, -MINUTE) },
  });

const act =
  (who: PartyName, action: string, standing: string, more: object = {}) =>
  (telling: Telling) =>
    speak(telling, who, 'acted', { action, at: hence(telling, -MINUTE), standing, ...more });

async function releaseToHost({ post, id }: Telling): Promise<void> {
  const { hotline, provider } = post.parties;
  const decided = await decideHeldReferences(hotline.exchange, { id, partner: provider.exchange.self }, 'send', 'ada');
  if (isRefusal(decided) || decided.decided !== 1) throw new Error(`not released: ${JSON.stringify(decided)}`);
}

async function moveAbroad(telling: Telling): Promise<void> {
  await act('hotline', 'moved', 'observed', { movedTo: 'NL' })(telling);
  const { post, id } = telling;
  const row = await post.parties.hotline.exchange.store.db
    .selectFrom('reference')
    .select('revision')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  const { reference } = await caseAt(telling, 'hotline');
  const { revision: _, ...content } = { revision: row.revision, ...(reference as object) } as Record<string, unknown>;
  const jurisdiction = { ...(content.jurisdiction as object), hosting: 'NL' };
  const revised = await createRevise(post.parties.hotline.exchange)(id, row.revision, { ...content, jurisdiction });
  if (Array.isArray(revised)) throw new Error(`refused: ${revised[0]?.code} ${revised[0]?.pointer}`);
}

const say = (who: PartyName, event: CaseEventName, payload: object) => (telling: Telling) =>
  speak(telling, who, event, payload);

/** Everything after the submission, over 46 hours: no message waits longer than an event waits for its reference. */
export const story: readonly Step[] = [
  { at: 2, who: 'hotline', needs: [], act: assess('DE') },
  { at: 3, who: 'abroad', needs: [], act: assess('NL') },
  {
    at: 4,
    who: 'hotline',
    needs: [],
    act: (telling) => speak(telling, 'hotline', 'clearance', { step: 'requested', deadline: hence(telling, 4 * HOUR) }),
  },
  {
    at: 12,
    who: 'police',
    needs: [{ by: 'hotline', event: 'clearance' }],
    act: say('police', 'clearance', { step: 'granted' }),
  },
  {
    at: 13,
    who: 'police',
    needs: [],
    act: (telling) =>
      speak(telling, 'police', 'hold', {
        ...{ step: 'placed', until: hence(telling, 48 * HOUR), ground: 'investigation', authority: 'prosecutor' },
      }),
  },
  { at: 20, who: 'police', needs: [], act: say('police', 'hold', { step: 'lifted' }) },
  {
    at: 21,
    who: 'hotline',
    needs: [
      { by: 'police', event: 'clearance' },
      { by: 'police', event: 'hold', times: 2 },
    ],
    act: async (telling) => {
      await releaseToHost(telling);
      await act('hotline', 'reported-to-isp', 'final')(telling);
    },
  },
  { at: 24, who: 'hotline', needs: [], act: moveAbroad },
  {
    at: 25,
    who: 'hotline',
    needs: [],
    act: (telling) => {
      const to = telling.post.parties.abroad.exchange.self;
      return speak(telling, 'hotline', 'handover', { step: 'offered', to });
    },
  },
  {
    at: 27,
    who: 'abroad',
    needs: [{ by: 'hotline', event: 'handover' }],
    act: say('abroad', 'handover', { step: 'accepted' }),
  },
  {
    at: 28,
    who: 'hotline',
    needs: [{ by: 'abroad', event: 'handover' }],
    act: say('hotline', 'handover', { step: 'confirmed' }),
  },
  {
    at: 30,
    who: 'abroad',
    needs: [{ by: 'hotline', event: 'handover', times: 2 }],
    act: act('abroad', 'removed', 'final'),
  },
  { at: 34, who: 'abroad', needs: [], act: act('abroad', 'reappeared', 'observed') },
  { at: 38, who: 'abroad', needs: [], act: act('abroad', 'removed', 'final') },
  { at: 40, who: 'police', needs: [], act: say('police', 'feedback', { code: 'investigation-opened' }) },
];

/** When everything has arrived, in hours after the submission. */
export const END = 46;

/** What a party counts of a reference, where it stands there, and who was told what by it. */
export async function caseAt({ post, id }: Telling, name: PartyName) {
  const { exchange } = post.parties[name];
  const about = { originator: post.parties.hotline.exchange.self, id };
  return inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const { log, known, snapshot } = await openCase(exchange, trx, about, at);
    const partyOf = partiesOf(exchange, snapshot);
    const statements = counted(log);
    const state = known && caseState(subjectOf(about, known.content, partyOf), statements, at.getTime());
    return { state, face: known?.state, reference: known?.content, log: statements, entries: log.entries };
  });
}

/** Whether a party has heard what it needs. */
export async function hasHeard(telling: Telling, who: PartyName, needs: readonly Heard[]): Promise<boolean> {
  const { face, log } = await caseAt(telling, who);
  const issuerOf = (name: PartyName) => telling.post.parties[name].exchange.self;
  const count = ({ by, event, word }: Heard) =>
    log.filter((one) => one.event === event && one.by === issuerOf(by) && (!word || wordOf(one) === word)).length;
  return face !== undefined && needs.every((need) => count(need) >= (need.times ?? 1));
}

function wordOf({ payload }: Statement): string {
  if ('step' in payload) return payload.step;
  if ('action' in payload) return payload.action;
  return 'code' in payload ? payload.code : '';
}

/**
 * Everything that the parties make of a reference, for a comparison of two tellings: without jtis, which are drawn, and with
 * instants counted from the submission.
 */
export async function wholeCase(telling: Telling, begun: number) {
  const names = new Map(partyNames.map((name) => [telling.post.parties[name].exchange.self, name]));
  const relative = (value: unknown): unknown => {
    if (typeof value === 'number' && value > 1e12) return value - begun;
    if (typeof value === 'string') {
      const instant = /^\d{4}-\d\d-\d\dT[\d:]{8}Z$/.test(value);
      return instant ? Date.parse(value) - begun : (names.get(value) ?? value);
    }
    if (Array.isArray(value)) return value.map(relative);
    if (typeof value !== 'object' || value === null) return value;
    const members = Object.entries(value).filter(([name]) => !['jtis', 'accepts', 'url', 'id', 'jti'].includes(name));
    return Object.fromEntries(members.map(([name, member]) => [name, relative(member)]));
  };
  const all = await Promise.all(
    partyNames.map(async (name) => [name, relative(await seenBy(telling, telling.post.parties[name], begun))] as const),
  );
  return Object.fromEntries(all) as Record<PartyName, Awaited<ReturnType<typeof seenBy>>>;
}

async function seenBy(telling: Telling, { name, exchange }: CaseParty, begun: number) {
  const nameOf = (one: Statement) => `${one.event} ${wordOf(one)} after ${(one.said - begun) / HOUR} h`;
  const { state, face, reference, log, entries } = await caseAt(telling, name);
  const said = new Map(entries.map(({ id, statement }) => [id, statement && nameOf(statement)]));
  const told = await exchange.store.db
    .selectFrom('case_telling as t')
    .innerJoin('case_statement as s', 's.id', 't.statement')
    .select(['t.partner', 's.id'])
    .where('s.reference_id', '=', telling.id)
    .execute();
  const sent = await exchange.store.db
    .selectFrom('delivery')
    .select(['event', 'partner', 'state', 'outcome', 'outcome_code'])
    .where('reference_id', '=', telling.id)
    .where('event', '<>', 'receipt')
    .execute();
  return {
    face,
    state,
    reference,
    log: log.map((one) => ({ ...one, name: nameOf(one) })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    waiting: entries.filter((one) => one.state !== 'taken').map(({ state, code }) => ({ state, code })),
    told: told.map(({ partner, id }) => [said.get(id) ?? '', partner] as const).sort(byText),
    sent: sent.map((one) => [one.event, one.partner, one.state, one.outcome, one.outcome_code] as const).sort(byText),
  };
}

const byText = (a: readonly unknown[], b: readonly unknown[]) => (String(a) < String(b) ? -1 : 1);
