import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { inventedReference } from '../support/invented.ts';
import { passphrase, type TestNode } from '../support/node.ts';
import { freshDatabase, startPostgres } from '../support/postgres.ts';
import { measureFloor } from './floor.ts';
import { liveThroughWeek, mixOf, type Week } from './week.ts';

const MESSAGES = 100_000;
const FLOOR_COUNT = 4000;
const IN_FLIGHT = 64;
const LOOK_MS = 250;
/** Nothing was receipted for so long: something is stuck. */
const STUCK_MS = 120_000;
const entry = fileURLToPath(new URL('../../src/cli/caseref.ts', import.meta.url));

/** Memory of a process in megabytes: now, and the most that it ever had. */
function memoryOf({ pid }: ChildProcess): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024);
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

async function serve(node: TestNode, database: string): Promise<ChildProcess> {
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    CASEREF_DATA: node.directory,
    CASEREF_PASSPHRASE: passphrase.reveal(),
    CASEREF_LOG_LEVEL: 'error',
    CASEREF_DATABASE: database,
  };
  const child = spawn(process.execPath, [entry, 'serve'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  for (let tries = 0; tries < 600; tries += 1) {
    const well = await fetch(`${node.issuer}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (well) return child;
    if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}`);
    await pause(50);
  }
  throw new Error('serve did not become ready in 30 s');
}

/** The store of a node, looked at from outside of it. */
function looker(database: string): pg.Pool {
  return new pg.Pool({ connectionString: database, max: 1, options: '-c search_path=caseref' });
}

async function rowsOf<Row>(pool: pg.Pool, text: string): Promise<Row[]> {
  return (await pool.query(text)).rows as Row[];
}

const told = `event in ('submitted', 'revised', 'withdrawn')`;

/** How much is receipted, and how much waits; what a revision overtook on its way ends as neither. */
async function standOf(pool: pg.Pool): Promise<{ receipted: number; left: number }> {
  const [row] = await rowsOf<{ receipted: number; left: number }>(
    pool,
    `select count(*) filter (where state = 'receipted')::int as receipted,
       count(*) filter (where state in ('queued', 'sent', 'overdue', 'dead'))::int as left
     from delivery where ${told}`,
  );
  return row ?? { receipted: 0, left: 0 };
}

interface Watched {
  /** Messages that were receipted. */
  readonly came: number;
  readonly noticedSeconds: number;
  readonly seconds: number;
  readonly stepRates: readonly number[];
  readonly senderEarly: number;
  readonly receiverEarly: number;
}

/** Follows the catching up from the moment that the partner answers again. */
async function watch(
  pool: pg.Pool,
  waiting: number,
  [sending, receiving]: readonly [ChildProcess, ChildProcess],
): Promise<Watched> {
  const begun = performance.now();
  const before = await standOf(pool);
  const steps: number[] = [];
  let [moved, last, first, came] = [begun, 0, 0, 0];
  let early = { sender: 0, receiver: 0 };
  for (;;) {
    await pause(LOOK_MS);
    const now = performance.now();
    const { receipted, left } = await standOf(pool);
    const done = waiting - left;
    came = receipted - before.receipted;
    if (done > last) moved = now;
    if (first === 0 && done > 0) first = now - LOOK_MS;
    while (done >= (waiting * (steps.length + 1)) / 10) steps.push(now);
    if (steps.length === 1) early = { sender: memoryOf(sending).peak, receiver: memoryOf(receiving).peak };
    last = done;
    if (done >= waiting) break;
    if (now - moved > STUCK_MS) throw new Error(`${done} of ${waiting} have come to an end, and nothing moves`);
  }
  return {
    came,
    noticedSeconds: (first - begun) / 1000,
    seconds: (performance.now() - first) / 1000,
    stepRates: steps.map((at, n) => waiting / 10 / ((at - (steps[n - 1] ?? first)) / 1000)),
    senderEarly: early.sender,
    receiverEarly: early.receiver,
  };
}

interface Sent {
  readonly jti: string;
  readonly state: string;
  readonly event: string;
  readonly n: number | null;
}

/** What must hold when it is over; says what does not. */
async function verify(at: Week, sender: pg.Pool, receiver: pg.Pool): Promise<void> {
  const wrong: string[] = [];
  const sent = await rowsOf<Sent>(
    sender,
    `select jti, state, event, n::int as n from delivery where event <> 'receipt' and state <> 'dropped'`,
  );
  for (const { jti, state, event } of sent)
    if (state !== (event === 'voided' ? 'sent' : 'receipted')) wrong.push(`${event} ${jti} is ${state}`);
  const came = await rowsOf<{ jti: string; outcome: string | null }>(
    receiver,
    `select jti, outcome from message where issuer = '${at.sender.issuer}' and event not like '%receipt'`,
  );
  const names = new Set(came.map(({ jti }) => jti));
  if (names.size !== came.length) wrong.push('a message is stored twice');
  if (came.length !== sent.length) wrong.push(`${sent.length} were sent and ${came.length} came`);
  for (const { jti } of sent) if (!names.has(jti)) wrong.push(`${jti} did not come`);
  for (const { jti, outcome } of came)
    if (outcome === 'refused' || outcome === 'held') wrong.push(`${jti} was ${outcome}`);
  // What ended with a withdrawal was perhaps revised before it, and that revision never left.
  const end = `id || ' ' || state || case when state = 'sealed' then '' else ' ' || revision end as line`;
  const ends = `select ${end} from reference order by id`;
  const toldEnds = `select ${end} from reference r
    where exists (select 1 from delivery d where d.originator = r.originator and d.reference_id = r.id
      and d.event <> 'receipt' and d.state = 'receipted') order by r.id`;
  const [mine, theirs] = [
    await rowsOf<{ line: string }>(sender, toldEnds),
    await rowsOf<{ line: string }>(receiver, ends),
  ];
  const known = new Set(theirs.map(({ line }) => line));
  for (const { line } of mine) if (!known.has(line)) wrong.push(`the partner does not end with ${line}`);
  const disordered = await rowsOf(
    receiver,
    `select 1 from (select n, lag(n) over (partition by originator, reference_id order by received_at, n) as before,
        event, lag(event) over (partition by originator, reference_id order by received_at, n) as event_before
      from message where issuer = '${at.sender.issuer}' and reference_id is not null and event not like '%receipt') m
     where before > n or event_before like '%withdrawn' limit 10`,
  );
  if (disordered.length > 0) wrong.push('messages about one reference came out of order');
  const open = await rowsOf(
    receiver,
    `select 1 from delivery where event = 'receipt' and state not in ('sent') limit 1`,
  );
  if (open.length > 0) wrong.push('a receipt did not leave, or left more than once');
  if (wrong.length > 0) throw new Error(`${wrong.length} things are wrong: ${wrong.slice(0, 5).join('; ')}`);
}

async function measure(databases: readonly [string, string], messages: number, pollOnly: boolean) {
  const week = await liveThroughWeek(databases, messages, pollOnly);
  const pools = [looker(databases[0]), looker(databases[1])] as const;
  const children: ChildProcess[] = [];
  try {
    // The partner's node comes back to a sender that runs and has found it away: its circuit breaker is open.
    const sending = await serve(week.sender, databases[0]);
    children.push(sending);
    await pause(1500);
    const receiving = await serve(week.receiver, databases[1]);
    children.push(receiving);
    const watched = await watch(pools[0], week.waiting, [sending, receiving]);
    // The last receipts are marked as sent a moment after their effect is seen at the other side.
    await pause(2000);
    await verify(week, ...pools);
    const [sender, receiver] = [memoryOf(sending), memoryOf(receiving)];
    return { ...watched, senderPeak: sender.peak, receiverPeak: receiver.peak };
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all([week.sender.remove(), week.receiver.remove()]);
  }
}

/**
 * A partner's node that was away for a week comes back to what waits for it, on one real PostgreSQL with durable commits,
 * two processes: messages a second from the first receipt to the last, as a ratio to a floor measured in the same run
 * (before and after, the mean of both). `--messages` says how many wait, `--by poll` that the partner fetches them. Fails
 * unless each arrived once, in order for each reference, and each was receipted. `tenths` are the messages a second of each
 * tenth of the way: what is slow only while much waits shows in the first.
 */
export async function bench(
  print: (figure: Record<string, unknown>) => void,
  given: readonly string[] = [],
): Promise<void> {
  const { values } = parseArgs({
    args: [...given],
    options: { messages: { type: 'string' }, by: { type: 'string', default: 'push' } },
  });
  const messages = Number(values.messages ?? MESSAGES);
  const postgres = await startPostgres({ durable: true });
  try {
    const bases = await Promise.all(Array.from({ length: 6 }, () => freshDatabase(postgres.url)));
    const urls = bases.map(({ url }) => url) as [string, string, string, string, string, string];
    const payload = JSON.stringify(inventedReference(0)).padEnd(1100, ' ');
    const work = { count: FLOOR_COUNT, inFlight: IN_FLIGHT, payload };
    const before = await measureFloor([urls[0], urls[1]], work);
    const measured = await measure([urls[2], urls[3]], messages, values.by === 'poll');
    const after = await measureFloor([urls[4], urls[5]], work);
    const floor = (before + after) / 2;
    const perSecond = measured.came / measured.seconds;
    print({
      bench: 'catch-up',
      by: values.by,
      messages: measured.came,
      mix: mixOf(messages),
      floorPerSecond: [Math.round(before), Math.round(after)],
      perSecond: Math.round(perSecond),
      ratio: Number((perSecond / floor).toFixed(2)),
      tenths: measured.stepRates.map(Math.round),
      noticedSeconds: Number(measured.noticedSeconds.toFixed(1)),
      senderPeakMegabytes: { atTenth: measured.senderEarly, atEnd: measured.senderPeak },
      receiverPeakMegabytes: { atTenth: measured.receiverEarly, atEnd: measured.receiverPeak },
    });
  } finally {
    await postgres.stop();
  }
}
