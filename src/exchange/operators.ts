import { guard } from '../domain/guard.ts';
import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicJwk } from '../domain/secrets.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { operatorRows, pendingAct, pendingActs, removeOperatorRow, supersedeByAuthor } from '../store/operators.ts';
import { endPendingPolicies } from '../store/policies.ts';
import { insertRows } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { thumbprint } from '../wire/fingerprint.ts';
import { importPublicKey } from '../wire/pinned.ts';
import {
  type ActStanding,
  approveAct,
  beginAct,
  type Draft,
  isDraft,
  isEnforced,
  type PendingAct,
  proposeAct,
  type Signing,
  signersOf,
  tellEnded,
  type Weighed,
} from './acts.ts';
import type { Exchange } from './context.ts';

/** The public part of an operator's key, as its owner hands it over. */
export interface NewOperator {
  readonly name: string;
  readonly jwk: object;
  readonly insteadOf?: string | undefined;
}

/** An operator after an act on it: `pending` while its adding or removing waits for a second person. */
export interface OperatorChange extends ActStanding {
  readonly name: string;
  readonly kid: string;
  readonly state: 'active' | 'removed' | 'pending';
  /** How many operators there are from now on. */
  readonly active: number;
}

type Named = { readonly name: string; readonly kid: string; readonly jwk: PublicJwk };
type Change = 'operator.add' | 'operator.remove';

const NAME = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const X = /^[A-Za-z0-9_-]{43}$/;

/**
 * Registers the public key of an operator. A name and a key are used once, for ever: the history of signatures stays
 * readable, and a key that was removed never comes back.
 */
export async function addOperator(
  exchange: Exchange,
  given: NewOperator,
  signing?: Signing,
): Promise<OperatorChange | Draft | Refusal> {
  const named = await readOperator(given);
  if (isRefusal(named)) return named;
  return inTransaction(exchange.store.db, async (trx) => {
    const eyes = await beginAct(trx);
    const taken = await checkVacant(trx, named);
    if (taken) return taken;
    const act = { kind: 'operator.add' as Change, subject: named.name, document: { ...named } };
    const weighed = await proposeAct(exchange, trx, { ...act, eyes, signing, insteadOf: given.insteadOf });
    return settle(exchange, trx, act.kind, named, weighed);
  });
}

async function readOperator({ name, jwk }: NewOperator): Promise<Named | Refusal> {
  const guarded = guard({ name }, { form: 'policy' });
  if (guarded) return guarded;
  if (!NAME.test(name)) {
    const next = 'Use 1 to 32 lower-case letters, digits, dots and hyphens.';
    return refuse('usage-invalid', '/name', 'The name is not usable.', next);
  }
  const { kty, crv, x, ...others } = jwk as Readonly<Record<string, unknown>>;
  const next = 'Give the public part as caseref operator key prints it.';
  if ('d' in others) {
    const lost = 'This is a private key: treat it as lost.';
    return refuse('usage-invalid', '/jwk', lost, 'Make a new key, and hand over its public part only.');
  }
  const shaped = kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string' && X.test(x);
  const key = shaped && Object.keys(others).length === 0 ? { kty, crv, x } : undefined;
  if (!key || !(await importPublicKey(key, 'Ed25519')))
    return refuse('usage-invalid', '/jwk', 'This is no public Ed25519 key.', next);
  return { name, kid: await thumbprint(key), jwk: key };
}

async function checkVacant(trx: Trx, { name, kid }: Named): Promise<Refusal | undefined> {
  const known = (await operatorRows(trx)).find((row) => row.name === name || row.kid === kid);
  if (!known) return undefined;
  const next = 'Look at them: caseref operator list. Names and keys are used once.';
  const gone = known.state === 'removed' ? ', and was removed' : '';
  if (known.name === name) return refuse('state-conflict', '/name', `An operator of this name is known${gone}.`, next);
  return refuse('state-conflict', '/jwk', `The key is that of the operator ${known.name}${gone}.`, next);
}

/** Removes an operator: from here its signatures count for nothing new, and what waits with it as author ends. */
export async function removeOperator(
  exchange: Exchange,
  name: string,
  signing?: Signing,
  insteadOf?: string,
): Promise<OperatorChange | Draft | Refusal> {
  return inTransaction(exchange.store.db, async (trx) => {
    const eyes = await beginAct(trx);
    const operator = eyes.operators.find((one) => one.name === name);
    if (!operator) return unknownOperator();
    const { kid } = operator;
    const act = { kind: 'operator.remove' as Change, subject: name, document: { name, kid, removed: true } };
    const weighed = await proposeAct(exchange, trx, { ...act, eyes, signing, insteadOf });
    return settle(exchange, trx, act.kind, operator, weighed);
  });
}

/** Which adding or removing is approved: a name alone could come to mean another key meanwhile. */
export interface ApprovedOperator {
  readonly name: string;
  readonly kid: string;
  /** Whether the removal of the operator is approved, and not that it is added. */
  readonly removal?: boolean | undefined;
}

/** Approves, as the second person, the adding or removing of the operator of this name with this key. */
export async function approveOperator(
  exchange: Exchange,
  { name, kid, removal = false }: ApprovedOperator,
  signing?: Signing,
): Promise<OperatorChange | Draft | Refusal> {
  return inTransaction(exchange.store.db, async (trx) => {
    const eyes = await beginAct(trx);
    const kind: Change = removal ? 'operator.remove' : 'operator.add';
    const pending = await pendingAct(trx, [kind], name);
    if (!pending) return nothingWaits(removal);
    const named = pending.document as unknown as Named;
    if (named.kid !== kid) {
      const message = `What waits under this name was changed since: the key is another one (${named.kid}).`;
      return refuse('state-conflict', '/kid', message, 'Look at it, and ask its owner: caseref operator pending.');
    }
    const gone = removal ? undefined : await checkVacant(trx, named);
    if (gone) return gone;
    if (removal && !eyes.operators.some((one) => one.name === name)) return unknownOperator();
    return settle(exchange, trx, kind, named, await approveAct(exchange, trx, { eyes, signing, pending }));
  });
}

function nothingWaits(removal: boolean): Refusal {
  const message = removal
    ? 'No removal of this operator waits for approval.'
    : 'No operator of this name waits to be added.';
  return refuse('not-found', '/name', message, 'What waits, with its command: caseref operator pending.');
}

function unknownOperator(): Refusal {
  return refuse('not-found', '/name', 'No operator of this name is registered.', 'caseref operator list');
}

async function settle(
  exchange: Exchange,
  trx: Trx,
  kind: Change,
  { name, kid, jwk }: Named,
  weighed: Weighed | Draft | Refusal,
): Promise<OperatorChange | Draft | Refusal> {
  if (isRefusal(weighed) || isDraft(weighed)) return weighed;
  await weighed.record();
  const { standing, effective } = weighed;
  if (!effective) return { name, kid, state: 'pending', active: await activeOperators(trx), ...standing };
  const at = new Date(exchange.clock());
  if (kind === 'operator.add')
    await insertRows(trx, 'operator', [{ name, kid, jwk, state: 'active', added_at: at, removed_at: null }]);
  else {
    await removeOperatorRow(trx, name, at);
    const ended = await supersedeByAuthor(trx, name, at);
    await tellEnded(trx, ended, { at, by: standing.author });
    const partners = ended.filter((act) => act.kind === 'policy').map(({ subject }) => subject);
    await endPendingPolicies(trx, partners);
  }
  const type = kind === 'operator.add' ? 'operator.added' : 'operator.removed';
  await recordEvents(trx, [{ type, at, body: { operator: name, kid, ...signersOf(standing) } }]);
  const state = kind === 'operator.add' ? 'active' : 'removed';
  return { name, kid, state, active: await activeOperators(trx), ...standing };
}

async function activeOperators(trx: Trx): Promise<number> {
  return (await operatorRows(trx)).filter(({ state }) => state === 'active').length;
}

/** Every operator there is, was, or waits to be. */
export async function listOperators({ store }: Pick<Exchange, 'store'>) {
  const rows = await operatorRows(store.db);
  const instant = (at: Date) => isoInstant(at.getTime());
  const items = rows.map(({ name, kid, state, added_at, removed_at }) => ({
    name,
    kid,
    state,
    addedAt: instant(added_at),
    ...(removed_at && { removedAt: instant(removed_at) }),
  }));
  return { items, next: null, enforced: isEnforced(rows) };
}

/** An act that waits, as it is shown. */
export interface WaitingAct {
  readonly id: string;
  readonly act: string;
  readonly subject: string;
  readonly digest: string;
  readonly author: string;
  readonly createdAt: string;
  /** The command with which another operator approves it. */
  readonly approve: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** Each names what is approved by its content: what stands under a name can be exchanged until then. */
const commands: Readonly<Record<string, (act: PendingAct) => string>> = {
  policy: ({ subject, document }) => `policy approve ${subject} ${String(document.version)}`,
  'partner.confirm': ({ subject }) => `partner confirm ${subject} --fingerprint 'WHAT YOU HEARD'`,
  'partner.resume': ({ subject }) => `partner resume ${subject}`,
  'partner.remove': ({ subject }) => `partner remove ${subject} --yes`,
  'operator.add': ({ subject, document }) => `operator approve ${subject} --kid ${String(document.kid)}`,
  'operator.remove': ({ subject, document }) => `operator approve ${subject} --removal --kid ${String(document.kid)}`,
  'liaison.invite': ({ subject, digest }) => `liaison approve ${subject} --digest ${digest}`,
  'liaison.renew': ({ subject, digest }) => `liaison approve ${subject} --digest ${digest}`,
  'liaison.resume': ({ subject }) => `liaison resume ${subject}`,
  'deny.add': ({ subject, digest }) => `policy deny approve ${subject} --digest ${digest}`,
  'deny.remove': ({ subject, digest }) => `policy deny approve ${subject} --digest ${digest}`,
  'codes.import': ({ subject }) => `codes import ${subject}.json`,
  'unit.add': ({ subject, document: { jurisdiction, phone } }) =>
    `unit add '${subject}' --jurisdiction ${jurisdiction}${phone === undefined ? '' : ` --phone '${phone}'`}`,
  'unit.remove': ({ subject }) => `unit remove '${subject}'`,
  'case.told-by': ({ document: { event, id, originator } }) =>
    `reference ${verbs[String(event)]} ${id} --originator ${originator} 'WHAT YOU WERE TOLD'`,
};

const verbs: Readonly<Record<string, string>> = {
  ...{ assessed: 'assess', acted: 'act', handover: 'handover', hold: 'hold', clearance: 'clear' },
  ...{ acknowledged: 'acknowledge', feedback: 'feedback' },
};

/** An act that waits for its second signature, as it is shown. */
function viewWaiting(act: PendingAct): WaitingAct {
  const { id, kind, subject, digest, author, created_at, document } = act;
  const command = commands[kind]?.(act);
  const approve = command === undefined ? 'caseref operator pending' : `caseref ${command} --operator FILE`;
  const createdAt = isoInstant(created_at.getTime());
  return { id, act: kind, subject, digest, author: author ?? '', createdAt, approve, document };
}

/** Everything that waits for a second operator, oldest first. */
export async function listWaiting({ store }: Pick<Exchange, 'store'>): Promise<WaitingAct[]> {
  return (await pendingActs(store.db)).map(viewWaiting);
}

/** Says in the log, when a node begins, whether a second person is enforced. */
export async function sayEnforcement(exchange: Exchange): Promise<void> {
  const { items, enforced } = await listOperators(exchange);
  const count = items.filter(({ state }) => state === 'active').length;
  if (enforced) exchange.log.info({ event: 'operators.enforced', count }, 'acts wait for a second operator');
  else exchange.log.warn({ event: 'operators.few', count }, 'acts are recorded, not enforced: register two operators');
}
