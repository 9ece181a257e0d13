import { randomBytes } from 'node:crypto';
import { type Claimed, narrow } from '../../domain/accreditation.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { recordEvents } from '../../store/feed.ts';
import type { PortalSessionTable, SessionEnd } from '../../store/liaison-tables.ts';
import { type LiaisonRow, lockLiaison, updateLiaison } from '../../store/liaisons.ts';
import type { Trx } from '../../store/open.ts';
import {
  endSessionRow,
  endSessionRows,
  exchangeSecret,
  insertSession,
  lastSession,
  noteSessionSeen,
  openSession,
  type SessionRow,
  sessionRow,
} from '../../store/portal-sessions.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';
import type { Viewer } from '../portal/viewer.ts';
import { checkInForce, unknownLiaison } from './accreditation.ts';
import { recordRefused } from './refused.ts';

/** Nobody sits there any more. */
const IDLE_MS = 15 * 60_000;
/** A working day. */
const LONGEST_MS = 8 * 3_600_000;
/** Requests that come close together are one look: not each of them writes. */
const SEEN_MS = 5000;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

export type SignInMethod = PortalSessionTable['method'];

/** A session that is open, with the accreditation as it is now. */
export interface LiaisonSession extends Viewer {
  readonly method: SignInMethod;
  readonly begunAt: Date;
  /** When it ends whatever is done; 15 minutes without a request end it before. */
  readonly endsAt: Date;
  /** When the liaison last signed in anew within it. */
  readonly steppedUpAt: Date | undefined;
}

/** A session as it is handed to a browser: `secret` is told once, and its keyed digest is all that is kept. */
export interface BegunSession {
  readonly secret: string;
  readonly session: LiaisonSession;
}

export interface SignIn {
  readonly liaison: string;
  readonly method: SignInMethod;
  /** What an identity provider says: it can narrow the accreditation, and nothing else. */
  readonly claimed?: Claimed | undefined;
  /** The secret that the browser came with: whatever it is, it names no session afterwards (session fixation). */
  readonly presented?: string | undefined;
  /** The session that this browser had when it left for its identity provider: with the answer it sends no strict cookie. */
  readonly replaces?: string | undefined;
}

function digestOf({ vault }: Pick<Exchange, 'vault'>, secret: string): Buffer {
  return Buffer.from(vault.digest('portal-session', secret));
}

/** Begins a session for a liaison whose sign-in was verified, under a new secret. `accreditation-ended` shows nothing at all. */
export async function beginSession(exchange: Exchange, signIn: SignIn): Promise<BegunSession | Refusal> {
  const begun = await inTransaction(exchange.store.db, (trx) => begin(exchange, trx, signIn));
  if (isRefusal(begun)) await recordRefused(exchange, begun.code, signIn.liaison);
  return begun;
}

/** The same within the transaction that enrols. */
export async function begin(exchange: Exchange, trx: Trx, signIn: SignIn): Promise<BegunSession | Refusal> {
  const { liaison: id, method, claimed = {}, presented, replaces } = signIn;
  const now = exchange.clock();
  const at = new Date(now);
  const row = await lockLiaison(trx, id);
  if (!row) return unknownLiaison();
  const wrong = checkInForce(row, now);
  if (wrong) return wrong;
  const scope = narrow(row, claimed);
  if (!scope) return claimsNothing();
  const before = presented === undefined ? undefined : (await present(exchange, trx, presented))?.id;
  for (const one of [before, replaces]) if (one !== undefined) await endSessionRow(trx, one, { at, why: 'replaced' });
  const secret = randomBytes(32).toString('base64url');
  const session: SessionRow = {
    id: exchange.chance.uuid4(),
    digest: digestOf(exchange, secret),
    liaison: id,
    unit: scope.unit,
    jurisdictions: [...scope.jurisdictions],
    method,
    begun_at: at,
    seen_at: at,
    ends_at: new Date(now + LONGEST_MS),
    previous_at: await previousVisit(trx, id, row.seen_at, now),
    stepped_up_at: null,
    ended_at: null,
    why: null,
    refused_at: null,
  };
  await insertSession(trx, { ...session });
  await updateLiaison(trx, id, { used_at: at, seen_at: at });
  await recordEvents(trx, [{ type: 'liaison.signed-in', at, body: { liaison: id, method } }]);
  return { secret, session: viewOf(session, row) };
}

/** A visit is one time on duty: who signs in again after a break still sees what was new when it began. */
async function previousVisit(trx: Trx, liaison: string, seenAt: Date | null, now: number): Promise<Date | null> {
  if (seenAt === null || now - seenAt.getTime() >= LONGEST_MS) return seenAt;
  return (await lastSession(trx, liaison))?.previous_at ?? null;
}

function claimsNothing(): Refusal {
  return refuse('accreditation-ended', '', 'The identity provider says of the liaison what it is not accredited for.');
}

async function present(exchange: Exchange, trx: Trx, secret: string): Promise<SessionRow | undefined> {
  return SECRET.test(secret) ? (await sessionRow(trx, digestOf(exchange, secret)))?.session : undefined;
}

function viewOf(session: SessionRow, { id, name, agency, unit, jurisdictions }: LiaisonRow): LiaisonSession {
  // A renewal that narrows the accreditation counts at once, in sessions that were begun before it too.
  const scope = narrow({ unit, jurisdictions }, session) ?? { unit, jurisdictions: [] };
  return {
    id,
    name,
    agency,
    ...scope,
    lastVisit: session.previous_at ?? undefined,
    session: session.id,
    method: session.method,
    begunAt: session.begun_at,
    endsAt: session.ends_at,
    steppedUpAt: session.stepped_up_at ?? undefined,
  };
}

/**
 * The open session that a secret names. Looked up in the store each time, with the accreditation: a revocation counts at the
 * next request. `session-ended` for a secret that names nothing, and for a session that was idle, over or ended;
 * `accreditation-ended` for a liaison who may see nothing any more.
 */
export async function readSession(exchange: Exchange, secret: string): Promise<LiaisonSession | Refusal> {
  const found = SECRET.test(secret) ? await sessionRow(exchange.store.db, digestOf(exchange, secret)) : undefined;
  if (!found) {
    await recordRefused(exchange, 'session-ended');
    return refuse('session-ended');
  }
  const { session, liaison } = found;
  const now = exchange.clock();
  const lapsed = lapseOf(session, now);
  if (lapsed || session.ended_at) {
    if (lapsed) await endSessionRow(exchange.store.db, session.id, { at: new Date(now), why: lapsed });
    await recordRefused(exchange, 'session-ended', liaison.id, lapsed ? undefined : session);
    return refuse('session-ended');
  }
  const wrong = checkInForce(liaison, now) ?? checkScope(session, liaison);
  if (wrong) {
    await endSessionRow(exchange.store.db, session.id, { at: new Date(now), why: 'revoked' });
    await recordRefused(exchange, wrong.code, liaison.id);
    return wrong;
  }
  if (now - session.seen_at.getTime() >= SEEN_MS) await noteSeen(exchange, session, new Date(now));
  return viewOf(session, liaison);
}

function lapseOf({ ended_at, seen_at, ends_at }: SessionRow, now: number): SessionEnd | undefined {
  if (ended_at) return undefined;
  if (now >= ends_at.getTime()) return 'over';
  return now - seen_at.getTime() >= IDLE_MS ? 'idle' : undefined;
}

function checkScope(session: SessionRow, { unit, jurisdictions }: LiaisonRow): Refusal | undefined {
  if (narrow({ unit, jurisdictions }, session)) return undefined;
  return refuse('accreditation-ended', '', 'The accreditation was changed, and nothing of this session is left.');
}

async function noteSeen(exchange: Exchange, { id, liaison }: SessionRow, at: Date): Promise<void> {
  await noteSessionSeen(exchange.store.db, id, at);
  await updateLiaison(exchange.store.db, liaison, { used_at: at, seen_at: at });
}

/** Ends the session that a secret names, by its liaison's wish. */
export async function endSession(exchange: Exchange, secret: string): Promise<void> {
  await inTransaction(exchange.store.db, async (trx) => {
    const session = await present(exchange, trx, secret);
    const at = new Date(exchange.clock());
    if (!session || !(await endSessionRow(trx, session.id, { at, why: 'signed-out' }))) return;
    await recordEvents(trx, [{ type: 'liaison.signed-out', at, body: { liaison: session.liaison, count: 1 } }]);
  });
}

/** Ends every session of a liaison, on every device; gives their number. */
export async function endAllSessions(exchange: Exchange, liaison: string): Promise<number> {
  return inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const count = await endSessionRows(trx, liaison, { at, why: 'revoked' });
    if (count > 0) await recordEvents(trx, [{ type: 'liaison.signed-out', at, body: { liaison, count } }]);
    return count;
  });
}

/**
 * Notes that the liaison of an open session signed in anew, and gives the secret that the session has from now on. An identity provider that
 * says less by now narrows the session; one that leaves nothing ends it.
 */
export async function stepUp(
  exchange: Exchange,
  {
    session,
    liaison,
    claimed = {},
  }: { readonly session: string; readonly liaison: string; readonly claimed?: Claimed },
): Promise<string | Refusal> {
  const secret = randomBytes(32).toString('base64url');
  const at = new Date(exchange.clock());
  const refused = await inTransaction(exchange.store.db, async (trx): Promise<Refusal | undefined> => {
    const row = await lockLiaison(trx, liaison);
    const open = row && !checkInForce(row, at.getTime()) && (await openSession(trx, session, liaison));
    if (!open) return refuse('session-ended');
    const scope = narrow(open, claimed);
    if (scope) return exchangeSecret(trx, session, { ...scope, digest: digestOf(exchange, secret), at });
    await endSessionRow(trx, session, { at, why: 'revoked' });
    return claimsNothing();
  });
  if (!refused) return secret;
  await recordRefused(exchange, refused.code, liaison);
  return refused;
}
