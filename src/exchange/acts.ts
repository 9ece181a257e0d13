import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import {
  type EndedAct,
  insertAct,
  insertSignature,
  operatorRows,
  pendingAct,
  settleAct,
  signatureCounted,
  supersedePending,
} from '../store/operators.ts';
import { lockName } from '../store/transaction.ts';
import { type Approval, documentDigest, namedKey, type OpenedApproval, openApproval } from '../wire/approval.ts';
import type { Exchange } from './context.ts';

// Four eyes: what a person does to the trust of this node is an act. With two operators' keys or more it becomes effective
// when a second person has signed the same digest; with fewer it is recorded. What the act does is the caller's to do.

/** Something that four eyes are for: `document` is what becomes effective, and what both signatures are over. */
export interface Act {
  readonly kind: string;
  /** What it is about; a newer act of the same kind on the same subject takes the place of one that waits. */
  readonly subject: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** How an act is signed: by a token, or by the operator of this key once it was shown what to sign. */
export type Signing = { readonly token: string } | { readonly by: string };

/** An act on its way: who may sign it, who does, and whose it is to take the place of. */
export interface Proposed extends Act {
  readonly eyes: Eyes;
  readonly signing: Signing | undefined;
  /** Digest of another author's act that waits and is to end by this one. */
  readonly insteadOf?: string | undefined;
}

/** The act of which this one takes the place. */
export interface Superseded {
  readonly digest: string;
  readonly author?: string;
}

/** What an operator would sign. Nothing was written. */
export interface Draft extends Omit<Approval, 'at'> {
  readonly draft: true;
  readonly document: Readonly<Record<string, unknown>>;
}

/** What the answer to every act says beside its own members. */
export interface ActStanding {
  readonly digest: string;
  readonly author?: string;
  readonly approver?: string;
  /** Fewer than two operators are registered: the act is recorded and effective, a second person is not enforced. */
  readonly recordedNotEnforced?: true;
  /** What waited for the same subject and ended by this act. */
  readonly superseded?: Superseded;
}

/** An act whose signature counts; nothing of it is stored before `record`. */
export interface Weighed {
  /** False while it waits for its second signature: then nothing of it may count. */
  readonly effective: boolean;
  readonly standing: ActStanding;
  /** Stores act and signature, and ends what waited for the same subject. Part of the transaction that began. */
  record(): Promise<void>;
}

export type Operator = Awaited<ReturnType<typeof operatorRows>>[number];
export type PendingAct = NonNullable<Awaited<ReturnType<typeof pendingAct>>>;

/** Whose signatures count, as of a transaction that holds all acts still. */
export interface Eyes {
  readonly operators: readonly Operator[];
  readonly enforced: boolean;
}

const NEEDED = 2;

/** Whether so many operators are watched by each other. */
export function isEnforced(operators: readonly Pick<Operator, 'state'>[]): boolean {
  return operators.filter(({ state }) => state === 'active').length >= NEEDED;
}

/**
 * Begins an act. Until the transaction ends no other act begins, in this process or another: otherwise two people could
 * count the operators at the same time, or approve what a third one is replacing. Call it before anything is read.
 */
export async function beginAct(trx: Trx): Promise<Eyes> {
  await lockName(trx, 'acts');
  const rows = await operatorRows(trx);
  return { operators: rows.filter(({ state }) => state === 'active'), enforced: isEnforced(rows) };
}

/** Tells a draft from what else an act answers. */
export function isDraft(value: unknown): value is Draft {
  return typeof value === 'object' && value !== null && (value as { draft?: unknown }).draft === true;
}

/** The kid of the operator who signs or is about to, before anything is proven. */
export function signerOf(eyes: Eyes, signing: Signing | undefined): Operator | undefined {
  if (!signing) return undefined;
  const kid = 'by' in signing ? signing.by : namedKey(signing.token);
  return eyes.operators.find((operator) => operator.kid === kid);
}

/**
 * Weighs an act with its author's signature: effective at once, or pending where two operators or more are registered. What
 * another author has set and waits is ended only by who names its digest: nobody takes back a colleague's act unawares.
 */
export async function proposeAct(
  exchange: Exchange,
  trx: Trx,
  { eyes, signing, insteadOf, ...act }: Proposed,
): Promise<Weighed | Draft | Refusal> {
  const { kind, subject, document } = act;
  const digest = documentDigest(document);
  if (!signing && eyes.enforced) return refuse('operator-required', '/signature');
  const waiting = await pendingAct(trx, [kind], subject);
  const signer = eyes.enforced ? signerOf(eyes, signing)?.name : waiting?.author;
  const unnamed = checkInstead(waiting, { digest, insteadOf, signer });
  if (unnamed) return unnamed;
  const expected = { node: exchange.self, act: kind, subject, digest, role: 'author' } as const;
  const signed = signing && (await weighSignature(exchange, trx, { eyes, signing, expected, document }));
  if (isRefusal(signed) || isDraft(signed)) return signed;
  const author = signed?.operator.name;
  const effective = !eyes.enforced;
  const standing = {
    digest,
    ...(author !== undefined && { author }),
    ...(effective && { recordedNotEnforced: true as const }),
    ...(waiting && {
      superseded: { digest: waiting.digest, ...(waiting.author !== null && { author: waiting.author }) },
    }),
  };
  return { effective, standing, record: () => recordProposed(exchange, trx, { act, standing, effective, signed }) };
}

function checkInstead(
  waiting: PendingAct | undefined,
  {
    digest,
    insteadOf,
    signer,
  }: {
    readonly digest: string;
    readonly insteadOf: string | undefined;
    readonly signer: string | null | undefined;
  },
): Refusal | undefined {
  if (insteadOf !== undefined && insteadOf !== waiting?.digest)
    return refuse('state-conflict', '/insteadOf', 'What this is to take the place of does not wait any more.', PENDING);
  if (!waiting || insteadOf !== undefined || waiting.author === signer) return undefined;
  if (waiting.digest === digest)
    return refuse('state-conflict', '', `${waiting.author} has signed the same, and it waits: approve it.`, PENDING);
  const message = `${waiting.author} has signed something else for ${waiting.subject}, which waits and would end by this.`;
  const next = `Look at it: caseref operator pending. If yours is to take its place: --instead-of ${waiting.digest}`;
  return refuse('state-conflict', '/insteadOf', message, next);
}

const PENDING = 'Look at what waits: caseref operator pending.';

/**
 * Weighs an act whose content is the node's to say, such as the end of a suspension: the second person gives the same
 * command as the first. One that waits and says what is no longer so is ended by the new one.
 */
export async function shareAct(exchange: Exchange, trx: Trx, act: Proposed): Promise<Weighed | Draft | Refusal> {
  const { eyes, signing } = act;
  const pending = await pendingAct(trx, [act.kind], act.subject);
  const signer = signerOf(eyes, signing)?.name;
  const same = pending?.digest === documentDigest(act.document);
  if (!pending || !same || !eyes.enforced || signer === undefined)
    return proposeAct(exchange, trx, { ...act, insteadOf: pending?.digest });
  return signer === pending.author ? ownAct(eyes) : approveAct(exchange, trx, { eyes, signing, pending });
}

/**
 * The same for an act whose content the person gives: the second gives the same words. Other words than a colleague's, a mistyped
 * instant too, do not end unawares what that one has set: they name its digest, or are refused.
 */
export async function repeatAct(exchange: Exchange, trx: Trx, act: Proposed): Promise<Weighed | Draft | Refusal> {
  const waiting = await pendingAct(trx, [act.kind], act.subject);
  const same = !waiting || waiting.digest === documentDigest(act.document);
  return same ? shareAct(exchange, trx, act) : proposeAct(exchange, trx, act);
}

/** What the feed says of who signed something. */
export function signersOf({ author, approver }: Partial<ActStanding>): Pick<ActStanding, 'author' | 'approver'> {
  return { ...(author !== undefined && { author }), ...(approver !== undefined && { approver }) };
}

/** Tells the feed which acts ended before they were approved, and by whose doing. */
export async function tellEnded(
  trx: Trx,
  ended: readonly EndedAct[],
  { at, by }: { readonly at: Date; readonly by: string | undefined },
): Promise<void> {
  const events = ended.map(({ kind, subject, digest, author }) => {
    const signed = { ...(author !== null && { author }), ...(by !== undefined && { by }) };
    return { type: 'act.superseded' as const, at, code: kind, body: { act: kind, subject, digest, ...signed } };
  });
  await recordEvents(trx, events);
}

interface Signed {
  readonly operator: Operator;
  readonly opened: OpenedApproval;
  readonly token: string;
}

async function weighSignature(
  exchange: Exchange,
  trx: Trx,
  given: {
    readonly eyes: Eyes;
    readonly signing: Signing;
    readonly expected: Omit<Approval, 'at'>;
    readonly document: Draft['document'];
  },
): Promise<Signed | Draft | Refusal> {
  const { eyes, signing, expected, document } = given;
  const operator = signerOf(eyes, signing);
  if ('by' in signing)
    return operator ? { draft: true, ...expected, document } : refuse('operator-unknown', '/signature');
  const { token } = signing;
  const now = Math.floor(exchange.clock() / 1000);
  const keyOf = (kid: string) => eyes.operators.find((one) => one.kid === kid)?.jwk;
  const opened = await openApproval(token, expected, { now, keyOf });
  if (isRefusal(opened)) return opened;
  if (!operator) return refuse('operator-unknown', '/signature');
  if (await signatureCounted(trx, opened.tokenDigest))
    return refuse('approval-invalid', '/signature', 'The signature has counted before: it counts once.');
  return { operator, opened, token };
}

async function recordProposed(
  exchange: Exchange,
  trx: Trx,
  given: {
    readonly act: Act;
    readonly standing: ActStanding;
    readonly effective: boolean;
    readonly signed: Signed | undefined;
  },
): Promise<void> {
  const { act, standing, effective, signed } = given;
  const { kind, subject, document } = act;
  const { digest, author = null } = standing;
  const at = new Date(exchange.clock());
  await tellEnded(trx, await supersedePending(trx, [kind], subject, at), { at, by: standing.author });
  const id = exchange.chance.uuid();
  const state = effective ? 'effective' : 'pending';
  const settled_at = effective ? at : null;
  await insertAct(trx, {
    id,
    kind,
    subject,
    digest,
    document,
    state,
    author,
    approver: null,
    created_at: at,
    settled_at,
  });
  if (signed) await recordSignature(trx, id, signed);
  if (effective) return;
  const body = { act: kind, subject, digest, ...signersOf(standing) };
  await recordEvents(trx, [{ type: 'act.pending', at, code: kind, body }]);
}

async function recordSignature(trx: Trx, act: string, { operator, opened, token }: Signed): Promise<void> {
  const { role, kid, at, tokenDigest: token_digest } = opened;
  await insertSignature(trx, { act, role, operator: operator.name, kid, token, token_digest, at });
}

/** Weighs the second signature on an act that waits: by another operator than its author, over the same digest. */
export async function approveAct(
  exchange: Exchange,
  trx: Trx,
  {
    eyes,
    signing,
    pending,
  }: { readonly eyes: Eyes; readonly signing: Signing | undefined; readonly pending: PendingAct },
): Promise<Weighed | Draft | Refusal> {
  const { id, kind, subject, digest, document, author } = pending;
  if (!signing) return refuse('operator-required', '/signature');
  if (author !== null && signerOf(eyes, signing)?.name === author) return ownAct(eyes);
  if (author === null || documentDigest(document) !== digest)
    return refuse('approval-invalid', '', 'What waits here is not what its author signed.', 'Set it anew.');
  const expected = { node: exchange.self, act: kind, subject, digest, role: 'approver' } as const;
  const signed = await weighSignature(exchange, trx, { eyes, signing, expected, document });
  if (isRefusal(signed) || isDraft(signed)) return signed;
  const approver = signed.operator.name;
  return {
    effective: true,
    standing: { digest, author, approver },
    async record() {
      const at = new Date(exchange.clock());
      await settleAct(trx, id, approver, at);
      await recordSignature(trx, id, signed);
      const body = { act: kind, subject, digest, author, approver };
      await recordEvents(trx, [{ type: 'act.approved', at, code: kind, body }]);
    },
  };
}

/** Nobody is their own second pair of eyes. */
export function ownAct(eyes: Eyes): Refusal {
  if (eyes.enforced) return refuse('approval-own', '/signature');
  const next = 'Give the command that made it again: while one operator is registered it is effective at once.';
  return refuse('approval-own', '/signature', undefined, next);
}
