import { isoInstant } from '../domain/instant.ts';
import { caseEventNames } from '../domain/message.ts';
import { isRefusal, refuse } from '../domain/refusal.ts';
import type { Signing } from '../exchange/acts.ts';
import type { ShownCase } from '../exchange/case/case-view.ts';
import { recordStatement, TOLD_BY } from '../exchange/case/say.ts';
import type { Exchange } from '../exchange/context.ts';
import type { ReferenceName } from '../exchange/record.ts';
import { listUnits } from '../exchange/units.ts';
import { pendingAct } from '../store/operators.ts';
import { operation } from './answer.ts';
import { issuer } from './listing.ts';
import { document, type MembersRead, oneOf, optional, text, uuid, yesOrNo } from './members.ts';
import { whoseReference } from './whose.ts';

/** What a call says about a reference. */
export const statementMembers = {
  id: uuid,
  originator: optional(issuer),
  event: oneOf(caseEventNames),
  payload: document,
  alsoLinked: optional(yesOrNo),
  insteadOf: optional(text(64)),
};

/** Records what this node's people say about a reference, with an operator's signature where another party told it. */
export async function sayOf(
  exchange: Exchange,
  { id, originator, ...said }: MembersRead<typeof statementMembers>,
  signing: Signing | undefined,
) {
  // A draft writes nothing, and what nobody else told would be recorded at once.
  if (signing && !('toldBy' in said.payload)) {
    const message = 'Only what another party told is signed.';
    return refuse('usage-invalid', '/signature', message, 'Leave --operator out, or name the party: --told-by UNIT.');
  }
  const whose = await whoseReference(exchange, originator, id);
  return isRefusal(whose) ? whose : recordStatement(exchange, { ...said, id, originator: whose, signing });
}

/**
 * What only this node's own people see beside a case: who they are, the telephones of the units whose words were recorded here, and
 * what a colleague recorded and nobody has confirmed yet.
 */
export async function hereOf(exchange: Exchange, name: ReferenceName, { timeline }: Pick<ShownCase, 'timeline'>) {
  const waiting = await pendingAct(exchange.store.db, [TOLD_BY], `${name.originator} ${name.id}`);
  const named = new Set(timeline.map(({ toldBy }) => toldBy?.unit));
  return {
    node: exchange.self,
    type: exchange.settings.type,
    units: (await listUnits(exchange)).filter((unit) => named.has(unit.name)),
    ...(waiting && {
      unconfirmed: {
        event: String(waiting.document.event),
        author: waiting.author,
        since: isoInstant(waiting.created_at.getTime()),
      },
    }),
  };
}

/** What is read of those whom this node speaks for; what changes their list is signed (act-operations.ts). */
export function caseOperations(exchange: Exchange) {
  return {
    'unit.list': operation({}, async () => ({ items: await listUnits(exchange), next: null })),
  };
}
