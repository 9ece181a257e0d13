import type { Deny } from '../domain/contract.types.ts';
import type { Field } from './terminal.ts';

/** Acts of operators as a person reads them before signing. */

type Said = Readonly<Record<string, unknown>>;

const views: Readonly<Record<string, (document: Said) => readonly Field[]>> = {
  policy: ({ version, legal }) => [
    ['version', String(version)],
    ['legal basis', (legal as { basis?: string } | undefined)?.basis],
  ],
  'partner.confirm': confirmed,
  'partner.resume': ({ suspendedSince }) => [
    ['comes to', 'its suspension ends'],
    ['suspended', suspendedSince === undefined ? undefined : String(suspendedSince)],
  ],
  'partner.remove': () => [['comes to', 'it is no partner any more, and no withdrawal reaches it']],
  'operator.add': ({ kid }) => [
    ['comes to', 'its signatures count from then on'],
    ['kid', String(kid), 'strong'],
  ],
  'operator.remove': ({ kid }) => [
    ['comes to', 'its signatures count for nothing new'],
    ['kid', String(kid), 'strong'],
  ],
  'liaison.invite': (document) => [['comes to', 'from then on this person reads the portal'], ...accredited(document)],
  'liaison.renew': (document) => [['comes to', 'from then on this is the accreditation'], ...accredited(document)],
  'liaison.resume': ({ suspendedSince }) => [
    ['comes to', 'its suspension ends'],
    ['suspended', suspendedSince === undefined ? undefined : String(suspendedSince)],
  ],
  'codes.import': ({ version, codes }) => [
    ['comes to', 'codes of this version are taken, and policies may name them'],
    ['version', String(version)],
    ['codes', Array.isArray(codes) ? String(codes.length) : undefined],
  ],
  'unit.add': ({ jurisdiction, phone }) => [
    ['comes to', 'what it tells can be recorded here in its name'],
    ['competent for', String(jurisdiction)],
    ['phone', phone === undefined ? undefined : String(phone)],
  ],
  'unit.remove': () => [['comes to', 'nothing more is recorded here in its name']],
  'case.told-by': ({ originator, id, event }) => [
    ['comes to', 'what another party told about a reference counts, and is told on'],
    ['reference', String(id)],
    ['originator', String(originator)],
    ['event', String(event)],
  ],
  'deny.add': (document) => [['comes to', 'it denies'], ...denied(document as unknown as Deny)],
  'deny.remove': ({ deny }) => [['comes to', 'it denies no longer'], ...denied(deny as Deny)],
};

/** What becomes effective by an act, member by member; a kind that is not known here has only its digest. */
export function viewAct(act: string, document: Said): readonly Field[] {
  return views[act]?.(document) ?? [];
}

/** The fingerprint is left out: the second person hears it, and does not copy it. */
function confirmed({ type, jurisdictions, foreign, local, replaced, suspectSince }: Said): readonly Field[] {
  return [
    ['recorded as', String(type)],
    ['competent for', (jurisdictions as readonly string[]).join(', ')],
    ['foreign client', foreign === true ? 'yes' : undefined],
    ['private address', local === true ? 'allowed' : undefined],
    ['replaces', replaced === undefined ? undefined : String(replaced)],
    ['suspect since', suspectSince === undefined ? undefined : String(suspectSince)],
  ];
}

/** An accreditation as the second person reads it: everything that is signed. */
function accredited(document: Said): readonly Field[] {
  const { name, agency, unit, jurisdictions, legalBasis, trained, until, subject, subjectIssuer, invite } = document;
  const linked = subject === undefined ? undefined : `${String(subject)} at ${String(subjectIssuer)}`;
  return [
    ['name', String(name), 'strong'],
    ['agency', String(agency)],
    ['unit', String(unit)],
    ['sees', (jurisdictions as readonly string[]).join(', ')],
    ['legal basis', String(legalBasis)],
    ['trained', String(trained)],
    ['until', String(until)],
    ['linked to', linked],
    ['invitation', invite === true ? 'yes: what signed in before ends when it is used' : 'none'],
  ];
}

function denied({ ground, destination, hosts, when }: Deny): readonly Field[] {
  return [
    ['ground', ground],
    ['destination', destination?.join(', ') ?? 'everywhere'],
    ['hosts', hosts?.map(disarmedHost).join(', ')],
    ['when', when && describeWhen(when)],
  ];
}

/** A listed host is where such content was: nothing may make a link of it. */
export function disarmedHost(host: string): string {
  return host.replaceAll('.', '[.]');
}

/** The conditions of a deny in one line. */
export function describeWhen(when: Deny['when']): string {
  return Object.entries(when ?? {})
    .map(([member, wanted]) => `${member}=${Array.isArray(wanted) ? wanted.join('|') : JSON.stringify(wanted)}`)
    .join(' ');
}
