import { isRefusal, type Refusal } from '../../domain/refusal.ts';
import type { Trx } from '../../store/open.ts';
import { insertAll } from '../../store/rows.ts';
import type { Exchange } from '../context.ts';
import { type Idempotency, recall, remember } from '../idempotency.ts';
import type { ReferenceName } from '../record.ts';
import { lockDataKey } from './key.ts';

/**
 * Does something about a reference once for an idempotency key: the same key with the same words has the stored answer, with
 * other words `idempotency-mismatch`. What `isLasting` denies is not kept, nor is a refusal: it may be agreed to later.
 */
export async function once<Answer extends object>(
  exchange: Exchange,
  trx: Trx,
  { originator, id, idempotency }: ReferenceName & { readonly idempotency?: Idempotency | undefined },
  act: () => Promise<Answer | Refusal[]>,
  isLasting: (answer: Answer) => boolean,
): Promise<Answer | Refusal[]> {
  const [before] = await recall<Answer>(exchange, trx, [idempotency]);
  if (before) return before;
  const answer = await act();
  if (idempotency === undefined || isRefused(answer) || !isLasting(answer)) return answer;
  const key = await lockDataKey(exchange, trx, { originator, id });
  if (key) await insertAll(trx, [remember(exchange, [{ originator, id, dataKey: { key }, idempotency, answer }])]);
  return answer;
}

function isRefused(answer: object): answer is Refusal[] {
  return Array.isArray(answer) && answer.every((one) => isRefusal(one));
}
