import type { ActName } from '../operator/act-operations.ts';
import type { OperationArgs } from '../operator/operations.ts';
import { documentDigest } from '../wire/approval.ts';
import { saysThumbprint, thumbprint } from '../wire/fingerprint.ts';
import type { ValueOf } from './reach.ts';

/** What the node asks to be signed. */
export type Draft = NonNullable<ValueOf<'act.draft'>['sign']>;
export type ActArgs<Name extends ActName> = Omit<OperationArgs[Name], 'signature'>;

/** The act that a command was given, in what this program can know of it. */
export interface MeantAct {
  readonly act: string;
  readonly subject: string;
  readonly roles: readonly Draft['role'][];
  /** Made of the command's arguments, and of the node's word only where they say nothing. */
  readonly document: object;
  /** Where the command itself names the content. */
  readonly digest?: string;
}

type Said = Readonly<Record<string, unknown>>;
type Table = { readonly [Name in ActName]: (args: ActArgs<Name>, said: Said) => MeantAct | Promise<MeantAct> };

const author = ['author'] as const;
const approver = ['approver'] as const;
/** Commands that the second person gives again, word for word. */
const either = ['author', 'approver'] as const;

const kidForm = /^[A-Za-z0-9_-]{43}$/;
const madeId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const madeDeny = /^deny-[0-9a-f]{12}$/;

/**
 * The act that an operation with these arguments comes to. Whoever stands in the place of the node, by a socket that was
 * planted beside its own, must not get a signature over anything else.
 */
export async function meantAct<Name extends ActName>(name: Name, args: ActArgs<Name>, said: Said): Promise<MeantAct> {
  return table[name](args, said);
}

const table: Table = {
  'partner.confirm': (args, said) => ({
    act: 'partner.confirm',
    subject: args.issuer,
    roles: either,
    document: confirmationOf(args, said),
  }),
  'partner.resume': ({ issuer }, { identity, suspendedSince }) => ({
    act: 'partner.resume',
    subject: issuer,
    roles: either,
    document: { issuer, identity, suspendedSince },
  }),
  'partner.remove': ({ issuer }, { identity }) => ({
    act: 'partner.remove',
    subject: issuer,
    roles: either,
    document: { issuer, identity, removed: true },
  }),
  'policy.set': ({ issuer, document }, { version }) => ({
    act: 'policy',
    subject: issuer,
    roles: author,
    document: { ...document, version },
  }),
  'policy.approve': ({ issuer, version }, said) => ({
    act: 'policy',
    subject: issuer,
    roles: approver,
    document: { ...said, partner: issuer, version },
  }),
  'policy.deny.add': ({ document }, said) => {
    const given = (document as { id?: unknown }).id;
    const id = typeof given === 'string' ? given : madeDeny.test(String(said.id)) ? String(said.id) : '';
    return { act: 'deny.add', subject: id, roles: author, document: { ...document, id } };
  },
  'policy.deny.remove': ({ id }, { deny }) => ({
    act: 'deny.remove',
    subject: id,
    roles: author,
    document: { id, removed: true, deny: { ...(deny as object), id } },
  }),
  'policy.deny.approve': ({ id, digest }, said) => ({
    act: said.removed === true ? 'deny.remove' : 'deny.add',
    subject: id,
    roles: approver,
    document: { ...said, id },
    digest,
  }),
  'operator.add': async ({ name, jwk }) => ({
    act: 'operator.add',
    subject: name,
    roles: author,
    document: { name, kid: await kidOf(jwk), jwk },
  }),
  'operator.remove': ({ name }, { kid }) => ({
    act: 'operator.remove',
    subject: name,
    roles: author,
    document: { name, kid, removed: true },
  }),
  'operator.approve': async ({ name, kid, removal = false }, { jwk }) => ({
    act: removal ? 'operator.remove' : 'operator.add',
    subject: name,
    roles: approver,
    document: removal ? { name, kid, removed: true } : { name, kid: (await kidOf(jwk)) === kid ? kid : '', jwk },
  }),
  'liaison.invite': accreditationOf,
  'liaison.renew': renewalOf,
  'liaison.approve': ({ id, digest }, said) => ({
    act: said.renewal === true ? 'liaison.renew' : 'liaison.invite',
    subject: id,
    roles: approver,
    document: { ...said, id },
    ...(digest !== undefined && { digest }),
  }),
  'liaison.resume': ({ id }, { suspendedSince }) => ({
    act: 'liaison.resume',
    subject: id,
    roles: either,
    document: { id, suspendedSince },
  }),
  'codes.import': ({ document }) => {
    const list = document as Said;
    return { act: 'codes.import', subject: String(list.list), roles: either, document: list };
  },
  'unit.add': ({ name, jurisdiction, phone }) => ({
    act: 'unit.add',
    subject: name,
    roles: either,
    document: { name, jurisdiction, ...(phone !== undefined && { phone }) },
  }),
  'unit.remove': ({ name }, { jurisdiction, phone }) => ({
    act: 'unit.remove',
    subject: name,
    roles: either,
    document: { name, jurisdiction, ...(phone !== undefined && { phone }), removed: true },
  }),
  'reference.say': ({ id, event, payload, ...args }, said) => {
    const originator = args.originator ?? said.originator;
    return {
      act: 'case.told-by',
      subject: `${originator} ${id}`,
      roles: either,
      document: { originator, id, event, words: documentDigest(payload as Said) },
    };
  },
};

function accreditationOf(args: ActArgs<'liaison.invite'>, said: Said): MeantAct {
  const id = args.id ?? (madeId.test(String(said.id)) ? String(said.id) : '');
  const { insteadOf: _ended, subject, jurisdictions, ...given } = args;
  const linked =
    subject === undefined ? { invite: true } : { subject, subjectIssuer: said.subjectIssuer, invite: false };
  const document = { ...given, id, jurisdictions: [...new Set(jurisdictions)].sort(), ...linked };
  return { act: 'liaison.invite', subject: id, roles: author, document };
}

/** What a renewal does not name stays as it is, by the node's word; who signs is shown all of it. */
function renewalOf(args: ActArgs<'liaison.renew'>, said: Said): MeantAct {
  const { insteadOf: _ended, jurisdictions, invite = false, ...given } = args;
  const places = jurisdictions && { jurisdictions: [...new Set(jurisdictions)].sort() };
  const document = { ...said, ...defined(given), ...places, invite, renewal: true };
  return { act: 'liaison.renew', subject: args.id, roles: author, document };
}

function defined(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function kidOf(jwk: unknown): Promise<string> {
  try {
    return await thumbprint(jwk as Parameters<typeof thumbprint>[0]);
  } catch {
    return '';
  }
}

function confirmationOf(args: ActArgs<'partner.confirm'>, said: Said): object {
  const { issuer, fingerprint, type, jurisdictions, foreign, local, suspectSince } = args;
  const replaces = said.replaced !== undefined;
  const since = sameInstant(suspectSince, said.suspectSince) ? said.suspectSince : '';
  return {
    issuer,
    identity: saysKey(fingerprint, said.identity) ? said.identity : '',
    type: type ?? said.type,
    jurisdictions: jurisdictions ? [...new Set(jurisdictions)].sort() : said.jurisdictions,
    foreign: foreign ?? (replaces ? said.foreign : false),
    local: local ?? (replaces ? said.local : false),
    ...(replaces && { replaced: said.replaced }),
    ...(said.suspectSince !== undefined && { suspectSince: since }),
  };
}

function saysKey(typed: string, identity: unknown): boolean {
  return typeof identity === 'string' && kidForm.test(identity) && saysThumbprint(typed, identity);
}

/** `unknown` is an instant that the node has: that of the first confirmation. */
function sameInstant(given: string | undefined, said: unknown): boolean {
  return given === 'unknown' || (given !== undefined && Date.parse(given) === Date.parse(String(said)));
}
