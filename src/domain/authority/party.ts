import type { Issuer, Jurisdiction, ToldBy } from '../contract.types.ts';
import { within } from '../jurisdiction.ts';
import { INDUSTRY } from '../policy/industry.ts';

/** An organisation as the operator recorded it at confirmation (rule 5): what its card says does not count. */
export interface Party {
  readonly type: string;
  readonly jurisdictions: readonly string[];
  /** Whether this node's policy trusts it with holds (`receive.mayHold`); true of this node itself. */
  readonly mayHold: boolean;
}

/** The recorded facts of an organisation; undefined for one that is no partner of this node. */
export type PartyOf = (issuer: Issuer) => Party | undefined;

/** Who said something, how it was heard, and what is recorded of the speaker. */
interface Speaker {
  readonly party: Party | undefined;
  readonly relayed: boolean;
  readonly toldBy: ToldBy | undefined;
}

export const POLICE = 'law-enforcement';

/**
 * Whether a statement is one of police: by a node recorded as law enforcement, or told by a unit without a node (rule 10), but never
 * through the host that police may have to be silent to. What the originator relays of somebody who is not recorded here
 * was judged there, and is taken as it judged it.
 */
export function isPolice({ party, relayed, toldBy }: Speaker): boolean {
  if (party === undefined) return relayed;
  return party.type === POLICE || (toldBy !== undefined && party.type !== INDUSTRY);
}

/**
 * Whether a hold binds or only advises (rule 6): its issuer is trusted with holds, and a jurisdiction recorded for it is the
 * hosting one or one concerned; `DE` takes `DE-BY`, never the reverse. A hold relayed of somebody who is not recorded here binds: to wait for
 * thirty days at most does less harm than to spoil an investigation.
 */
export function holdBinds({ party, relayed }: Omit<Speaker, 'toldBy'>, places: Jurisdiction | undefined): boolean {
  if (party === undefined) return relayed;
  if (!party.mayHold) return false;
  const affected = [places?.hosting, ...(places?.concerned ?? []).map(({ country }) => country)];
  return affected.some((place) => place !== undefined && liesIn(place, party.jurisdictions));
}

/** Whether a place is, or lies in, one of the recorded jurisdictions. Unknown and onion-service places lie nowhere. */
export function liesIn(place: string, jurisdictions: readonly string[]): boolean {
  if (place === 'XX' || place === 'XO') return false;
  return jurisdictions.some((own) => within(place, own));
}
