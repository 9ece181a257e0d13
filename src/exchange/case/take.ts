import type { Statement } from '../../domain/authority/statement.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import { tellings } from '../../store/case.ts';
import type { Trx } from '../../store/open.ts';
import type { Exchange } from '../context.ts';
import type { Snapshot } from '../directory.ts';
import { lockDataKey } from './key.ts';
import { enter } from './log.ts';
import { type Settling, settleCase } from './settle.ts';

/** Enters what this node says into an opened case, and brings the case on; gives the partners that it is on its way to. */
export async function takeOwn(
  exchange: Exchange,
  trx: Trx,
  settling: Settling,
  statement: Statement,
  at: Date,
): Promise<string[]> {
  const { log } = settling;
  const heard = { sender: exchange.self, carrier: null, digest: null, state: 'taken', at } as const;
  const entered = enter(exchange, log, statement, heard, await lockDataKey(exchange, trx, log.name));
  await settleCase(exchange, trx, settling);
  const pairs = [...(await tellings(trx, log.name))].filter((pair) => pair.startsWith(`${entered.id} `));
  return pairs.map((pair) => pair.slice(entered.id.length + 1)).sort();
}

/** Why the originator of a partner's reference is told nothing at all. */
export function refuseUnheard({ partners }: Snapshot, issuer: string): Refusal | undefined {
  const partner = partners.get(issuer);
  if (!partner) return refuse('partner-unknown');
  if (partner.state === 'pending') return refuse('partner-pending');
  return partner.policy?.legal === undefined ? refuse('legal-basis-missing') : undefined;
}
