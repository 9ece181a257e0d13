import { cameFrom, sentTo } from './invariant-deliveries.ts';
import type { Line } from './invariant-line.ts';
import type { DeliveryFact, MessageFact, ReferenceFact } from './stored-facts.ts';

// References: each message one effect, what was accepted was decided, the newest revision is the one that is held, and what was
// taken back is gone.

/** All breaches of what `to` holds of `from`. */
export function referenceBreaches(line: Line): string[] {
  const held = new Map(
    line.to.references.filter(({ originator }) => originator === line.from.issuer).map((one) => [one.id, one]),
  );
  return [
    ...effectBreaches(line, held),
    ...decisionBreaches(line),
    ...revisionBreaches(line, held),
    ...withdrawalBreaches(line, held),
  ];
}

type Held = ReadonlyMap<string, ReferenceFact>;

const closed: ReadonlySet<string> = new Set(['sealed', 'restricted', 'purged', 'expired']);

function carries({ event }: { readonly event: string }): boolean {
  return event === 'submitted' || event === 'revised';
}

/** Each message has one effect, and each reference arrives once. */
function effectBreaches(line: Line, held: Held): string[] {
  const { from, to } = line;
  const came = cameFrom(line).filter(carries);
  const doubted = new Set(came.filter(({ suspect }) => suspect).map(({ reference }) => reference));
  const told = to.feed.filter(({ originator, reference }) => originator === from.issuer && !doubted.has(reference));
  const byMessage = Map.groupBy(told, ({ partner, jti }) => (partner === null ? '' : `${jti}`));
  const arrivals = Map.groupBy(
    told.filter(({ type }) => type === 'reference.received'),
    ({ reference }) => reference,
  );
  const brought = [...held.values()].flatMap(({ broughtBy }) => broughtBy);
  return [
    ...[...byMessage].flatMap(([jti, events]) =>
      jti !== '' && events.length > 1
        ? [`${to.issuer} was moved ${events.length} times by ${jti} of ${from.issuer}`]
        : [],
    ),
    ...[...arrivals].flatMap(([id, events]) =>
      events.length > 1 ? [`${to.issuer} received ${id} of ${from.issuer} ${events.length} times`] : [],
    ),
    ...brought
      .filter((jti, at) => brought.indexOf(jti) !== at)
      .map((jti) => `${jti} of ${from.issuer} brought ${to.issuer} more than one revision`),
    ...came
      .filter(({ outcome, reference }) => outcome === 'accepted' && !held.has(reference ?? ''))
      .map(({ jti, reference }) => `${to.issuer} accepted ${jti} and does not hold ${reference} of ${from.issuer}`),
  ];
}

/** What was accepted was decided to be sent: the decision is stored, for that revision or a later one. */
function decisionBreaches(line: Line): string[] {
  const { from, to, judging } = line;
  if (judging.restored?.has(from.issuer)) return [];
  const decisions = new Map(
    from.decisions.filter(({ partner }) => partner === to.issuer).map((one) => [`${one.originator} ${one.id}`, one]),
  );
  const own = new Map(from.references.filter(({ direction }) => direction === 'out').map((one) => [one.id, one]));
  const sent = sentTo(line);
  return cameFrom(line).flatMap((message) => {
    const { jti, reference, revision } = message;
    if (!carries(message) || message.outcome !== 'accepted') return [];
    const decision = decisions.get(`${from.issuer} ${reference}`);
    const named = `${jti}, which ${to.issuer} accepted`;
    if (!decision) return [`${from.issuer} has no decision for ${named}`];
    if (decision.revision < (revision ?? 0))
      return [`${from.issuer} decided revision ${decision.revision} only, not that of ${named}`];
    const isStill =
      decision.effect === 'send' || decision.effect === 'hold' || closed.has(own.get(decision.id)?.state ?? '');
    if (isStill || sent.some((one) => one.event === 'withdrawn' && one.reference === reference)) return [];
    return [`${from.issuer} decided ${decision.effect} for ${named}, and did not take it back`];
  });
}

/** Nobody holds what was not sent, nor more than was sent; at rest everybody holds the newest that it took. */
function revisionBreaches(line: Line, held: Held): string[] {
  const { from, to, judging } = line;
  const sent = sentTo(line).filter(carries);
  const taken = new Map(
    cameFrom(line)
      .filter(carries)
      .map((one) => [one.jti, one]),
  );
  const newest = (deliveries: readonly DeliveryFact[], of: string) =>
    Math.max(0, ...deliveries.filter(({ reference }) => reference === of).map(({ revision }) => revision ?? 0));
  const accepted = sent.filter(({ jti }) => /^(accepted|held)$/.test(taken.get(jti)?.outcome ?? ''));
  const open = [...held.values()].filter(({ state }) => !closed.has(state));
  const tooNew = judging.restored?.has(from.issuer)
    ? []
    : open.filter(({ id, revision }) => revision > newest(sent, id));
  const behind = open.filter(({ id, revision }) => revision < newest(accepted, id));
  return [
    ...tooNew.map(
      ({ id, revision }) => `${to.issuer} holds revision ${revision} of ${id}, which ${from.issuer} never sent`,
    ),
    ...behind.map(
      ({ id, revision }) =>
        `${to.issuer} holds revision ${revision} of ${id} and took revision ${newest(accepted, id)}`,
    ),
    ...(judging.atRest ? undelivered(line, held, sent) : []),
  ];
}

/** At rest what is decided to be sent was sent, at the revision of the decision or one that says the same. */
function undelivered({ from, to }: Line, held: Held, sent: readonly DeliveryFact[]): string[] {
  const own = new Map(from.references.filter(({ direction }) => direction === 'out').map((one) => [one.id, one]));
  const isActive = from.partners.some(({ issuer, state }) => issuer === to.issuer && state === 'active');
  return from.decisions.flatMap(({ originator, id, partner, effect, revision }) => {
    const reference = own.get(id);
    if (partner !== to.issuer || originator !== from.issuer || effect !== 'send' || !isActive) return [];
    if (!reference || closed.has(reference.state)) return [];
    const going = sent.filter((one) => one.reference === id && one.state !== 'dropped');
    const last = going.at(-1);
    if (!last) return [`${from.issuer} decided to send ${id} to ${to.issuer}, and nothing is sent or waits`];
    if (last.state !== 'receipted' || last.outcome === 'refused') return [];
    const there = held.get(id);
    if (!there) return [`${from.issuer} has a receipt for ${id}, which ${to.issuer} does not hold`];
    if (closed.has(there.state) || there.revision >= (last.revision ?? 0)) return [];
    return [
      `${to.issuer} holds revision ${there.revision} of ${id}, ${from.issuer} sent ${last.revision} and decided ${revision}`,
    ];
  });
}

/** Each withdrawal is settled as it was asked, or a person was told; what it named shows nowhere. */
function withdrawalBreaches(line: Line, held: Held): string[] {
  const { from, judging } = line;
  const sent = sentTo(line).filter(({ event, state }) => event === 'withdrawn' && state !== 'dropped');
  const came = cameFrom(line).filter(({ event }) => event === 'withdrawn');
  return [
    ...came.flatMap((message) => shownBreaches(line, message, held)),
    ...(judging.atRest && !judging.restored?.has(from.issuer) ? sent.flatMap((one) => unsettled(line, one, held)) : []),
  ];
}

const settled: ReadonlySet<string> = new Set(['sealed', 'purged', 'retained']);

/** Once a withdrawal was taken its reference is out of every face, and once it is purged nothing can open it. */
function shownBreaches({ from, to }: Line, { jti, outcome, reference, suspect }: MessageFact, held: Held): string[] {
  if (suspect || !settled.has(outcome ?? '')) return [];
  const there = held.get(reference ?? '');
  const named = `${reference} of ${from.issuer}, withdrawn by ${jti}`;
  if (!there) return [`${to.issuer} has no tombstone of ${named}`];
  if (!closed.has(there.state)) return [`${to.issuer} still shows ${named}: it is ${there.state}`];
  if (outcome !== 'purged') return [];
  if (there.state !== 'purged' && there.state !== 'expired')
    return [`${to.issuer} says purged of ${named}, which is ${there.state}`];
  return there.hasKey || there.hasIndex ? [`${to.issuer} says purged of ${named}, and can still open or find it`] : [];
}

function unsettled(line: Line, { jti, reference, state, outcome, payload }: DeliveryFact, held: Held): string[] {
  const { from, to } = line;
  const named = `withdrawal ${jti} of ${reference} by ${from.issuer} at ${to.issuer}`;
  if (state === 'dead') return alerted(line, 'from', 'dead-letter') ? [] : [`${named} is dead and nobody was told`];
  if (state === 'overdue')
    return alerted(line, 'from', 'receipt-overdue') ? [] : [`${named} is overdue and nobody was told`];
  if (state !== 'receipted') return [`${named} has no receipt: it is ${state}`];
  const isWaiting = to.heldWithdrawals.some((one) => one.issuer === from.issuer && one.jti === jti);
  if (outcome === 'held' || isWaiting) {
    return isWaiting && alerted(line, 'to', 'withdrawals-held') ? [] : [`${named} is held and nobody was told`];
  }
  if (outcome === 'refused')
    return alerted(line, 'from', 'receipt-refused') ? [] : [`${named} was refused and nobody was told`];
  if (!settled.has(outcome ?? '')) return [`${named} was answered ${outcome}`];
  const asked = (payload as { purge?: boolean } | null)?.purge === true;
  const there = held.get(reference ?? '');
  const waits = there?.state === 'restricted' || there?.purgeAfter !== null;
  return asked && outcome === 'sealed' && !waits ? [`${named} asked for an erasure that nobody will make`] : [];
}

function alerted({ from, to }: Line, where: 'from' | 'to', code: string): boolean {
  const [node, partner] = where === 'from' ? [from, to.issuer] : [to, from.issuer];
  return node.alerts.some((one) => one.code === code && (one.partner === partner || one.partner === ''));
}
