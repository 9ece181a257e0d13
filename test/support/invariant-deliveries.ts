import type { Line } from './invariant-line.ts';
import type { DeliveryFact, FeedFact, MessageFact, StoredFacts } from './stored-facts.ts';

// What one node sent and another one received: the same messages, the same numbers, and nothing while it was stopped.

/** All breaches between what `from` says that it sent and what `to` says that it received. */
export function deliveryBreaches(line: Line): string[] {
  return [...balanceBreaches(line), ...numberBreaches(line), ...suspensionBreaches(line)];
}

const GRACE_MS = 1000;

/** What a node queued for a partner. */
export function sentTo({ from, to }: Pick<Line, 'from' | 'to'>): DeliveryFact[] {
  return from.deliveries.filter(({ partner }) => partner === to.issuer);
}

/** What a node has of a partner. */
export function cameFrom({ from, to }: Pick<Line, 'from' | 'to'>): MessageFact[] {
  return to.messages.filter(({ issuer }) => issuer === from.issuer);
}

/**
 * A withdrawal that was taken, then undone since its key was in doubt, and said again by a suspended partner: it waits for the
 * operator, and the receipt that it had says more.
 */
export function isHeldAgain({ heldWithdrawals }: StoredFacts, { issuer, jti, suspect }: MessageFact): boolean {
  return suspect && heldWithdrawals.some((one) => one.issuer === issuer && one.jti === jti);
}

/** What A sent is what B received and what is outstanding: nothing vanished, nothing appeared, nothing changed on its way. */
function balanceBreaches(line: Line): string[] {
  const { from, to, judging } = line;
  const sent = new Map(sentTo(line).map((one) => [one.jti, one]));
  const came = new Map(cameFrom(line).map((one) => [one.jti, one]));
  const vanished = [...sent.values()].filter(({ jti, state }) => evidence.has(state) && !came.has(jti));
  const unknown = [...came.values()].filter(({ jti }) => !sent.has(jti));
  const waiting = judging.atRest ? [...sent.values()].filter(({ state }) => state === 'queued') : [];
  return [
    ...(judging.restored?.has(to.issuer)
      ? []
      : vanished.map(
          (one) => `${to.issuer} does not have ${one.event} ${one.jti}, which is ${one.state} at ${from.issuer}`,
        )),
    ...(judging.restored?.has(from.issuer)
      ? []
      : unknown.map(({ event, jti }) => `${to.issuer} has ${event} ${jti}, which ${from.issuer} never sent`)),
    ...waiting.map(
      (one) => `${from.issuer} still keeps ${one.event} ${one.jti} for ${to.issuer}: ${one.code ?? 'never tried'}`,
    ),
    ...[...came.values()].flatMap((message) => {
      const delivery = sent.get(message.jti);
      return delivery ? changed(line, delivery, message) : [];
    }),
    ...conflicts(line),
  ];
}

/** A 202, an acknowledgement or a receipt says that the partner has it. */
const evidence: ReadonlySet<string> = new Set(['sent', 'receipted', 'overdue']);

function changed({ from, to, judging }: Line, delivery: DeliveryFact, message: MessageFact): string[] {
  const between = `${message.event} ${message.jti} from ${from.issuer} to ${to.issuer}`;
  const says: string[] = [];
  // A revision of what never got its bytes is the first disclosure, and says so on the wire.
  const isFirst = delivery.event === 'revised' && message.event === 'submitted';
  if (delivery.event !== message.event && !isFirst) says.push(`${between} was sent as ${delivery.event}`);
  if (delivery.n !== message.n || delivery.epoch !== message.epoch)
    says.push(`${between} came as number ${message.n} and was sent as number ${delivery.n}`);
  // Signed under a new key in the time that its sender lost, and under another one since: the payload is the same.
  const isForgotten = judging.restored?.has(from.issuer) && delivery.digests.length > 1;
  if (!isForgotten && !delivery.digests.includes(message.digest))
    says.push(`${between} came with bytes that were never stored`);
  return says;
}

/** Two payloads under one id would be the sender's own doing. */
function conflicts({ from, to }: Line): string[] {
  return to.feed
    .filter(({ type, partner }) => type === 'message.conflict' && partner === from.issuer)
    .map(({ jti }) => `${from.issuer} sent ${to.issuer} two payloads under ${jti}`);
}

/** Numbers: given once and without a hole, voided once, and each of them arrived, voided or outstanding. */
function numberBreaches(line: Line): string[] {
  const { from, to } = line;
  const sent = sentTo(line).filter(({ n }) => n !== null);
  const voids = voidsOf(sentTo(line));
  const streams = Map.groupBy(sent, ({ epoch }) => epoch ?? '');
  return [...streams].flatMap(([epoch, numbered]) => {
    const given = numbered.map(({ n }) => Number(n)).sort((a, b) => a - b);
    const stream = from.streams.find((one) => one.partner === to.issuer && one.epoch === epoch);
    const where = `${from.issuer} to ${to.issuer}`;
    const says = [
      ...given.filter((n, at) => given[at - 1] === n).map((n) => `${where}: number ${n} was given twice`),
      ...holesIn(given, stream?.n ?? given.at(-1) ?? 0).map((n) => `${where}: number ${n} was given to nothing`),
    ];
    const voided = voids.filter((one) => one.epoch === epoch).flatMap(({ numbers }) => numbers);
    const twice = voided.filter((n, at) => voided.indexOf(n) !== at);
    const dropped = numbered.filter(({ state }) => state === 'dropped');
    const silent = dropped.filter(({ n }) => !voided.includes(Number(n)));
    return [
      ...says,
      ...twice.map((n) => `${where}: number ${n} was voided twice`),
      ...silent.map(({ n, jti }) => `${where}: number ${n} (${jti}) was dropped and never voided`),
      ...unheard(line, epoch, numbered),
    ];
  });
}

function holesIn(given: readonly number[], last: number): number[] {
  const known = new Set(given);
  return Array.from({ length: last }, (_, at) => at + 1).filter((n) => !known.has(n));
}

function voidsOf(deliveries: readonly DeliveryFact[]): { epoch: string; numbers: number[] }[] {
  return deliveries
    .filter(({ event, payload, state }) => event === 'voided' && payload !== null && state !== 'dropped')
    .map(({ payload }) => {
      const { epoch, ranges } = payload as { epoch: string; ranges: [number, number][] };
      return {
        epoch,
        numbers: ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at)),
      };
    });
}

/** At rest a number that the recipient waits for is a dead letter, and every other one came or was voided there. */
function unheard(line: Line, epoch: string, numbered: readonly DeliveryFact[]): string[] {
  const { from, to, judging } = line;
  if (!judging.atRest || judging.restored?.has(to.issuer)) return [];
  const came = new Set(
    cameFrom(line)
      .filter((one) => one.epoch === epoch)
      .map(({ n }) => n),
  );
  const runs = to.voided.filter((run) => run.partner === from.issuer && run.epoch === epoch);
  return numbered
    .filter(({ n, state }) => state !== 'dead' && !came.has(n))
    .filter(({ n }) => !runs.some(({ first, last }) => Number(n) >= first && Number(n) <= last))
    .map(
      ({ n, jti, state }) =>
        `${to.issuer} waits for number ${n} of ${from.issuer} (${jti}, ${state}) and was told nothing`,
    );
}

/** What a suspension does not stop (protocol, "Recall"). */
const passesAlways: ReadonlySet<string> = new Set(['receipt', 'withdrawn']);

/** Nothing but receipts and withdrawals to or from a suspended partner, once the suspension is committed. */
function suspensionBreaches(line: Line): string[] {
  const { from, to, judging } = line;
  const grace = judging.graceMs ?? GRACE_MS;
  const came = cameFrom(line).filter(({ event }) => !passesAlways.has(event));
  const sides = [
    { node: from, partner: to.issuer, says: `although ${from.issuer} had suspended it` },
    { node: to, partner: from.issuer, says: `although it had suspended ${from.issuer}` },
  ];
  return sides.flatMap(({ node, partner, says }) =>
    windows(node, partner).flatMap(({ since, until }) =>
      came
        .filter(({ receivedAt }) => receivedAt.getTime() > since + grace && receivedAt.getTime() < until)
        .map(({ event, jti }) => `${to.issuer} took ${event} ${jti} from ${from.issuer} ${says}`),
    ),
  );
}

function windows({ feed }: StoredFacts, partner: string): { since: number; until: number }[] {
  const turns = feed.filter(
    (one: FeedFact) => one.partner === partner && /^partner\.(suspended|resumed)$/.test(one.type),
  );
  return turns.flatMap(({ type, at }, index) =>
    type === 'partner.suspended'
      ? [{ since: at.getTime(), until: turns[index + 1]?.at.getTime() ?? Number.POSITIVE_INFINITY }]
      : [],
  );
}
