import { sql } from 'kysely';
import { isRefusal } from '../../src/domain/refusal.ts';
import { beginFind, type FindKind } from '../../src/exchange/portal/find.ts';
import { listCases, type PortalSearch } from '../../src/exchange/portal/list.ts';
import { overviewFor, statisticsFor } from '../../src/exchange/portal/overview.ts';
import { scopeOf } from '../../src/exchange/portal/scope.ts';
import { numberMac } from '../../src/exchange/portal/undecided.ts';
import { type PortalFilter, searchPortal } from '../../src/store/portal-search.ts';
import { readOnly } from '../../src/store/simulate.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { german } from '../support/portal.ts';
import { freshDatabase, startPostgres } from '../support/postgres.ts';
import { DAYS, fillPortal, indexesOf, makeReal } from './portal-fill.ts';

const COUNT = 1_000_000;
const ROUNDS = 200;
const WARM = 5;
const DAY = 86_400_000;
const GOAL_MS = 100;

interface Asked {
  readonly search: PortalSearch;
  readonly find?: readonly [FindKind, string];
}

/** What liaisons ask, and what would be slow if a filter were a walk over everything that is newer or elsewhere. */
function questions(now: number): Record<string, Asked> {
  const ago = (days: number) => new Date(now - days * DAY);
  const by = (search: PortalSearch): Asked => ({ search });
  const found = (kind: FindKind, text: string, search: PortalSearch = {}): Asked => ({ search, find: [kind, text] });
  return {
    none: by({}),
    'one state of the nation': by({ jurisdiction: 'DE-BY' }),
    'state of the nation without any': by({ jurisdiction: 'DE-HH' }),
    category: by({ category: 'grooming' }),
    'category that nobody has': by({ category: 'trafficking' }),
    urgency: by({ urgency: 'emergency' }),
    state: by({ state: 'removed' }),
    'rare state': by({ state: 'on-hold' }),
    'state that nobody has': by({ state: 'unplaced' }),
    partner: by({ partner: 'https://node.hotline-c.example' }),
    'partner without any': by({ partner: 'https://node.hotline-d.example' }),
    assessment: by({ assessment: 'iccam:baseline' }),
    'rare assessment': by({ assessment: 'uk-sentencing:A' }),
    'assessment of the oldest month': by({ assessment: 'ncmec-industry:A1' }),
    'assessment that is common elsewhere': by({ assessment: 'uk-sentencing:B' }),
    'oldest month': by({ until: ago(DAYS - 30) }),
    'newest day': by({ since: ago(1) }),
    'one week long ago': by({ since: ago(200), until: ago(193) }),
    'largest host': found('host', 'host-0.example'),
    'host of a drop elsewhere': found('host', 'drop.example'),
    'unknown host': found('host', 'unknown.example'),
    address: found('address', 'https://host-0.example/one'),
    'address that came often elsewhere': found('address', 'https://host-0.example/often'),
    number: found('number', 'R-2026-1'),
    'category and urgency': by({ category: 'csam', urgency: 'priority' }),
    'host and category': found('host', 'host-0.example', { category: 'grooming' }),
    'two that nothing has together': by({ assessment: 'iccam:baseline', category: 'livestream' }),
  };
}

const quantile = (values: readonly number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? 0;
const rounded = (value: number) => Number(value.toFixed(2));

async function timed(work: () => Promise<unknown>, times: number[]): Promise<void> {
  const begin = performance.now();
  await work();
  times.push(performance.now() - begin);
}

function filterOf(exchange: TestExchange['exchange'], { search, find }: Asked): PortalFilter {
  const { jurisdiction: _, ...filter } = search;
  if (!find) return filter;
  const [kind, text] = find;
  if (kind === 'number') return { ...filter, numbers: [numberMac(exchange, text)] };
  const { K1, K2, K3 } = indexesOf(exchange, kind === 'host' ? `http://${text}/` : text);
  return kind === 'host' ? { ...filter, host: K3 } : { ...filter, addresses: [K1, K2] };
}

/** What the page will open, so that it can be given contents. */
function foundBy({ exchange }: TestExchange, asked: Asked) {
  const scope = scopeOf(exchange, german, asked.search.jurisdiction);
  const now = new Date(exchange.clock());
  return readOnly(exchange.store.db, (trx) => searchPortal(trx, scope, filterOf(exchange, asked), { limit: 51, now }));
}

/** One page as a liaison gets it, from the search to the record of what was decided. */
async function page({ exchange }: TestExchange, { search, find }: Asked) {
  const id = find && (await beginFind(exchange, german, { kind: find[0], text: find[1] }));
  if (isRefusal(id)) throw new Error(`refused: ${id.code}`);
  return async () => {
    const listed = await listCases(exchange, german, { ...search, ...(id !== undefined && { find: id }) });
    if (isRefusal(listed)) throw new Error(`refused: ${listed.code}`);
    return listed;
  };
}

async function measure(at: TestExchange, work: () => Promise<unknown>, rounds: number) {
  const { db } = at.exchange.store;
  const [some] = (
    await sql<{ originator: string; id: string }>`select originator, id from reference limit 1`.execute(db)
  ).rows;
  const look = () =>
    readOnly(db, (trx) =>
      trx
        .selectFrom('reference')
        .selectAll()
        .where('originator', '=', some?.originator ?? '')
        .where('id', '=', some?.id ?? '')
        .execute(),
    );
  const [works, looks]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds + WARM; round += 1) {
    await timed(work, works);
    await timed(look, looks);
  }
  const [p50, p95] = [quantile(works.slice(WARM), 0.5), quantile(works.slice(WARM), 0.95)];
  const lookUp = quantile(looks.slice(WARM), 0.95);
  return { p50Ms: rounded(p50), p95Ms: rounded(p95), lookUpP95Ms: rounded(lookUp), ratio: rounded(p95 / lookUp) };
}

/**
 * A liaison's search over a year of references on one real PostgreSQL: for each filter the first page of 50, from the question to the
 * opened, decided and recorded lines. `ratio`: its p95 to the p95 of one look-up by primary key in a transaction, in turns with it. The
 * count and the rounds may be given as arguments; the goal holds for 1,000,000.
 */
export async function bench(
  print: (figure: Record<string, unknown>) => void,
  args: readonly string[] = [],
): Promise<void> {
  const count = Number(args[0] ?? COUNT);
  const rounds = Number(args[1] ?? ROUNDS);
  const postgres = await startPostgres({ durable: true });
  const { url } = await freshDatabase(postgres.url);
  const at = await testExchange({
    issuer: 'https://node.hotline-a.example',
    store: { kind: 'postgres', url, schema: 'caseref' },
  });
  try {
    const begun = performance.now();
    await fillPortal(at.exchange, count);
    const seconds = (performance.now() - begun) / 1000;
    print({ bench: 'portal', step: 'fill', count, seconds: Math.round(seconds) });
    const slow: string[] = [];
    for (const [filter, asked] of Object.entries(questions(at.exchange.clock()))) {
      await makeReal(at.exchange, await foundBy(at, asked));
      const list = await page(at, asked);
      const found = (await list()).cases.length;
      const figures = await measure(at, list, rounds);
      if (figures.p95Ms >= GOAL_MS) slow.push(filter);
      print({ bench: 'portal', filter, count, found, ...figures });
    }
    print({ bench: 'portal', step: 'goal', goal: `p95Ms under ${GOAL_MS}`, slow });
    for (const urgency of ['emergency', 'priority'])
      await makeReal(at.exchange, await foundBy(at, { search: { urgency, state: 'open' } }));
    const pages = { overview: overviewFor, statistics: statisticsFor };
    for (const [name, made] of Object.entries(pages))
      print({
        bench: 'portal',
        page: name,
        count,
        ...(await measure(at, () => made(at.exchange, german), rounds / 10)),
      });
  } finally {
    await at.close();
    await postgres.stop();
  }
}
