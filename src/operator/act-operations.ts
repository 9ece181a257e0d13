import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { type Draft, isDraft, type Signing } from '../exchange/acts.ts';
import { importCodeList } from '../exchange/code-lists.ts';
import { confirmPartner } from '../exchange/confirm.ts';
import type { Exchange } from '../exchange/context.ts';
import { addDeny, approveDeny, removeDeny } from '../exchange/denies.ts';
import { approveLiaison, inviteLiaison, renewLiaison } from '../exchange/liaison/accredit.ts';
import type { PortalSettings } from '../exchange/liaison/portal-settings.ts';
import { resumeLiaison } from '../exchange/liaison/suspension.ts';
import { addOperator, approveOperator, listOperators, listWaiting, removeOperator } from '../exchange/operators.ts';
import { approvePolicy, setPolicy } from '../exchange/policies.ts';
import { removePartner } from '../exchange/remove-partner.ts';
import { resumePartner } from '../exchange/suspend.ts';
import { addUnit, removeUnit } from '../exchange/units.ts';
import { type Operation, type OperationAnswer, operation } from './answer.ts';
import { sayOf, statementMembers } from './case-operations.ts';
import { accreditation, renewal, withAddress } from './liaison-operations.ts';
import { issuer } from './listing.ts';
import {
  document,
  instant,
  listOf,
  type Members,
  type MembersRead,
  oneOf,
  optional,
  type Reader,
  readMembers,
  text,
  uuid,
  wholeNumber,
  yesOrNo,
} from './members.ts';

/** A token of an approval is under a kilobyte. */
const LONGEST_TOKEN = 4096;
const token = optional(text(LONGEST_TOKEN));
const version = wholeNumber(1, 1_000_000);
const name = text(64);
/** A digest as `operator.pending` shows it. */
const digest = text(64);
const insteadOf = optional(digest);

/** Since when the old identity may have been lost: an instant, or the word `unknown`. */
const suspectSince: Reader<string> = (value, pointer) =>
  value === 'unknown' ? { read: value } : instant(value, pointer);

function suspectTime(since: string | undefined): Date | 'unknown' | undefined {
  return since === undefined || since === 'unknown' ? since : new Date(since);
}

type Refused = Refusal | readonly Refusal[];

/** An act in both its steps: what an operator would sign, and the act with the signature. */
function signedAct<Shape extends Members, Out>(
  shape: Shape,
  act: (args: MembersRead<Shape>, signing: Signing | undefined) => Promise<Out>,
) {
  const withToken = operation<Members, Out>({ ...shape, signature: token }, async ({ signature, ...args }) => {
    const signing = typeof signature === 'string' ? { token: signature } : undefined;
    const out = await act(args as MembersRead<Shape>, signing);
    if (isDraft(out)) throw new Error('an act without a key to sign with was answered with a draft');
    return out;
  });
  const draft = (by: string, given: unknown) =>
    operation(shape, async (args) => {
      const out = await act(args, { by });
      if (isRefusal(out) || Array.isArray(out)) return out as Refused;
      return { sign: isDraft(out) ? out : null };
    })(given as MembersRead<Shape>);
  return {
    perform: withToken as unknown as Operation<
      MembersRead<Shape> & { readonly signature?: string },
      Exclude<Out, Draft | Refused>
    >,
    draft,
  };
}

function acts(exchange: Exchange, portal: PortalSettings) {
  const confirmation = {
    issuer,
    fingerprint: text(200),
    type: optional(text(64)),
    jurisdictions: optional(listOf(text(16), 100)),
    verifiedBy: optional(text(200)),
    foreign: optional(yesOrNo),
    local: optional(yesOrNo),
    suspectSince: optional(suspectSince),
    insteadOf,
  };
  return {
    'partner.confirm': signedAct(confirmation, (given, signing) =>
      confirmPartner(exchange, { ...given, suspectSince: suspectTime(given.suspectSince) }, signing),
    ),
    'partner.resume': signedAct({ issuer }, (given, signing) => resumePartner(exchange, given.issuer, signing)),
    'partner.remove': signedAct({ issuer, yes: optional(yesOrNo) }, (given, signing) =>
      removePartner(exchange, given, signing),
    ),
    'policy.set': signedAct(
      { issuer, document, version: optional(version), insteadOf },
      ({ issuer: partner, document: policy, ...given }, signing) =>
        setPolicy(exchange, partner, policy, { ...given, signing }),
    ),
    'policy.approve': signedAct({ issuer, version }, (given, signing) =>
      approvePolicy(exchange, given.issuer, given.version, signing),
    ),
    'policy.deny.add': signedAct({ document, insteadOf }, (given, signing) =>
      addDeny(exchange, given.document, signing, given.insteadOf),
    ),
    'policy.deny.remove': signedAct({ id: name, insteadOf }, (given, signing) =>
      removeDeny(exchange, given.id, signing, given.insteadOf),
    ),
    'policy.deny.approve': signedAct({ id: name, digest }, (given, signing) => approveDeny(exchange, given, signing)),
    'operator.add': signedAct({ name, jwk: document, insteadOf }, (given, signing) =>
      addOperator(exchange, given, signing),
    ),
    'operator.remove': signedAct({ name, insteadOf }, (given, signing) =>
      removeOperator(exchange, given.name, signing, given.insteadOf),
    ),
    'operator.approve': signedAct({ name, kid: text(64), removal: optional(yesOrNo) }, (given, signing) =>
      approveOperator(exchange, given, signing),
    ),
    'codes.import': signedAct({ document, insteadOf }, (given, signing) =>
      importCodeList(exchange, given.document, { signing, insteadOf: given.insteadOf }),
    ),
    'unit.add': signedAct(
      { name: text(200), jurisdiction: text(16), phone: optional(text(64)), insteadOf },
      ({ insteadOf: ended, ...unit }, signing) => addUnit(exchange, unit, { signing, insteadOf: ended }),
    ),
    'unit.remove': signedAct({ name: text(200), insteadOf }, ({ name: unit, ...given }, signing) =>
      removeUnit(exchange, unit, { ...given, signing }),
    ),
    'reference.say': signedAct(statementMembers, (given, signing) => sayOf(exchange, given, signing)),
    ...liaisonActs(exchange, portal),
  };
}

/** Accreditations, and the end of their suspension. */
function liaisonActs(exchange: Exchange, portal: PortalSettings) {
  const subjectIssuer = portal.oidc?.issuer;
  return {
    'liaison.invite': signedAct({ ...accreditation, insteadOf }, ({ insteadOf: ended, ...given }, signing) =>
      withAddress(inviteLiaison(exchange, given, { signing, insteadOf: ended, subjectIssuer }), portal),
    ),
    'liaison.renew': signedAct({ ...renewal, insteadOf }, ({ insteadOf: ended, ...given }, signing) =>
      withAddress(renewLiaison(exchange, given, { signing, insteadOf: ended, subjectIssuer }), portal),
    ),
    'liaison.approve': signedAct({ id: uuid, digest: optional(digest) }, (given, signing) =>
      withAddress(approveLiaison(exchange, given, signing), portal),
    ),
    'liaison.resume': signedAct({ id: uuid }, (given, signing) => resumeLiaison(exchange, given.id, signing)),
  };
}

const actNames = [
  'partner.confirm',
  'partner.resume',
  'partner.remove',
  'policy.set',
  'policy.approve',
  'policy.deny.add',
  'policy.deny.remove',
  'policy.deny.approve',
  'operator.add',
  'operator.remove',
  'operator.approve',
  'liaison.invite',
  'liaison.renew',
  'liaison.approve',
  'liaison.resume',
  'codes.import',
  'unit.add',
  'unit.remove',
  'reference.say',
] as const satisfies readonly (keyof ReturnType<typeof acts>)[];

/** Operations that operators sign, what they would sign (`act.draft`), who they are and what waits for the second of them. */
export function actOperations(exchange: Exchange, portal: PortalSettings) {
  const all = acts(exchange, portal);
  return {
    'partner.confirm': all['partner.confirm'].perform,
    'partner.resume': all['partner.resume'].perform,
    'partner.remove': all['partner.remove'].perform,
    'policy.set': all['policy.set'].perform,
    'policy.approve': all['policy.approve'].perform,
    'policy.deny.add': all['policy.deny.add'].perform,
    'policy.deny.remove': all['policy.deny.remove'].perform,
    'policy.deny.approve': all['policy.deny.approve'].perform,
    'operator.add': all['operator.add'].perform,
    'operator.remove': all['operator.remove'].perform,
    'operator.approve': all['operator.approve'].perform,
    'liaison.invite': all['liaison.invite'].perform,
    'liaison.renew': all['liaison.renew'].perform,
    'liaison.approve': all['liaison.approve'].perform,
    'liaison.resume': all['liaison.resume'].perform,
    'codes.import': all['codes.import'].perform,
    'unit.add': all['unit.add'].perform,
    'unit.remove': all['unit.remove'].perform,
    'reference.say': all['reference.say'].perform,
    'operator.list': operation({}, () => listOperators(exchange)),
    'operator.pending': operation({}, async () => ({ items: await listWaiting(exchange), next: null })),
    'act.draft': draftOperation(all),
  };
}

export type ActName = (typeof actNames)[number];

const draftMembers = { operation: oneOf(actNames), by: text(64), args: document };

/** What the operator of the key `by` would sign for an operation with these arguments; null where nothing is to be signed. */
function draftOperation(
  all: ReturnType<typeof acts>,
): Operation<MembersRead<typeof draftMembers>, { readonly sign: Draft | null }> {
  return async (given) => {
    const read = readMembers(draftMembers, given);
    if (isRefusal(read)) return { ok: false, refusals: [read] };
    const { operation: called, by, args } = read.read;
    return all[called].draft(by, args) as Promise<OperationAnswer<{ sign: Draft | null }>>;
  };
}
