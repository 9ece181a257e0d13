import { type CodeLists, shippedLists } from '../domain/code-lists.ts';
import type { Policy } from '../domain/contract.types.ts';
import { guard } from '../domain/guard.ts';
import { isoInstant } from '../domain/instant.ts';
import { checkPolicy, type PolicyWarning } from '../domain/policy-check.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { wakeLimited } from '../store/case-limits.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { pendingAct } from '../store/operators.ts';
import { bumpDirectory, partnerRow } from '../store/partners.ts';
import {
  activatePolicy,
  endActivePolicy,
  endPendingPolicies,
  policyVersion,
  policyVersions,
} from '../store/policies.ts';
import { insertRows } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { isLoopbackIssuer } from '../wire/issuer.ts';
import { checkNotes } from '../wire/note.ts';
import { checkSchema } from '../wire/schema.ts';
import {
  type ActStanding,
  approveAct,
  beginAct,
  type Draft,
  type Eyes,
  isDraft,
  type PendingAct,
  proposeAct,
  type Signing,
  signersOf,
} from './acts.ts';
import { isTimeZone } from './case/deadline.ts';
import { OVER_LIMIT } from './case/hold-limit.ts';
import type { Exchange } from './context.ts';
import { type Exposure, measureExposure } from './narrowed.ts';

export interface PolicyReport {
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly PolicyWarning[];
}

/** Looks at a policy document without storing it: guard, schema, then what only a person would notice. */
export function reviewPolicy(document: unknown, now = 0, codes: CodeLists = shippedLists): PolicyReport {
  const draft = withVersion(document, 1);
  const guarded = guard(draft, { form: 'policy' });
  if (guarded) return { refusals: [guarded], warnings: [] };
  const malformed = checkSchema('policy', draft);
  if (malformed.length > 0)
    return { refusals: malformed.map((one) => ({ ...one, code: 'policy-invalid' })), warnings: [] };
  const { legal } = draft as Policy;
  const said = checkNotes({ basis: legal?.basis, agreement: legal?.agreement }, '/legal');
  if (said)
    return { refusals: [said.code === 'usage-invalid' ? { ...said, code: 'policy-invalid' } : said], warnings: [] };
  const { refusals: found, warnings } = checkPolicy(draft as Policy, {}, codes);
  const refusals = [...found, ...checkTimeZone(draft as Policy)];
  return { refusals, warnings: [...warnings, ...warnOfPlain(draft as Policy), ...warnOfReview(draft as Policy, now)] };
}

/** Which time zones there are only the runtime knows. */
function checkTimeZone({ clearance }: Policy): Refusal[] {
  const zone = clearance?.desk?.timezone;
  if (zone === undefined || isTimeZone(zone)) return [];
  const message = 'The time zone is not one that this node knows.';
  const next = 'Give its IANA name, such as Europe/Berlin.';
  return [refuse('policy-invalid', '/clearance/desk/timezone', message, next)];
}

/** A review that is overdue already holds everything but emergencies from the moment that the policy counts. */
function warnOfReview({ legal }: Policy, now: number): PolicyWarning[] {
  if (legal?.reviewBy === undefined || Date.parse(`${legal.reviewBy}T00:00:00Z`) + DAY > now) return [];
  const message = 'The legal review is overdue on this day: everything but emergencies is held.';
  return [{ pointer: '/legal/reviewBy', message, next: 'Review the legal basis and record the next date.' }];
}

/** Who asks for plain messages seldom gets them: the partner's word and its place count as well. */
function warnOfPlain({ partner, security }: Policy): PolicyWarning[] {
  if (security?.encryption !== 'none' || isLoopbackIssuer(partner)) return [];
  const message =
    'Messages are encrypted all the same, unless the partner is confirmed as a foreign client: the stricter side wins.';
  return [{ pointer: '/security/encryption', message }];
}

/** The version is the node's to give; one that a file names is not believed. */
function withVersion(document: unknown, version: number): unknown {
  return typeof document === 'object' && document !== null && !Array.isArray(document)
    ? { ...document, version }
    : document;
}

export interface PolicySet extends ActStanding {
  readonly partner: string;
  readonly version: number;
  /** `pending` decides nothing before another operator has approved it. */
  readonly state: 'active' | 'pending';
  readonly warnings: readonly PolicyWarning[];
  /** What the partner holds already and would not be sent under this version, once it is in force. */
  readonly noLongerAllowed: readonly Exposure[];
}

/** Who set a policy, and which version it was shown as when it was signed. */
export interface SetBy {
  readonly signing?: Signing | undefined;
  readonly version?: number | undefined;
  readonly insteadOf?: string | undefined;
}

/**
 * Stores a policy as the partner's next version: in force at once, or pending where two operators or more are registered.
 * The earlier one stays as history. A version that was signed for and is taken meanwhile is `state-conflict`.
 */
export async function setPolicy(
  exchange: Exchange,
  issuer: string,
  document: unknown,
  { signing, version: shown, insteadOf }: SetBy = {},
): Promise<PolicySet | Draft | Refusal[]> {
  const { codes } = await exchange.directory.current();
  const { refusals, warnings } = reviewPolicy(document, exchange.clock(), codes);
  if (refusals.length > 0) return [...refusals];
  const set = await inTransaction(exchange.store.db, async (trx): Promise<PolicySet | Draft | Refusal[]> => {
    const eyes = await beginAct(trx);
    const partner = await partnerRow(trx, issuer);
    if (!partner || partner.state === 'removed') return [unknownPartner(issuer)];
    if ((document as Policy).partner !== issuer) {
      return [
        refuse('policy-invalid', '/partner', 'The policy is for another partner.', `Set "partner" to ${issuer}.`),
      ];
    }
    const version = (await policyVersions(trx, issuer)).last + 1;
    if (shown !== undefined && shown !== version) return [overtaken(version)];
    const policy = withVersion(document, version) as Policy;
    const act = { kind: 'policy', subject: issuer, document: { ...policy } };
    const weighed = await proposeAct(exchange, trx, { ...act, eyes, signing, insteadOf });
    if (isRefusal(weighed)) return [weighed];
    if (isDraft(weighed)) return weighed;
    await weighed.record();
    const { standing, effective } = weighed;
    await store(exchange, trx, policy, standing, effective);
    const meant = partner.foreign_client
      ? warnings.filter(({ pointer }) => pointer !== '/security/encryption')
      : warnings;
    const state = effective ? 'active' : 'pending';
    return { partner: issuer, version, state, warnings: meant, noLongerAllowed: [], ...standing };
  });
  if (Array.isArray(set) || isDraft(set) || set.state === 'pending') return set;
  return { ...set, noLongerAllowed: await measureExposure(exchange, [issuer]) };
}

function overtaken(version: number): Refusal {
  const message = `Somebody else has set a version meanwhile: the next one is ${version}.`;
  return refuse('state-conflict', '/version', message, 'Look at it (caseref policy show ISSUER), then set yours anew.');
}

async function store(
  exchange: Exchange,
  trx: Trx,
  policy: Policy,
  standing: ActStanding,
  effective: boolean,
): Promise<void> {
  const { digest, author = null } = standing;
  const { partner, version } = policy;
  const at = new Date(exchange.clock());
  await endPendingPolicies(trx, [partner]);
  if (effective) await endActivePolicy(trx, partner);
  const state = effective ? 'active' : 'pending';
  const approved_at = effective ? at : null;
  await insertRows(trx, 'policy', [
    { partner, version, document: policy, digest, state, author, approver: null, created_at: at, approved_at },
  ]);
  if (effective) await tellActivated(trx, at, { partner, version, ...standing });
}

async function tellActivated(
  trx: Trx,
  at: Date,
  { partner, version, digest, ...standing }: ActStanding & { readonly partner: string; readonly version: number },
): Promise<void> {
  const body = { version, digest, ...signersOf(standing) };
  await recordEvents(trx, [{ type: 'policy.activated', at, partner, body }]);
  await wakeLimited(trx, partner, OVER_LIMIT, at);
  await bumpDirectory(trx);
}

/** A version of a partner's policy with who signed it when: the one in force unless another is named. */
export async function showPolicy(exchange: Exchange, issuer: string, version?: number) {
  let query = exchange.store.db.selectFrom('policy').selectAll().where('partner', '=', issuer);
  query = version === undefined ? query.where('state', '=', 'active') : query.where('version', '=', version);
  const row = await query.executeTakeFirst();
  if (!row) return refuse('not-found', '', 'There is no such policy.', await whatThereIs(exchange, issuer));
  const { document, state, digest, author, approver, created_at, approved_at } = row;
  const instant = (at: Date) => isoInstant(at.getTime());
  return {
    document,
    state,
    digest,
    createdAt: instant(created_at),
    ...(author !== null && { author }),
    ...(approver !== null && { approver }),
    ...(approved_at && { activatedAt: instant(approved_at) }),
  };
}

async function whatThereIs({ store: { db } }: Exchange, issuer: string): Promise<string> {
  const pending = await pendingAct(db, ['policy'], issuer);
  if (!pending) return 'Set one: caseref policy set ISSUER FILE.';
  const version = String(pending.document.version);
  return `Version ${version} waits for approval: caseref policy show ${issuer} --version ${version}`;
}

/** A policy version after it was approved. */
export interface PolicyApproved extends Partial<ActStanding> {
  readonly partner: string;
  readonly version: number;
  readonly state: 'active';
  /** What the partner holds already and would not be sent under this version. */
  readonly noLongerAllowed: readonly Exposure[];
}

/**
 * Approves a version that waits, as the second person: from here it decides. While fewer than two operators are registered
 * a version is in force since it was set, and approving it changes nothing.
 */
export async function approvePolicy(
  exchange: Exchange,
  issuer: string,
  version: number,
  signing?: Signing,
): Promise<PolicyApproved | Draft | Refusal> {
  const approved = await inTransaction(exchange.store.db, async (trx): Promise<PolicyApproved | Draft | Refusal> => {
    const eyes = await beginAct(trx);
    const partner = await partnerRow(trx, issuer);
    if (!partner || partner.state === 'removed') return unknownPartner(issuer);
    const row = await policyVersion(trx, issuer, version);
    if (!row) {
      const next = 'Look at the versions: caseref policy show ISSUER --version N.';
      return refuse('not-found', '', 'There is no such version.', next);
    }
    if (row.state === 'active' && !eyes.enforced)
      return { partner: issuer, version, state: 'active', noLongerAllowed: [], recordedNotEnforced: true };
    const pending = await pendingAct(trx, ['policy'], issuer);
    const { active } = await policyVersions(trx, issuer);
    if (row.state !== 'pending' || pending?.digest !== row.digest || active > version)
      return notWaiting(row.state, active);
    return approve(exchange, trx, { issuer, version, eyes, signing, pending });
  });
  if (isRefusal(approved) || isDraft(approved)) return approved;
  return { ...approved, noLongerAllowed: await measureExposure(exchange, [issuer]) };
}

function notWaiting(state: string, active: number): Refusal {
  const message =
    state === 'active' ? 'The version is in force already.' : 'A newer version took the place of this one.';
  const now = active > 0 ? `Version ${active} is in force` : 'None is in force';
  return refuse('state-conflict', '/version', message, `${now}. What waits: caseref operator pending.`);
}

async function approve(
  exchange: Exchange,
  trx: Trx,
  given: {
    readonly issuer: string;
    readonly version: number;
    readonly eyes: Eyes;
    readonly signing: Signing | undefined;
    readonly pending: PendingAct;
  },
): Promise<PolicyApproved | Draft | Refusal> {
  const { issuer: partner, version } = given;
  const weighed = await approveAct(exchange, trx, given);
  if (isRefusal(weighed) || isDraft(weighed)) return weighed;
  await weighed.record();
  const { approver = null } = weighed.standing;
  const at = new Date(exchange.clock());
  await endActivePolicy(trx, partner);
  await activatePolicy(trx, { partner, version, approver, at });
  await tellActivated(trx, at, { partner, version, ...weighed.standing });
  return { partner, version, state: 'active', noLongerAllowed: [], ...weighed.standing };
}
const DAY = 86_400_000;
