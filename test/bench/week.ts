// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import type { CaseReference } from '../../src/domain/contract.types.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { createShare } from '../../src/exchange/share.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, openPolicy, type TestNode, testNode } from '../support/node.ts';

const DAY = 86_400_000;
const WEEK = 7 * DAY;
const MOST = 1_000_000;
const AT_ONCE = 100;
const LOOKS_MS = 50;

/** What waits after the week, in messages, and what came to nothing meanwhile. */
interface Mix {
  /** First disclosures; of these, `corrected` were revised before they could leave and wait at their newest revision. */
  readonly submitted: number;
  readonly corrected: number;
  /** Revisions of references that the partner holds; of these, `twice` were revised more than once. */
  readonly revised: number;
  readonly twice: number;
  /** Withdrawals of references that the partner holds; of these, `late` had a revision on its way that ended with them. */
  readonly withdrawn: number;
  readonly late: number;
  /** Taken back before they could leave: no message waits for them but, where they had a number, a `voided`. */
  readonly cancelled: number;
}

/** Of a hundred messages that wait: 85 first disclosures, 10 revisions, 5 withdrawals. */
export function mixOf(messages: number): Mix {
  const part = (percent: number) => Math.floor((messages * percent) / 100);
  const [revised, withdrawn] = [part(10), part(5)];
  return {
    submitted: messages - revised - withdrawn,
    corrected: part(5),
    revised,
    twice: part(3),
    withdrawn,
    late: part(1),
    cancelled: part(1),
  };
}

/** A sender and its partner, a week after the partner went away; both have ended, and their stores are as they left them. */
export interface Week {
  readonly sender: TestNode;
  readonly receiver: TestNode;
  /** Messages about references that are in the outbox. */
  readonly waiting: number;
}

/** The node's clock: a week behind at first, real time at the end; between, as far as the work of the week has come. */
interface VirtualClock {
  readonly now: () => number;
  advance(done: number): void;
  catchUp(): void;
}

function virtualClock(): VirtualClock {
  let behind = WEEK;
  return {
    now: () => Date.now() - behind,
    advance(done) {
      behind = Math.min(behind, Math.round(WEEK * (1 - done)));
    },
    catchUp() {
      behind = 0;
    },
  };
}

async function inTurns(count: number, run: (n: number) => Promise<unknown>, done: (n: number) => void = () => {}) {
  for (let from = 0; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from);
    await Promise.all(Array.from({ length: size }, (_, n) => run(from + n)));
    done(from + size);
  }
}

/** What the sender's own software does, through the very path that the API calls. */
function software(exchange: Exchange) {
  const share = createShare(exchange);
  const change = createRevise(exchange);
  return {
    async share(n: number): Promise<string> {
      const answer = await share(inventedReference(n));
      if (!('id' in answer)) throw new Error(`a reference was refused: ${JSON.stringify(answer)}`);
      return answer.id;
    },
    async revise(n: number, id: string, revision: number): Promise<void> {
      const reference = { ...inventedReference(n), observedAt: `2026-11-20T1${revision}:00:00Z` } as CaseReference;
      const answer = await change(id, revision, reference);
      if (!('id' in answer)) throw new Error(`a revision was refused: ${JSON.stringify(answer)}`);
    },
    async withdraw(id: string): Promise<void> {
      const answer = await withdraw(exchange, id, { reason: 'content-removed', purge: false });
      if (!('recipients' in answer)) throw new Error(`a withdrawal was refused: ${JSON.stringify(answer)}`);
    },
  };
}

async function count(exchange: Exchange, state: string, events: readonly string[]): Promise<number> {
  const { n } = await exchange.store.db
    .selectFrom('delivery')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where('state', '=', state as 'queued')
    .where('event', 'in', [...events])
    .executeTakeFirstOrThrow();
  return n;
}

function terms(partner: string): Record<string, unknown> {
  const { receive, send, ...policy } = openPolicy(partner) as Record<string, Record<string, unknown>>;
  return {
    ...policy,
    send: { ...send, disclose: undefined },
    receive: { ...receive, perMinute: MOST, withdrawalsPerHour: MOST },
    security: { algs: ['Ed25519'], encryption: 'none' },
  };
}

async function meet(node: TestNode, partner: TestNode): Promise<void> {
  await befriendNode(node, partner);
  await node.ask('policy.set', { issuer: partner.issuer, document: JSON.parse(JSON.stringify(terms(partner.issuer))) });
}

/**
 * Lives through the week: two nodes exchange what is revised and withdrawn later, the partner goes away, and the sender's
 * software goes on, while its delivery worker tries the partner by the virtual clock: so attempts, pauses of the circuit
 * breaker, ages and the days of the decisions are what they would be. Nothing is written past the use cases.
 */
export async function liveThroughWeek(
  databases: readonly [string, string],
  messages: number,
  pollOnly: boolean,
): Promise<Week> {
  const mix = mixOf(messages);
  const clock = virtualClock();
  const [one, other] = databases;
  const sender = await testNode({ name: 'Bench Hotline', database: one, clock: clock.now });
  const away = { name: 'Bench Partner', jurisdictions: ['NL'], database: other, clock: clock.now };
  const receiver = await testNode(pollOnly ? { ...away, pollOnly } : away);
  await meet(sender, receiver);
  await meet(receiver, sender);
  const { exchange } = sender.running;
  const act = software(exchange);

  const held: string[] = [];
  await inTurns(mix.revised + mix.withdrawn, async (n) => {
    held[n] = await act.share(n);
  });
  while ((await count(exchange, 'receipted', ['submitted'])) < held.length)
    await new Promise((resolve) => setTimeout(resolve, LOOKS_MS));
  await receiver.stop();

  const withdrawnFrom = mix.revised;
  const shared: string[] = [];
  const first = held.length;
  await inTurns(
    mix.submitted + mix.cancelled,
    async (n) => {
      shared[n] = await act.share(first + n);
      const [id, before] = [shared[n], held[n]];
      if (n < mix.revised && before !== undefined) await act.revise(n, before, 1);
      if (n < mix.twice && before !== undefined) await act.revise(n, before, 2);
      const gone = n < mix.withdrawn ? held[withdrawnFrom + n] : undefined;
      if (gone !== undefined && n < mix.late) await act.revise(withdrawnFrom + n, gone, 1);
      if (gone !== undefined) await act.withdraw(gone);
      if (n < mix.corrected) await act.revise(first + n, id, 1);
      if (n >= mix.submitted) await act.withdraw(id);
    },
    (done) => clock.advance(done / (mix.submitted + mix.cancelled)),
  );
  clock.catchUp();
  const waiting = await count(exchange, 'queued', ['submitted', 'revised', 'withdrawn']);
  await sender.stop();
  return { sender, receiver, waiting };
}
