import { INDUSTRY } from '../../domain/policy/industry.ts';
import { decisionsOut } from '../../store/case.ts';
import { ownAtSameAddress } from '../../store/case-linked.ts';
import type { NewEvent } from '../../store/feed.ts';
import { recordEvents, reservePositions } from '../../store/feed.ts';
import { decidedByPerson } from '../../store/held.ts';
import { toldPairs } from '../../store/may-hold.ts';
import { lockReferences } from '../../store/messages.ts';
import type { Trx } from '../../store/open.ts';
import { deliveryInsert } from '../../store/outbox.ts';
import { reviseReferences } from '../../store/references.ts';
import { insertAll } from '../../store/rows.ts';
import type { Exchange } from '../context.ts';
import { heldEvents } from '../decide.ts';
import type { Snapshot } from '../directory.ts';
import { newDelivery } from '../queue.ts';
import type { ReferenceName } from '../record.ts';
import { decideKnown } from '../redecide.ts';

/**
 * Decides again for industry partners, since sending to them is telling the host: what waits in the outbox stays while a hold or
 * a request for clearance is open, and goes when it ends. What a person decided stays as that person decided it, but for a
 * gate. Only an effect that differs is written.
 */
export async function decideHosts(
  exchange: Exchange,
  trx: Trx,
  snapshot: Snapshot,
  name: ReferenceName,
  at: Date,
): Promise<void> {
  const hosts = [...snapshot.partners.values()].filter(({ facts }) => facts.type === INDUSTRY);
  const stored = hosts.length === 0 ? new Map<string, string>() : await decisionsOut(trx, name);
  const concerned = hosts.filter(({ facts }) => stored.has(facts.issuer));
  if (concerned.length === 0) return;
  const [row] = await lockReferences(trx, [name]);
  if (!row) return;
  for (const partner of concerned) {
    const { issuer } = partner.facts;
    const person = (await decidedByPerson(trx, issuer, [row])).get(name.id);
    const [known] = decideKnown(exchange, snapshot, partner, row, at, person);
    if (!known || known.decision.effect === stored.get(issuer)) continue;
    const { decision, reference, urgency } = known;
    await reviseReferences(trx, [], [known.row]);
    if (decision.effect === 'send') {
      const told = await toldPairs(trx, exchange.self, [{ id: name.id, partner: issuer }]);
      if (told.size === 0) {
        const position = await reservePositions(trx, 1);
        const message = { partner: issuer, event: 'submitted', reference, position, at } as const;
        await insertAll(trx, [deliveryInsert([newDelivery(exchange, name, message)])]);
      }
    }
    const made: NewEvent = {
      type: 'decision.made',
      at,
      originator: name.originator,
      reference: name.id,
      partner: issuer,
      body: { effect: decision.effect },
    };
    await recordEvents(trx, [made, ...heldEvents(name, [{ partner: issuer, decision }], at, urgency)]);
  }
}

interface Stop {
  readonly held: boolean | null;
  readonly clearance: string | null;
}

/** Whether something else than before keeps an address from its host. */
export function differs(before: Stop | undefined, now: Stop): boolean {
  const stops = ({ held, clearance }: Stop) => held || clearance === 'refused' || clearance === 'open';
  return Boolean(before && stops(before)) !== Boolean(stops(now));
}

/** Whether anybody here is a host: without one, nothing that keeps an address from its host has to be looked up. */
export function tellsHosts({ partners }: Snapshot): boolean {
  return [...partners.values()].some(({ facts }) => facts.type === INDUSTRY);
}

/** The same of every other own reference to the address: the host that is told of one is told of all. */
export async function decideLinkedHosts(
  exchange: Exchange,
  trx: Trx,
  snapshot: Snapshot,
  name: ReferenceName,
  at: Date,
): Promise<void> {
  if (!tellsHosts(snapshot)) return;
  for (const linked of await ownAtSameAddress(trx, name)) await decideHosts(exchange, trx, snapshot, linked, at);
}
