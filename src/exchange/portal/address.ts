import { codes } from '../../domain/codes.ts';
import { checkHandle } from '../../domain/handle.ts';
import { disarmUrl } from '../../domain/mask.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { recordEvents } from '../../store/feed.ts';
import { statedPurpose } from '../../store/portal-views.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';
import type { ReferenceName } from '../record.ts';
import { openShown } from './case.ts';
import { type ListedCase, lineOf } from './list.ts';
import type { Viewer } from './viewer.ts';
import { writeLook } from './views.ts';

/** Purposes that a liaison may state. */
export const purposes: readonly string[] = codes.purpose.filter((code) => code !== 'unknown');

/** Records the purpose for which a liaison will see the whole address, once for a case and session; refuses codes that are no purpose. */
export async function statePurpose(
  exchange: Exchange,
  viewer: Viewer,
  name: ReferenceName,
  { purpose, ownReference }: { readonly purpose: string; readonly ownReference: string },
): Promise<Refusal | undefined> {
  if (!purposes.includes(purpose)) return refuse('usage-invalid', '/purpose', 'The purpose is not in the code list.');
  const number = ownReference.trim();
  const wrong = number === '' ? undefined : checkHandle({ system: 'own', id: number }, '');
  if (wrong) return { ...wrong, pointer: '/ownReference' };
  const shown = await openShown(exchange, viewer, name);
  if (isRefusal(shown)) return shown;
  await inTransaction(exchange.store.db, (trx) =>
    writeLook(exchange, trx, viewer, {
      kind: 'purpose',
      name,
      purpose,
      ...(number !== '' && { ownReference: number }),
    }),
  );
  return undefined;
}

export interface WholeAddress {
  readonly line: ListedCase;
  /** Whole and disarmed: `hxxps://host[.]example/path`. */
  readonly address: string;
  readonly referrer: string | undefined;
  readonly purpose: string;
}

/**
 * The whole address of a case, for the purpose that was stated in this session. Each time it is given there is an entry in the feed before,
 * with the purpose and without the person; who it was stands with the unit's looks. Without a purpose: undefined.
 */
export async function wholeAddress(
  exchange: Exchange,
  viewer: Viewer,
  name: ReferenceName,
): Promise<WholeAddress | Refusal | undefined> {
  const shown = await openShown(exchange, viewer, name);
  if (isRefusal(shown)) return shown;
  const stated = await statedPurpose(exchange.store.db, viewer.session, name);
  if (!stated) return undefined;
  const { purpose } = stated;
  const at = new Date(exchange.clock());
  await inTransaction(exchange.store.db, async (trx) => {
    await writeLook(exchange, trx, viewer, { kind: 'address', name, purpose });
    await recordEvents(trx, [
      { type: 'address.revealed', at, originator: name.originator, reference: name.id, code: purpose },
    ]);
  });
  const { url, access } = shown.content;
  const referrer = access?.referrer;
  return { line: lineOf(shown), address: disarmUrl(url), referrer: referrer && disarmUrl(referrer), purpose };
}
