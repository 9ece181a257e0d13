import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { openDuplicates } from '../../src/exchange/duplicates.ts';
import type { Macs } from '../../src/exchange/record.ts';
import { migrate } from '../../src/store/migrate.ts';
import { type Database, openStore, type Store } from '../../src/store/open.ts';
import { freshDatabase, startPostgres } from '../support/postgres.ts';

const SIZES = [100_000, 1_000_000] as const;
const PART = 100_000;
const ROUNDS = 6000;
const WARM = 600;
const GOAL = 1.5;

/**
 * References as a busy node has them: hosts by a law of few and many (of a million the largest has tens of thousands), every fifth an
 * address that was there before, some with a fragment, some closed and some sealed. Their blind indexes are digests of numbers: the
 * look-up compares bytes and never learns what they stand for.
 */
async function fill(db: Database, from: number, to: number): Promise<void> {
  await sql`
    with drawn as (
      select n, case when n % 5 = 0 then (random() * n)::bigint else n end as address from generate_series(${from}::bigint, ${to - 1}::bigint) as n),
    placed as (
      select n, address, floor(power(200000, (hashtextextended(address::text, 7) & 1048575) / 1048576.0)) as host from drawn),
    stored as (
      insert into reference (originator, id, position, direction, state, revision, category, urgency, tlp, hosting, jurisdictions,
        observed_at, created_at, updated_at)
      select 'https://node.hotline-a.example', md5(n::text)::uuid, n + 1, 'out',
        case when n % 97 = 0 then 'sealed' when n % 5 = 1 then 'removed' else 'open' end, 1, 'csam', 'routine', 'AMBER', 'NL', '{NL}',
        now(), now(), now()
      from placed)
    insert into reference_index (mac, name, originator, id, position)
    select sha256(convert_to(k.name || k.value, 'UTF8')), k.name, 'https://node.hotline-a.example', md5(n::text)::uuid, n + 1
    from placed cross join lateral (values
      ('K1', address || case when n % 10 = 5 then '#' || n else '' end), ('K2', address::text), ('K3', host::text)) as k (name, value)`.execute(
    db,
  );
}

/** A store of that many references, and addresses to ask for: a third known there, a third on a host that is, a third new. */
async function openSized(url: string, size: number): Promise<{ store: Store; asked: Macs[]; largest: Macs[] }> {
  const store = await openStore({ kind: 'postgres', url, schema: 'caseref' });
  if (!('db' in store)) throw new Error('the store did not open');
  await migrate(store);
  const { db } = store;
  for (let from = 0; from < size; from += PART) await fill(db, from, from + PART);
  await sql`vacuum analyze reference`.execute(db);
  await sql`vacuum analyze reference_index`.execute(db);
  const { rows } = await sql<{ n: number; name: keyof Macs; mac: Buffer }>`
    select w.n, i.name, i.mac from generate_series(1, ${ROUNDS + WARM}) as w (n)
    join reference_index i on i.position = 1 + (hashint8(w.n::bigint)::bigint & 2147483647) % ${size} order by w.n`.execute(
    db,
  );
  const stored = Map.groupBy(rows, ({ n }) => n);
  const macsOf = (n: number): Macs => {
    const known = Object.fromEntries((stored.get(n) ?? []).map(({ name, mac }) => [name, mac])) as unknown as Macs;
    const fresh = { K1: randomBytes(32), K2: randomBytes(32) };
    return n % 3 === 0 ? known : n % 3 === 1 ? { ...known, ...fresh } : { ...fresh, K3: randomBytes(32) };
  };
  const asked = Array.from({ length: ROUNDS + WARM }, (_, n) => macsOf(n + 1));
  const most = await sql<{ mac: Buffer }>`
    select mac from reference_index where name = 'K3' group by mac order by count(*) desc limit 5`.execute(db);
  const largest = most.rows.map(({ mac }) => ({ K1: randomBytes(32), K2: randomBytes(32), K3: mac }));
  return { store, asked, largest };
}

async function ask({ store }: { store: Store }, macs: Macs): Promise<number> {
  const begin = performance.now();
  const find = await openDuplicates(store.db, [{ macs }]);
  find({ originator: 'https://node.hotline-b.example', id: '00000000-0000-4000-8000-000000000000', macs });
  return performance.now() - begin;
}

const percentile = (times: readonly number[], share: number) =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0;
const rounded = (value: number) => Number(value.toFixed(3));
const figures = (times: readonly number[]) => ({
  p50Ms: rounded(percentile(times, 0.5)),
  p95Ms: rounded(percentile(times, 0.95)),
});

/**
 * What a look-up for duplicates costs as the store grows, on one real PostgreSQL: the same questions to 100,000 and to 1,000,000
 * references in turns, so that whatever else the machine does falls on both. `largest host` asks for new addresses on the five
 * hosts with the most references.
 */
export async function bench(print: (figure: Record<string, unknown>) => void): Promise<void> {
  const postgres = await startPostgres();
  const sized: Awaited<ReturnType<typeof openSized>>[] = [];
  try {
    for (const size of SIZES) sized.push(await openSized((await freshDatabase(postgres.url)).url, size));
    const times = sized.map(() => ({ asked: [] as number[], largest: [] as number[] }));
    for (let n = 0; n < ROUNDS + WARM; n += 1) {
      // Neither is always the first.
      for (const at of n % 2 === 0 ? [0, 1] : [1, 0]) {
        const one = sized[at];
        const macs = one?.asked[n];
        if (!one || !macs) throw new Error('there is nothing to ask');
        const time = await ask(one, macs);
        if (n >= WARM) times[at]?.asked.push(time);
        const largest = one.largest[n % one.largest.length];
        if (n % 10 === 0 && largest) times[at]?.largest.push(await ask(one, largest));
      }
    }
    for (const [at, references] of SIZES.entries()) {
      const { asked = [], largest = [] } = times[at] ?? {};
      print({ bench: 'duplicates', figure: 'look-up', references, ...figures(asked) });
      print({ bench: 'duplicates', figure: 'largest host', references, ...figures(largest) });
    }
    const [small, large] = times.map(({ asked }) => percentile(asked, 0.95));
    print({
      bench: 'duplicates',
      figure: 'growth',
      ratio: rounded((large ?? 0) / (small ?? 1)),
      goal: `p95 ratio under ${GOAL}`,
    });
  } finally {
    await Promise.all(sized.map(({ store }) => store.close()));
    await postgres.stop();
  }
}
