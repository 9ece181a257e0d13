// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { addUp, simulate, type Totals } from '../../src/cli/policy/simulation.ts';
import type { ReachedNode } from '../../src/cli/reach.ts';
import type { CaseReference } from '../../src/domain/contract.types.ts';
import { addDeny } from '../../src/exchange/denies.ts';
import { openContent } from '../../src/exchange/record.ts';
import { policyOperations } from '../../src/operator/policy-operations.ts';
import { readOnly, readPast } from '../../src/store/simulate.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase, startPostgres } from '../support/postgres.ts';
import { type StoredPast, storePast } from '../support/stored-past.ts';

const COUNT = 100_000;
const PAGE = 500;
const BATCH = 5000;
const ROUNDS = 3;
const SECONDS = 60;
const partner = 'https://node.police-b.example';

const draft = {
  partner,
  legal: { basis: 'Invented act, section 1', transfer: 'none' },
  send: {
    rules: [
      { id: 'in-nl', when: { category: ['csam'], 'jurisdiction.hosting': ['NL', 'DE'] }, then: 'send' },
      {
        id: 'viewed',
        when: { 'assessment.code': ['baseline'], 'assessment.method': ['viewed'], category: ['csam-textual'] },
        then: 'send',
      },
      { id: 'by-hand', when: { category: ['sexualised-posing', 'csam-pointer'] }, then: 'hold' },
    ],
    disclose: { handles: 'always', site: true },
    marking: { tlpFloor: 'AMBER' },
  },
  receive: { rules: [{ id: 'all', when: { category: ['csam'] }, then: 'accept' }] },
};

/** Four of five are our own, of which every other one was sent. */
function pastOf(n: number): StoredPast {
  const reference = { revision: 1, ...inventedReference(n) } as unknown as CaseReference;
  if (n % 5 === 4) return { reference, from: partner };
  return n % 2 === 0 ? { reference, sentTo: partner } : { reference };
}

async function storeAll({ exchange }: TestExchange): Promise<void> {
  for (let from = 0; from < COUNT; from += BATCH) {
    await storePast(
      exchange,
      Array.from({ length: BATCH }, (_, n) => pastOf(from + n)),
    );
  }
}

/** Seconds for reading and decrypting every reference once, page by page. */
async function readOnce({ exchange }: TestExchange): Promise<number> {
  const begin = performance.now();
  const past = { partner, since: new Date(0) };
  let before: number | undefined;
  let read = 0;
  for (;;) {
    const from = before;
    const rows = await readOnly(exchange.store.db, (trx) => readPast(trx, past, { limit: PAGE, before: from }));
    for (const { originator, id, revision, wrapped, body } of rows) {
      if (!wrapped || !body) throw new Error('a reference cannot be read');
      openContent(exchange.vault, { originator, id }, { revision, wrapped, body });
    }
    read += rows.length;
    before = rows.at(-1)?.position;
    if (rows.length < PAGE) break;
  }
  if (read !== COUNT) throw new Error(`${read} were read`);
  return (performance.now() - begin) / 1000;
}

/** Answers as they cross the private socket: as text. */
function throughText({ exchange }: TestExchange): Pick<ReachedNode, 'call'> {
  const operations = policyOperations(exchange) as unknown as Record<string, (args: unknown) => Promise<unknown>>;
  const call = async (name: string, args: object) =>
    JSON.parse(JSON.stringify(await operations[name]?.(JSON.parse(JSON.stringify(args)))));
  return { call: call as ReachedNode['call'] };
}

async function simulateOnce(at: TestExchange): Promise<{ seconds: number; changing: number }> {
  const begin = performance.now();
  let totals: Totals | undefined;
  let changing = 0;
  const pages = simulate(throughText(at), { issuer: partner, document: draft, since: '1970-01-01T00:00:00Z' });
  for await (const page of pages) {
    totals = addUp(totals, page);
    changing += page.items.length;
  }
  const tried = totals && [...Object.values(totals.send.changes), ...Object.values(totals.receive.changes)];
  if (tried?.reduce((sum, one) => sum + one, 0) !== COUNT) throw new Error('not every reference was tried');
  return { seconds: (performance.now() - begin) / 1000, changing };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const rounded = (value: number) => Number(value.toFixed(2));

/**
 * A draft against 100,000 stored references on one real PostgreSQL, as the command line asks for it, in turns with reading
 * and decrypting the same references once: `ratio` is the time of one to the other. `blockMsP99` and
 * `longestBlockMs` are for how long the event loop of the node was kept from anything else, `heapMegabytes` is the heap at the
 * end.
 */
export async function bench(print: (figure: Record<string, unknown>) => void): Promise<void> {
  const postgres = await startPostgres();
  const { url } = await freshDatabase(postgres.url);
  const at = await testExchange({
    issuer: 'https://node.hotline-a.example',
    store: { kind: 'postgres', url, schema: 'caseref' },
  });
  try {
    await befriend(at.exchange, partner);
    await addDeny(at.exchange, { ground: 'legal', hosts: ['host-13.example'] });
    await storeAll(at);
    const [reads, times, ratios] = [[] as number[], [] as number[], [] as number[]];
    const [longest, usual] = [[] as number[], [] as number[]];
    let changing = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const read = await readOnce(at);
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      const simulated = await simulateOnce(at);
      delay.disable();
      longest.push(delay.max / 1e6);
      usual.push(delay.percentile(99) / 1e6);
      changing = simulated.changing;
      reads.push(read);
      times.push(simulated.seconds);
      ratios.push(simulated.seconds / read);
    }
    print({
      bench: 'simulate',
      count: COUNT,
      changing,
      readSeconds: rounded(median(reads)),
      seconds: rounded(median(times)),
      ratio: rounded(median(ratios)),
      blockMsP99: rounded(median(usual)),
      longestBlockMs: rounded(median(longest)),
      heapMegabytes: Math.round(process.memoryUsage().heapUsed / 1e6),
      goal: `seconds under ${SECONDS}`,
    });
  } finally {
    await at.close();
    await postgres.stop();
  }
}
