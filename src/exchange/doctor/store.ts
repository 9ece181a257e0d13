import type { Finding } from '../../domain/finding.ts';
import { aheadOfServer, serverStanding } from '../../store/checkup.ts';
import { drift } from '../../store/migrate.ts';
import type { Store } from '../../store/open.ts';

const OLDEST = 150_000;
/** What two processes of one node bear: they go by leases of half a minute, each by its own clock. */
const APART_MS = 5000;
const MOST_APART_MS = 60_000;

/** Whether the store answers, has this release's shape, and keeps what was committed. */
export async function examineStore(store: Store, clock: () => number): Promise<Finding[]> {
  const { missing, unknown } = await drift(store.db);
  const findings: Finding[] = [];
  if (unknown.length > 0) {
    const message = `A newer release has changed the store (${unknown.join(', ')}): this one misreads it.`;
    findings.push({ level: 'bad', code: 'store-newer', message, next: 'Stop this node and run that release.' });
  }
  if (missing.length > 0) {
    const message = `The store lacks ${missing.join(', ')}.`;
    findings.push({ level: 'bad', code: 'store-older', message, next: 'Restart the node: it brings the store up.' });
  }
  if (store.kind === 'postgres')
    findings.push(...(await examineServer(store)), ...examineTime(await aheadOfServer(store, clock)));
  if (findings.length > 0) return findings;
  const kind = store.kind === 'embedded' ? 'embedded' : `PostgreSQL, schema ${store.schema}`;
  return [{ level: 'ok', code: 'store', message: `The store answers and has this release's shape (${kind}).` }];
}

/** Processes that share a store share what it says of time: where one is off, it sends what another sends, or waits for it. */
export function examineTime(aheadMs: number): Finding[] {
  if (Math.abs(aheadMs) <= APART_MS) return [];
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const message = `Our clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of the database server, which all processes of this node share.`;
  const next = 'Look whether both machines keep their time: timedatectl status';
  return [{ level: Math.abs(aheadMs) > MOST_APART_MS ? 'bad' : 'warn', code: 'store-clock-differs', message, next }];
}

async function examineServer(store: Store): Promise<Finding[]> {
  const { version, durable } = await serverStanding(store);
  const findings: Finding[] = [];
  if (version < OLDEST) {
    const message = `The database server is older than PostgreSQL 15 (${Math.floor(version / 10_000)}).`;
    findings.push({
      level: 'bad',
      code: 'store-server-old',
      message,
      next: 'Move the database to PostgreSQL 15 or later.',
    });
  }
  if (!durable) {
    const message =
      'The database server confirms what a power cut can take back: receipts would outlive what they attest.';
    const next = 'Set fsync and synchronous_commit to on in postgresql.conf.';
    findings.push({ level: 'warn', code: 'store-not-durable', message, next });
  }
  return findings;
}
