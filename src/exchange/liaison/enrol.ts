import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { recordEvents } from '../../store/feed.ts';
import {
  insertPasskey,
  isPasskeyKnown,
  liaisonOfSubject,
  lockLiaison,
  notePasskeyUse,
  passkeyRow,
  passkeysOf,
  revokePasskeys,
  updateLiaison,
} from '../../store/liaisons.ts';
import type { Trx } from '../../store/open.ts';
import { endSessionRows } from '../../store/portal-sessions.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';
import { redeemInvitation } from './invitation.ts';
import { recordRefused } from './refused.ts';
import { type BegunSession, begin, type SignIn } from './session.ts';

/** The public part of a passkey whose registration was verified. */
export interface NewPasskey {
  readonly id: Buffer;
  /** COSE key. */
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly backedUp: boolean;
}

/** Somebody as an identity provider names them. */
export interface Subject {
  readonly issuer: string;
  readonly subject: string;
}

/**
 * Redeems an invitation with a passkey, and begins the first session. What the liaison signed in with before ends: an
 * invitation to somebody who is known is made because a device was lost.
 */
export function enrolPasskey(
  exchange: Exchange,
  invitation: Buffer,
  passkey: NewPasskey,
  presented?: string,
): Promise<BegunSession | Refusal> {
  return enrol(exchange, invitation, { method: 'passkey', presented }, async (trx, liaison, at) => {
    if (await isPasskeyKnown(trx, passkey.id)) return refuse('sign-in-refused');
    const { id, publicKey, counter, transports, backedUp } = passkey;
    const row = { id, liaison, public_key: publicKey, counter, transports: [...transports], backed_up: backedUp };
    await insertPasskey(trx, { ...row, created_at: at, used_at: at, revoked_at: null });
    return undefined;
  });
}

/** Redeems an invitation by signing in at the identity provider: from then on its word for this subject is enough. */
export function enrolSubject(
  exchange: Exchange,
  invitation: Buffer,
  { issuer, subject }: Subject,
  signIn: Pick<SignIn, 'claimed' | 'presented'>,
): Promise<BegunSession | Refusal> {
  return enrol(exchange, invitation, { method: 'oidc', ...signIn }, async (trx, liaison) => {
    const other = await liaisonOfSubject(trx, issuer, subject);
    if (other && other.id !== liaison) return refuse('sign-in-refused', '', 'The subject is linked to somebody else.');
    await updateLiaison(trx, liaison, { subject_issuer: issuer, subject });
    return undefined;
  });
}

class NotEnrolled extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super('not enrolled');
    this.refusal = refusal;
  }
}

/** All or nothing: where anything is refused the invitation stays as it was. */
async function enrol(
  exchange: Exchange,
  invitation: Buffer,
  signIn: Omit<SignIn, 'liaison'>,
  keep: (trx: Trx, liaison: string, at: Date) => Promise<Refusal | undefined>,
): Promise<BegunSession | Refusal> {
  try {
    return await inTransaction(exchange.store.db, async (trx) => {
      const at = new Date(exchange.clock());
      const liaison = agreed(await redeemInvitation(exchange, trx, invitation));
      await lockLiaison(trx, liaison);
      await revokePasskeys(trx, liaison, at);
      await endSessionRows(trx, liaison, { at, why: 'revoked' });
      const { method } = signIn;
      if (method === 'passkey') await updateLiaison(trx, liaison, { subject: null, subject_issuer: null });
      const wrong = await keep(trx, liaison, at);
      if (wrong) throw new NotEnrolled(wrong);
      await recordEvents(trx, [{ type: 'liaison.enrolled', at, body: { liaison, method } }]);
      return agreed(await begin(exchange, trx, { ...signIn, liaison }));
    });
  } catch (failure) {
    if (!(failure instanceof NotEnrolled)) throw failure;
    await recordRefused(exchange, failure.refusal.code);
    return failure.refusal;
  }
}

function agreed<Answer>(answer: Answer | Refusal): Answer {
  if (isRefusal(answer)) throw new NotEnrolled(answer);
  return answer;
}

/** A passkey as a sign-in is verified against. */
export interface KnownPasskey extends NewPasskey {
  readonly liaison: string;
}

/** The passkey of a credential id; undefined for one that is unknown or was revoked. */
export async function findPasskey({ store }: Pick<Exchange, 'store'>, id: Buffer): Promise<KnownPasskey | undefined> {
  const row = await passkeyRow(store.db, id);
  if (!row) return undefined;
  const { liaison, public_key: publicKey, counter, transports, backed_up: backedUp } = row;
  return { id: row.id, liaison, publicKey, counter, transports, backedUp };
}

/** Ids of the passkeys that a liaison has. */
export async function passkeyIds({ store }: Pick<Exchange, 'store'>, liaison: string) {
  return (await passkeysOf(store.db, liaison)).map(({ id, transports }) => ({ id, transports }));
}

/** Notes what an authenticator said of itself when it signed. */
export async function notePasskey(
  exchange: Exchange,
  id: Buffer,
  { counter, backedUp }: Pick<NewPasskey, 'counter' | 'backedUp'>,
): Promise<void> {
  await inTransaction(exchange.store.db, (trx) =>
    notePasskeyUse(trx, id, { counter, backed_up: backedUp, used_at: new Date(exchange.clock()) }),
  );
}

/** Whom an identity provider's word is for; undefined where nobody is linked to that subject. */
export async function findSubject(
  { store }: Pick<Exchange, 'store'>,
  { issuer, subject }: Subject,
): Promise<string | undefined> {
  return (await liaisonOfSubject(store.db, issuer, subject))?.id;
}
