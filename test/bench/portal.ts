import { sql } from 'kysely';
import type { CaseReference } from '../../src/domain/contract.types.ts';
import { scopeOf } from '../../src/exchange/portal/scope.ts';
import { numberMac, placeReferences } from '../../src/exchange/portal/undecided.ts';
import { openRows, type PortalFilter, searchPortal } from '../../src/store/portal-search.ts';
import { readOnly } from '../../src/store/simulate.ts';
import { matchKeys } from '../../src/wire/match.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { german } from '../support/portal.ts';
import { freshDatabase, startPostgres } from '../support/postgres.ts';
import { storePast } from '../support/stored-past.ts';

const COUNT = 1_000_000;
const BATCH = 5000;
const ROUNDS = 200;
const DAYS = 365;
const DAY = 86_400_000;

/** One in five is of the liaison's country; one in a hundred thousand is an emergency or has a rare assessment. */
function referenceOf(n: number): CaseReference {
  const rare = n % 100_000 === 7;
  const invented = inventedReference(n) as unknown as CaseReference;
  return {
    ...invented,
    revision: 1,
    urgency: { level: rare ? 'emergency' : n % 50 === 0 ? 'priority' : 'routine' },
    marking: { tlp: 'AMBER', portal: 'concerned' },
    jurisdiction: { hosting: rare ? 'DE' : (invented.jurisdiction.hosting ?? 'DE') },
    ...(rare && {
      assessments: [{ scheme: 'uk-sentencing', version: '1', code: 'A', method: 'viewed', at: '2026-11-20T10:00:00Z' }],
    }),
  };
}

/** Fills the store as a year would, and settles where everything is found. */
async function fill(at: TestExchange, count: number): Promise<void> {
  const begun = Date.now() - DAYS * DAY;
  for (let from = 0; from < count; from += BATCH) {
    const past = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => ({
      reference: referenceOf(from + n),
      ...((from + n) % 20_000 === 11 && { state: 'removed' }),
      ...((from + n) % 3 === 0 && { from: 'https://node.hotline-c.example' }),
    }));
    await storePast(at.exchange, past, new Date(begun + (from / count) * DAYS * DAY));
    while ((await placeReferences(at.exchange, BATCH)) > 0);
  }
  await sql`analyze`.execute(at.exchange.store.db);
}

function filters(at: TestExchange, count: number): Record<string, PortalFilter> {
  const { vault } = at.exchange;
  const { K1, K2, K3 } = matchKeys(referenceOf(11).url);
  const ago = (days: number) => new Date(Date.now() - days * DAY);
  return {
    none: {},
    category: { category: 'grooming' },
    'category that nobody has': { category: 'trafficking' },
    urgency: { urgency: 'emergency' },
    state: { state: 'removed' },
    'state that nobody has': { state: 'unplaced' },
    partner: { partner: 'https://node.hotline-c.example' },
    'partner without any': { partner: 'https://node.hotline-d.example' },
    assessment: { assessment: 'iccam:baseline' },
    'rare assessment': { assessment: 'uk-sentencing:A' },
    'category and urgency': { category: 'csam', urgency: 'priority' },
    'oldest month': { until: ago(DAYS - 30) },
    'newest day': { since: ago(1) },
    'one week long ago': { since: ago(200), until: ago(193) },
    host: { addresses: [vault.index('K3', K3)] },
    address: { addresses: [vault.index('K1', K1), vault.index('K2', K2)] },
    number: { numbers: [numberMac(at.exchange, `R-2026-${Math.floor(count / 2) + 1}`)] },
  };
}

const quantile = (values: readonly number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? 0;
const rounded = (value: number) => Number(value.toFixed(2));

async function timed(rounds: number, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now();
    await work();
    times.push(performance.now() - begin);
  }
  return times;
}

/**
 * A liaison's search over a year of references on one real PostgreSQL: for each filter the first page of 51 as the list reads it,
 * opened rows included. `ratio`: p95 to the p95 of one look-up by primary key in the same kind of transaction, in turns with it. The count may be given as
 * an argument; the goal holds for 1,000,000.
 */
export async function bench(
  print: (figure: Record<string, unknown>) => void,
  args: readonly string[] = [],
): Promise<void> {
  const count = Number(args[0] ?? COUNT);
  const rounds = Number(args[1] ?? ROUNDS);
  const postgres = await startPostgres();
  const { url } = await freshDatabase(postgres.url);
  const at = await testExchange({
    issuer: 'https://node.hotline-a.example',
    store: { kind: 'postgres', url, schema: 'caseref' },
  });
  const { db } = at.exchange.store;
  try {
    const begun = performance.now();
    await fill(at, count);
    print({
      bench: 'portal',
      step: 'fill',
      count,
      perSecond: Math.round(count / ((performance.now() - begun) / 1000)),
    });
    const scope = scopeOf(at.exchange, german);
    const some = await db.selectFrom('portal_place').select(['originator', 'id']).limit(1).executeTakeFirstOrThrow();
    for (const [filter, wanted] of Object.entries(filters(at, count))) {
      const page = { limit: 51, now: new Date() };
      const find = () =>
        readOnly(db, async (trx) => {
          const found = await searchPortal(trx, scope, wanted, page);
          await openRows(trx, found);
          return found;
        });
      const look = () =>
        readOnly(db, (trx) =>
          trx
            .selectFrom('reference')
            .selectAll()
            .where('originator', '=', some.originator)
            .where('id', '=', some.id)
            .execute(),
        );
      const found = (await find()).length;
      const [times, lookUps] = [await timed(rounds, find), await timed(rounds, look)];
      const [p50, p95] = [quantile(times, 0.5), quantile(times, 0.95)];
      print({
        bench: 'portal',
        filter,
        count,
        found,
        p50Ms: rounded(p50),
        p95Ms: rounded(p95),
        ratio: rounded(p95 / quantile(lookUps, 0.95)),
        goal: 'p95Ms under 100',
      });
    }
  } finally {
    await at.close();
    await postgres.stop();
  }
}
