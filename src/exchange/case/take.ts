import type { Statement } from '../../domain/authority/statement.ts';
import type { CaseEventName } from '../../domain/message.ts';
import { isIndustryForm } from '../../domain/policy/industry.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import { tellings } from '../../store/case.ts';
import type { Trx } from '../../store/open.ts';
import type { Exchange } from '../context.ts';
import { denyOf } from '../decide.ts';
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

/**
 * Why the originator of a partner's reference is told nothing at all. An organisation-wide deny stops what is said about a reference as it
 * would stop the reference, and where it cannot be told whether it applies: what police make of it is not for everybody who reported it.
 */
export function refuseUnheard(
  snapshot: Snapshot,
  issuer: string,
  { event, content, now }: { readonly event: CaseEventName; readonly content: ReferenceContent; readonly now: number },
): Refusal | undefined {
  const partner = snapshot.partners.get(issuer);
  if (!partner) return refuse('partner-unknown');
  if (partner.state === 'pending') return refuse('partner-pending');
  if (partner.policy?.legal === undefined) return refuse('legal-basis-missing');
  // That a person has an emergency tells nothing but that.
  if (event === 'acknowledged' || isIndustryForm(content)) return undefined;
  const deny = denyOf(snapshot, partner, content, now);
  if (deny === undefined) return undefined;
  const message = `The organisation-wide deny ${deny} keeps what is said about this reference from its originator.`;
  return refuse(
    'policy-refused',
    '',
    message,
    'Nothing was recorded. No rule overrides a deny: caseref policy deny list.',
  );
}
