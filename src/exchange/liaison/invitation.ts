import { randomBytes } from 'node:crypto';
import { isoInstant } from '../../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import {
  insertInvitation,
  liaisonRow,
  openInvitation,
  revokeInvitations,
  useInvitation,
} from '../../store/liaisons.ts';
import type { Trx } from '../../store/open.ts';
import type { Exchange } from '../context.ts';
import { checkInForce } from './accreditation.ts';

/** Whoever finds the address in a mailbox next week must find nothing behind it. */
const LIFE_MS = 72 * 3_600_000;

/** An invitation as it is told, once: only the keyed digest of its code is kept. */
export interface Invitation {
  readonly code: string;
  readonly until: string;
}

type Parts = Pick<Exchange, 'vault'>;

/** The keyed digest of a code; of what is no code there is none in the store. */
function invitationDigest({ vault }: Parts, code: string): Buffer {
  return Buffer.from(vault.digest('liaison-invitation', code.slice(0, 100)));
}

/** Makes the one invitation of a liaison that is open: earlier ones end. */
export async function makeInvitation(exchange: Exchange, trx: Trx, liaison: string): Promise<Invitation> {
  const now = exchange.clock();
  const code = randomBytes(32).toString('base64url');
  const ends_at = new Date(now + LIFE_MS);
  const digest = invitationDigest(exchange, code);
  await revokeInvitations(trx, liaison, new Date(now));
  await insertInvitation(trx, {
    digest,
    liaison,
    created_at: new Date(now),
    ends_at,
    used_at: null,
    revoked_at: null,
  });
  return { code, until: isoInstant(ends_at.getTime()) };
}

/** Whom an open invitation is for. It is not used up by being looked at: programs that read mail open what they find. */
export async function readInvitation(
  exchange: Exchange,
  digest: Buffer,
): Promise<{ readonly liaison: string; readonly name: string } | Refusal> {
  const now = exchange.clock();
  const open = await openInvitation(exchange.store.db, digest, new Date(now));
  const row = open && (await liaisonRow(exchange.store.db, open.liaison));
  if (!row) return refuse('invitation-invalid');
  return checkInForce(row, now) ?? { liaison: row.id, name: row.name };
}

/** Uses an invitation up, in the transaction that enrols: whose it was. */
export async function redeemInvitation(exchange: Exchange, trx: Trx, digest: Buffer): Promise<string | Refusal> {
  const used = await useInvitation(trx, digest, new Date(exchange.clock()));
  return used?.liaison ?? refuse('invitation-invalid');
}

/** Looks whether a code opens an invitation, and gives its digest. */
export async function openByCode(exchange: Exchange, code: string): Promise<Buffer | Refusal> {
  const digest = invitationDigest(exchange, code);
  const read = await readInvitation(exchange, digest);
  return isRefusal(read) ? read : digest;
}
