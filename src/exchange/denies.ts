import type { Deny } from '../domain/contract.types.ts';
import { mayConcern } from '../domain/denies.ts';
import { guard } from '../domain/guard.ts';
import { checkDeny, type PolicyWarning } from '../domain/policy-check.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { pendingAct } from '../store/operators.ts';
import { bumpDirectory, denyRows, partnerRows } from '../store/partners.ts';
import { insertRows } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { reachesBelow } from '../wire/match.ts';
import { checkSchema } from '../wire/schema.ts';
import {
  type ActStanding,
  approveAct,
  beginAct,
  type Draft,
  isDraft,
  type PendingAct,
  proposeAct,
  type Signing,
  signersOf,
  type Weighed,
} from './acts.ts';
import type { Exchange } from './context.ts';
import { type Exposure, measureExposure } from './narrowed.ts';

/** A deny with the partners that it may concern today, by their recorded jurisdictions; `pending` denies nothing yet. */
export type AddedDeny = Deny &
  ActStanding & {
    readonly state: 'active' | 'pending';
    readonly appliesTo: readonly string[];
    readonly warnings: readonly PolicyWarning[];
    /** What these partners hold already and would not be sent under it, once it is in force. */
    readonly noLongerAllowed: readonly Exposure[];
  };

/** A deny that ended, or that is to end once another operator has approved it. */
export interface RemovedDeny extends ActStanding {
  readonly id: string;
  readonly removed: boolean;
  readonly state: 'removed' | 'pending';
}

/** Adds an organisation-wide deny: once it is in force no rule of any partner overrides it. */
export async function addDeny(
  exchange: Exchange,
  document: unknown,
  signing?: Signing,
  insteadOf?: string,
): Promise<AddedDeny | Draft | Refusal[]> {
  const deny = {
    ...(document as Partial<Deny>),
    id: (document as Partial<Deny>).id ?? `deny-${exchange.chance.uuid().slice(-12)}`,
  };
  const guarded = guard(deny, { form: 'policy' });
  if (guarded) return [guarded];
  const malformed = checkSchema('deny', deny);
  if (malformed.length > 0) return malformed.map((one) => ({ ...one, code: 'policy-invalid' }));
  const wrong = checkDeny(deny as Deny, (await exchange.directory.current()).codes);
  if (wrong.length > 0) return wrong;
  const answer = await inTransaction(exchange.store.db, async (trx): Promise<AddedDeny | Draft | Refusal[]> => {
    const eyes = await beginAct(trx);
    const known = await isKnown(trx, deny.id);
    if (known) return [known];
    const act = { kind: 'deny.add', subject: deny.id, document: { ...deny } };
    const added = await settleAdded(
      exchange,
      trx,
      deny as Deny,
      await proposeAct(exchange, trx, { ...act, eyes, signing, insteadOf }),
    );
    return isRefusal(added) ? [added] : added;
  });
  if (Array.isArray(answer) || isDraft(answer) || answer.state === 'pending') return answer;
  return { ...answer, noLongerAllowed: await measureExposure(exchange, answer.appliesTo) };
}

async function isKnown(trx: Trx, id: string): Promise<Refusal | undefined> {
  const known = await trx.selectFrom('policy_deny').select('id').where('id', '=', id).executeTakeFirst();
  return known && refuse('state-conflict', '/id', 'A deny with this id exists or existed.', 'Use another id.');
}

async function settleAdded(
  exchange: Exchange,
  trx: Trx,
  deny: Deny,
  weighed: Weighed | Draft | Refusal,
): Promise<AddedDeny | Draft | Refusal> {
  if (isRefusal(weighed) || isDraft(weighed)) return weighed;
  await weighed.record();
  const { standing, effective } = weighed;
  const appliesTo = await concerned(trx, deny);
  const answer = { ...deny, ...standing, appliesTo, warnings: warnOfHosts(deny), noLongerAllowed: [] };
  if (!effective) return { ...answer, state: 'pending' };
  const at = new Date(exchange.clock());
  const { author = null } = standing;
  await insertRows(trx, 'policy_deny', [{ id: deny.id, document: deny, author, created_at: at }]);
  await recordEvents(trx, [{ type: 'deny.added', at, code: deny.id, body: { deny: deny.id, ...signersOf(standing) } }]);
  await bumpDirectory(trx);
  return { ...answer, state: 'active' };
}

/** A deny is compared with the host of an address and with its registrable domain, and with nothing between the two. */
function warnOfHosts({ hosts = [] }: Deny): PolicyWarning[] {
  return hosts.flatMap((host, index) =>
    reachesBelow(host)
      ? []
      : [
          {
            pointer: `/hosts/${index}`,
            message:
              'This is no registrable domain: the deny is for exactly this host, and for no host below it. Name the registrable domain to deny all of it.',
          },
        ],
  );
}

async function concerned(trx: Trx, deny: Deny): Promise<string[]> {
  const partners = (await partnerRows(trx)).filter(({ state }) => state !== 'removed');
  return partners.filter((partner) => mayConcern(deny, partner)).map(({ issuer }) => issuer);
}

/** Denies in force. */
export async function listDenies(exchange: Exchange): Promise<Deny[]> {
  return (await denyRows(exchange.store.db)).map((row) => row.document);
}

/** Ends a deny; it stays in the record. */
export async function removeDeny(
  exchange: Exchange,
  id: string,
  signing?: Signing,
  insteadOf?: string,
): Promise<RemovedDeny | Draft | Refusal> {
  return inTransaction(exchange.store.db, async (trx) => {
    const eyes = await beginAct(trx);
    const row = (await denyRows(trx)).find((one) => one.id === id);
    if (!row) return unknownDeny();
    const act = { kind: 'deny.remove', subject: id, document: { id, removed: true, deny: row.document } };
    return settleRemoved(exchange, trx, id, await proposeAct(exchange, trx, { ...act, eyes, signing, insteadOf }));
  });
}

function unknownDeny(): Refusal {
  return refuse('not-found', '/id', 'There is no such deny.', 'List them: caseref policy deny list.');
}

async function settleRemoved(
  exchange: Exchange,
  trx: Trx,
  id: string,
  weighed: Weighed | Draft | Refusal,
): Promise<RemovedDeny | Draft | Refusal> {
  if (isRefusal(weighed) || isDraft(weighed)) return weighed;
  await weighed.record();
  const { standing, effective } = weighed;
  if (!effective) return { id, removed: false, state: 'pending', ...standing };
  const at = new Date(exchange.clock());
  await trx.updateTable('policy_deny').set({ removed_at: at }).where('id', '=', id).execute();
  await recordEvents(trx, [{ type: 'deny.removed', at, code: id, body: { deny: id, ...signersOf(standing) } }]);
  await bumpDirectory(trx);
  return { id, removed: true, state: 'removed', ...standing };
}

/** A deny whose adding or removing was approved. */
export interface ApprovedDeny extends ActStanding {
  readonly id: string;
  readonly state: 'active' | 'removed';
  /** What partners hold already and would not be sent under a deny that is now in force. */
  readonly noLongerAllowed: readonly Exposure[];
}

/** Approves, as the second person, the adding or removing of a deny: the one with this digest, and no other of its name. */
export async function approveDeny(
  exchange: Exchange,
  { id, digest }: { readonly id: string; readonly digest: string },
  signing?: Signing,
): Promise<ApprovedDeny | Draft | Refusal> {
  let appliesTo: readonly string[] = [];
  const approved = await inTransaction(exchange.store.db, async (trx): Promise<ApprovedDeny | Draft | Refusal> => {
    const eyes = await beginAct(trx);
    const pending = await pendingDeny(trx, id, digest);
    if (isRefusal(pending)) return pending;
    const adds = pending.kind === 'deny.add';
    const row = (await denyRows(trx)).find((one) => one.id === id);
    const gone = adds ? await isKnown(trx, id) : row === undefined ? unknownDeny() : undefined;
    if (gone) return gone;
    const weighed = await approveAct(exchange, trx, { eyes, signing, pending });
    const settled = adds
      ? await settleAdded(exchange, trx, pending.document as unknown as Deny, weighed)
      : await settleRemoved(exchange, trx, id, weighed);
    if (isRefusal(settled) || isDraft(settled) || isRefusal(weighed) || isDraft(weighed))
      return settled as Draft | Refusal;
    appliesTo = 'appliesTo' in settled ? settled.appliesTo : [];
    return { id, state: adds ? 'active' : 'removed', noLongerAllowed: [], ...weighed.standing };
  });
  if (isRefusal(approved) || isDraft(approved)) return approved;
  return { ...approved, noLongerAllowed: await measureExposure(exchange, appliesTo) };
}

async function pendingDeny(trx: Trx, id: string, digest: string): Promise<PendingAct | Refusal> {
  const waiting = await Promise.all(['deny.add', 'deny.remove'].map((kind) => pendingAct(trx, [kind], id)));
  const meant = waiting.find((act) => act?.digest === digest);
  if (meant) return meant;
  const next = 'What waits, with its command: caseref operator pending.';
  return waiting.some(Boolean)
    ? refuse('state-conflict', '/digest', 'What waits under this name was changed since: it says something else.', next)
    : refuse('not-found', '/id', 'Nothing about this deny waits for approval.', next);
}
