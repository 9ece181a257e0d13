import { type RawBuilder, sql } from 'kysely';
import type { Database, Trx } from './open.ts';
import { closedStates } from './recall.ts';

interface Name {
  readonly originator: string;
  readonly id: string;
}

/** Why an own reference `o` keeps its address from the host. */
const reason = sql<string | null>`case when bool_or(o.case_held) then 'hold'
  when bool_or(o.case_clearance = 'refused') then 'clearance-refused'
  when bool_or(o.case_clearance = 'open') then 'clearance-open' end`;

const isOpen = sql`coalesce(o.veiled_state, o.state) <> all(${[...closedStates]}::text[])`;

/**
 * SQL over a reference: why its host may not be told because of another own reference to the same address, a `HostNotice` that
 * stops; null where nothing does. Police that hold an address hold it under whatever number it was submitted. Of own references
 * alone: nothing that is sent depends on what partners sent about an address.
 */
export function linkedNotice(alias: string): RawBuilder<string | null> {
  const r = (column: string) => sql.ref(`${alias}.${column}`);
  return sql<string | null>`case when ${r('direction')} = 'out' then (
    select ${reason} from reference_index i
    join reference_index j on j.mac = i.mac and j.name = 'K1' and j.position <> i.position
    join reference o on o.position = j.position
    where i.position = ${r('position')} and i.name = 'K1' and o.direction = 'out' and ${isOpen}) end`;
}

/** The same of one stored reference. */
export async function linkedNoticeOf(db: Database, { originator, id }: Name): Promise<string | null> {
  const { rows } = await sql<{ linked: string | null }>`
    select ${linkedNotice('r')} as linked from reference r where r.originator = ${originator} and r.id = ${id}::uuid`.execute(
    db,
  );
  return rows[0]?.linked ?? null;
}

/** The same of addresses that are about to be stored, by the blind index of each in hexadecimal. */
export async function noticesAt(db: Database, macs: readonly Uint8Array[]): Promise<Map<string, string>> {
  if (macs.length === 0) return new Map();
  const { rows } = await sql<{ mac: string; linked: string | null }>`
    select encode(j.mac, 'hex') as mac, ${reason} as linked from reference_index j
    join reference o on o.position = j.position
    where j.mac = any(${macs.map((mac) => Buffer.from(mac))}::bytea[]) and j.name = 'K1' and o.direction = 'out' and ${isOpen}
    group by j.mac`.execute(db);
  return new Map(rows.flatMap(({ mac, linked }) => (linked === null ? [] : [[mac, linked]])));
}

/** The other own references to the address of one, in the order in which references are locked. */
export async function ownAtSameAddress(trx: Trx, { originator, id }: Name): Promise<Name[]> {
  const { rows } = await sql<Name>`
    select o.originator, o.id from reference r
    join reference_index i on i.position = r.position and i.name = 'K1'
    join reference_index j on j.mac = i.mac and j.name = 'K1' and j.position <> i.position
    join reference o on o.position = j.position
    where r.originator = ${originator} and r.id = ${id}::uuid and o.direction = 'out' and ${isOpen}
    order by o.originator, o.id limit 200`.execute(trx);
  return rows;
}
