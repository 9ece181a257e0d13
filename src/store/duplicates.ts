import { sql } from 'kysely';
import type { Database } from './open.ts';
import { closedStates } from './recall.ts';

/** A reference that one blind index finds, with what it says of its address; nothing of it is decrypted. */
export interface Hit {
  readonly mac: string;
  readonly originator: string;
  readonly id: string;
  readonly position: number;
  readonly direction: 'in' | 'out';
  readonly state: string;
  readonly observed_at: Date | null;
  readonly seen_at: Date | null;
  readonly seen_by: string | null;
  readonly removals: number;
  readonly reappearances: number;
  readonly pen: string[] | null;
  /** How many references of this index were looked at and may be shown; of a host that is at most `LOOKED_AT`. */
  readonly among: number;
}

/** References of one host that are looked at, the newest first: some hosts have tens of thousands. */
export const LOOKED_AT = 20;

/** Blind indexes of addresses, with and without their fragments, and of hosts. */
export interface Wanted {
  readonly addresses: readonly Uint8Array[];
  readonly hosts: readonly Uint8Array[];
  /** The reference that is asked about, where it is stored. */
  readonly except?: { readonly originator: string; readonly id: string };
}

/**
 * References with these blind indexes, the newest of each first: at most `eachAddress` of an address, and of a host at most `eachHost` of
 * the newest `LOOKED_AT`. What is sealed, veiled, restricted or erased is never among them.
 */
export async function findHits(
  db: Database,
  wanted: Wanted,
  { eachAddress, eachHost }: { readonly eachAddress: number; readonly eachHost: number },
): Promise<Hit[]> {
  if (wanted.addresses.length + wanted.hosts.length === 0) return [];
  const columns = sql`r.originator, r.id, r.position, r.direction, r.state, r.observed_at, r.seen_at, r.seen_by, r.removals,
    r.reappearances, r.pen`;
  const { except } = wanted;
  const other = except ? sql`and not (r.originator = ${except.originator} and r.id = ${except.id}::uuid)` : sql``;
  const shown = sql`r.state <> all(${[...closedStates]}::text[]) ${other}`;
  // Row by row: a join may be answered by reading all references once for each index that is asked for.
  const lookedUp = sql`cross join lateral (select * from reference where position = i.position limit 1) r`;
  const { rows } = await sql<Hit>`
    select encode(w.mac, 'hex') as mac, f.*, 0 as among from unnest(${bytesOf(wanted.addresses)}::bytea[]) as w (mac)
    cross join lateral (
      select ${columns} from reference_index i ${lookedUp}
      where i.mac = w.mac and ${shown} order by i.position desc limit ${eachAddress}) f
    union all
    select encode(w.mac, 'hex'), f.* from unnest(${bytesOf(wanted.hosts)}::bytea[]) as w (mac)
    cross join lateral (
      select ${columns}, count(*) over ()::int as among from (
        select position from reference_index where mac = w.mac order by position desc limit ${LOOKED_AT}) i
      ${lookedUp}
      where ${shown} order by i.position desc limit ${eachHost}) f
    order by position desc`.execute(db);
  return rows;
}

function bytesOf(macs: readonly Uint8Array[]): string[] {
  return [...new Set(macs.map((mac) => `\\x${Buffer.from(mac).toString('hex')}`))];
}
