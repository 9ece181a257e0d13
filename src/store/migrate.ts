import { sql } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import { up as foundation } from './migrations/0001-foundation.ts';
import { up as alerts } from './migrations/0002-alerts.ts';
import { up as recall } from './migrations/0003-recall.ts';
import { up as importing } from './migrations/0004-import.ts';
import { up as keys } from './migrations/0005-keys.ts';
import { up as operators } from './migrations/0006-operators.ts';
import { up as limits } from './migrations/0007-limits.ts';
import { up as held } from './migrations/0008-held.ts';
import { up as poll } from './migrations/0009-poll.ts';
import { up as told } from './migrations/0010-told.ts';
import { up as attestation } from './migrations/0011-attestation.ts';
import { up as doubt } from './migrations/0012-doubt.ts';
import { up as replay } from './migrations/0013-replay.ts';
import { up as recovery } from './migrations/0014-recovery.ts';
import { up as retried } from './migrations/0015-retried.ts';
import { up as heard } from './migrations/0016-heard.ts';
import { up as contradicted } from './migrations/0017-contradicted.ts';
import { up as caseLog } from './migrations/0018-case.ts';
import { up as duplicates } from './migrations/0019-duplicates.ts';
import { up as clearance } from './migrations/0020-clearance.ts';
import { up as units } from './migrations/0021-units.ts';
import { up as erasure } from './migrations/0022-erasure.ts';
import { up as liaison } from './migrations/0023-liaison.ts';
import { up as portal } from './migrations/0024-portal.ts';
import { up as portalErasure } from './migrations/0025-portal-erasure.ts';
import type { Database, Store } from './open.ts';

/** Every migration there is, in its order; a static list, so that a bundle, a test and a checkout run the same. */
const migrations: Record<string, Migration> = {
  '0001-foundation': { up: foundation },
  '0002-alerts': { up: alerts },
  '0003-recall': { up: recall },
  '0004-import': { up: importing },
  '0005-keys': { up: keys },
  '0006-operators': { up: operators },
  '0007-limits': { up: limits },
  '0008-held': { up: held },
  '0009-poll': { up: poll },
  '0010-told': { up: told },
  '0011-attestation': { up: attestation },
  '0012-doubt': { up: doubt },
  '0013-replay': { up: replay },
  '0014-recovery': { up: recovery },
  '0015-retried': { up: retried },
  '0016-heard': { up: heard },
  '0017-contradicted': { up: contradicted },
  '0018-case': { up: caseLog },
  '0019-duplicates': { up: duplicates },
  '0020-clearance': { up: clearance },
  '0021-units': { up: units },
  '0022-erasure': { up: erasure },
  '0023-liaison': { up: liaison },
  '0024-portal': { up: portal },
  '0025-portal-erasure': { up: portalErasure },
};

const provider: MigrationProvider = { getMigrations: async () => migrations };

/** Brings the store to the newest shape; throws the first failure with the migration's name. */
export async function migrate(store: Store): Promise<void> {
  const migrator = new Migrator({ db: store.db, provider, migrationTableSchema: store.schema });
  const { error, results } = await migrator.migrateToLatest();
  if (!error) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'before the first';
  throw new Error(`migration ${failed} failed`, { cause: error });
}

/** Names of the migrations that this store has not seen yet, and of those that only a newer release knows. */
export async function drift(db: Database): Promise<{ missing: string[]; unknown: string[] }> {
  const known = Object.keys(migrations);
  const table = await sql<{ found: string | null }>`select to_regclass('kysely_migration')::text as found`.execute(db);
  if (!table.rows[0]?.found) return { missing: known, unknown: [] };
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  const applied = rows.map((row) => row.name);
  return {
    missing: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  };
}
