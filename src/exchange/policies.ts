import type { Deny, Policy } from '../domain/contract.types.ts';
import { mayConcern } from '../domain/denies.ts';
import { guard } from '../domain/guard.ts';
import { isoInstant } from '../domain/instant.ts';
import { checkDeny, checkPolicy, type PolicyWarning } from '../domain/policy-check.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { bumpDirectory, denyRows, partnerRow, partnerRows } from '../store/partners.ts';
import { insertRows } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { messageDigest } from '../wire/digest.ts';
import { checkSchema } from '../wire/schema.ts';
import type { Exchange } from './context.ts';

export interface PolicyReport {
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly PolicyWarning[];
}

/** Looks at a policy document without storing it: guard, schema, then what only a person would notice. */
export function reviewPolicy(document: unknown): PolicyReport {
  const draft = withVersion(document, 1);
  const guarded = guard(draft, { form: 'policy' });
  if (guarded) return { refusals: [guarded], warnings: [] };
  const malformed = checkSchema('policy', draft);
  if (malformed.length > 0)
    return { refusals: malformed.map((one) => ({ ...one, code: 'policy-invalid' })), warnings: [] };
  const { refusals, warnings } = checkPolicy(draft as Policy);
  return { refusals, warnings: [...warnings, ...warnOfEncryption(draft as Policy)] };
}

/** What the protocol knows and this release cannot do is said where it is asked for. */
function warnOfEncryption({ security }: Policy): PolicyWarning[] {
  if (security?.encryption !== 'required') return [];
  const message =
    'This release cannot encrypt: between nodes on one machine messages are signed and go in the clear, whatever this says.';
  return [{ pointer: '/security/encryption', message }];
}

/** The version is the node's to give; one that a file names is not believed. */
function withVersion(document: unknown, version: number): unknown {
  return typeof document === 'object' && document !== null && !Array.isArray(document)
    ? { ...document, version }
    : document;
}

export interface PolicySet {
  readonly partner: string;
  readonly version: number;
  readonly state: 'active';
  readonly warnings: readonly PolicyWarning[];
  /** True while fewer than two operator keys are registered: the act is recorded, a second person is not enforced. */
  readonly recordedNotEnforced: true;
}

/** Stores a policy as the partner's next version and makes it effective; the earlier one stays as history. */
export async function setPolicy(exchange: Exchange, issuer: string, document: unknown): Promise<PolicySet | Refusal[]> {
  const { refusals, warnings } = reviewPolicy(document);
  if (refusals.length > 0) return [...refusals];
  const known = await partnerRow(exchange.store.db, issuer);
  if (!known || known.state === 'removed') return [unknownPartner(issuer)];
  if ((document as Policy).partner !== issuer) {
    return [refuse('policy-invalid', '/partner', 'The policy is for another partner.', `Set "partner" to ${issuer}.`)];
  }
  return inTransaction(exchange.store.db, async (trx) => {
    const partner = await partnerRow(trx, issuer);
    if (!partner || partner.state === 'removed') return [unknownPartner(issuer)];
    const last = await trx
      .selectFrom('policy')
      .select((s) => s.fn.max('version').as('version'))
      .where('partner', '=', issuer)
      .executeTakeFirst();
    const version = (last?.version ?? 0) + 1;
    const policy = withVersion(document, version) as Policy;
    const at = new Date(exchange.clock());
    await trx
      .updateTable('policy')
      .set({ state: 'superseded' })
      .where('partner', '=', issuer)
      .where('state', '=', 'active')
      .execute();
    const digest = messageDigest(JSON.stringify(policy));
    await insertRows(trx, 'policy', [
      { partner: issuer, version, document: policy, digest, state: 'active', created_at: at, approved_at: at },
    ]);
    await recordEvents(trx, [{ type: 'policy.activated', at, partner: issuer, body: { version, digest } }]);
    await bumpDirectory(trx);
    return { partner: issuer, version, state: 'active' as const, warnings, recordedNotEnforced: true as const };
  });
}

/** A version of a partner's policy, the one in force unless another is named. */
export async function showPolicy(exchange: Exchange, issuer: string, version?: number) {
  let query = exchange.store.db.selectFrom('policy').selectAll().where('partner', '=', issuer);
  query = version === undefined ? query.where('state', '=', 'active') : query.where('version', '=', version);
  const row = await query.executeTakeFirst();
  if (!row) return refuse('not-found', '', 'There is no such policy.', 'Set one: caseref policy set ISSUER FILE.');
  const { document, state, digest, created_at } = row;
  return { document, state, digest, createdAt: isoInstant(created_at.getTime()) };
}

/** With fewer than two operator keys a policy is effective when it is set; approving it then changes nothing. */
export async function approvePolicy(exchange: Exchange, issuer: string, version: number) {
  const row = await exchange.store.db
    .selectFrom('policy')
    .select('state')
    .where('partner', '=', issuer)
    .where('version', '=', version)
    .executeTakeFirst();
  if (!row)
    return refuse(
      'not-found',
      '',
      'There is no such version.',
      'Look at the versions: caseref policy show ISSUER --version N.',
    );
  return { partner: issuer, version, state: row.state, recordedNotEnforced: true as const };
}

/** A deny with the partners that it may concern today, by their recorded jurisdictions. */
export type AddedDeny = Deny & { readonly appliesTo: readonly string[] };

/** Adds an organisation-wide deny: from here no rule of any partner overrides it. */
export async function addDeny(exchange: Exchange, document: unknown): Promise<AddedDeny | Refusal[]> {
  const deny = {
    ...(document as Partial<Deny>),
    id: (document as Partial<Deny>).id ?? `deny-${exchange.chance.uuid().slice(-12)}`,
  };
  const guarded = guard(deny, { form: 'policy' });
  if (guarded) return [guarded];
  const malformed = checkSchema('deny', deny);
  if (malformed.length > 0) return malformed.map((one) => ({ ...one, code: 'policy-invalid' }));
  const wrong = checkDeny(deny as Deny);
  if (wrong.length > 0) return wrong;
  return inTransaction(exchange.store.db, async (trx) => {
    const known = await trx.selectFrom('policy_deny').select('id').where('id', '=', deny.id).executeTakeFirst();
    if (known) return [refuse('state-conflict', '/id', 'A deny with this id exists or existed.', 'Use another id.')];
    const at = new Date(exchange.clock());
    await insertRows(trx, 'policy_deny', [{ id: deny.id, document: deny, created_at: at }]);
    await recordEvents(trx, [{ type: 'deny.added', at, code: deny.id }]);
    await bumpDirectory(trx);
    return { ...(deny as Deny), appliesTo: await concerned(trx, deny as Deny) };
  });
}

async function concerned(trx: Trx, deny: Deny): Promise<string[]> {
  const partners = (await partnerRows(trx)).filter(({ state }) => state !== 'removed');
  return partners.filter((partner) => mayConcern(deny, partner)).map(({ issuer }) => issuer);
}

export async function listDenies(exchange: Exchange): Promise<Deny[]> {
  return (await denyRows(exchange.store.db)).map((row) => row.document);
}

export async function removeDeny(exchange: Exchange, id: string): Promise<{ id: string; removed: true } | Refusal> {
  return inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const result = await trx
      .updateTable('policy_deny')
      .set({ removed_at: at })
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .executeTakeFirst();
    if (result.numUpdatedRows === 0n)
      return refuse('not-found', '/id', 'There is no such deny.', 'List them: caseref policy deny list.');
    await recordEvents(trx, [{ type: 'deny.removed', at, code: id }]);
    await bumpDirectory(trx);
    return { id, removed: true as const };
  });
}
