import { type ReceiptOutcome, settle } from '../../src/domain/receipt.ts';
import { cameFrom, isHeldAgain, sentTo } from './invariant-deliveries.ts';
import type { Line } from './invariant-line.ts';
import type { DeliveryFact, MessageFact } from './stored-facts.ts';

// Receipts: one first receipt for each message that gets one, later ones only forward, and the same bytes however often.

/** All breaches of how `to` answers what came from `from`, and of what `from` makes of it. */
export function receiptBreaches(line: Line): string[] {
  // What waited when a store was saved is said under another name once that was put back, and the old one says nothing.
  const isRenewed = ({ state, code }: DeliveryFact) => state === 'dropped' && code === 'state-lost';
  const answers = Map.groupBy(
    sentTo({ from: line.to, to: line.from }).filter((one) => one.event === 'receipt' && !isRenewed(one)),
    ({ answers }) => answers ?? '',
  );
  const came = cameFrom(line);
  const known = new Set(came.map(({ jti }) => jti));
  const forgot = line.judging.restored?.has(line.to.issuer) ?? false;
  const unasked = forgot ? [] : [...answers.keys()].filter((jti) => !known.has(jti));
  return [
    ...came.flatMap((message) => answerBreaches(line, message, answers.get(message.jti) ?? [])),
    ...unasked.map((jti) => `${line.to.issuer} answers ${jti}, which never came from ${line.from.issuer}`),
    ...byteBreaches(line),
    ...mismatches(line),
    ...settlementBreaches(line),
  ];
}

function outcomeOf({ payload }: DeliveryFact): ReceiptOutcome | undefined {
  return (payload as { content?: { outcome?: ReceiptOutcome } } | null)?.content?.outcome;
}

function answerBreaches({ from, to }: Line, message: MessageFact, receipts: DeliveryFact[]): string[] {
  const { event, jti, outcome } = message;
  const named = `${event} ${jti} of ${from.issuer}`;
  if (event === 'receipt' || event === 'voided')
    return receipts.length > 0 ? [`${to.issuer} gave a receipt for ${named}, which gets none`] : [];
  if (receipts.length === 0) return [`${to.issuer} took ${named} and has no receipt for it`];
  const said = receipts.map(outcomeOf);
  const backward = said.some((next, at) => {
    const before = said[at - 1];
    return at > 0 && (!before || !next || settle(before, next) !== 'change');
  });
  const says: string[] = [];
  if (backward) says.push(`${to.issuer} answered ${named} more than once: ${said.join(', ')}`);
  if (said.at(-1) !== outcome && !isHeldAgain(to, message))
    says.push(`${to.issuer} says ${said.at(-1)} of ${named} and keeps ${outcome}`);
  return says;
}

/** The sender has the very bytes that the recipient keeps, whether they came once or again. */
function byteBreaches({ from, to }: Line): string[] {
  const stored = new Map(sentTo({ from: to, to: from }).map((one) => [one.jti, one]));
  return cameFrom({ from: to, to: from }).flatMap(({ event, jti, plain }) => {
    const delivery = stored.get(jti);
    // Signed again under another key after a loss, it has other bytes and both digests.
    if (event !== 'receipt' || !delivery || delivery.digests.length !== 1) return [];
    return delivery.plain === plain ? [] : [`receipt ${jti} of ${to.issuer} has other bytes at ${from.issuer}`];
  });
}

function mismatches({ from, to, judging }: Line): string[] {
  if (judging.restored?.has(from.issuer)) return [];
  return from.feed
    .filter(({ type, partner }) => type === 'receipt.mismatched' && partner === to.issuer)
    .map(({ jti, code }) => `${from.issuer} could not place receipt ${jti} of ${to.issuer}: ${code}`);
}

/** What the sender believes is what the recipient keeps; at rest nothing waits for a receipt. */
function settlementBreaches(line: Line): string[] {
  const { from, to, judging } = line;
  const kept = new Map(cameFrom(line).map((one) => [one.jti, one]));
  const given = new Set(sentTo({ from: to, to: from }).map(({ jti }) => jti));
  // What it said in the time that it lost stands at the sender, where a word that goes back is ignored.
  const isForgotten = (receipt: string | null) =>
    judging.restored?.has(to.issuer) === true && receipt !== null && !given.has(receipt);
  return sentTo(line).flatMap(({ jti, event, state, outcome, receipt }) => {
    const message = kept.get(jti);
    const named = `${event} ${jti} to ${to.issuer}`;
    const answered = event !== 'receipt' && event !== 'voided';
    if (state === 'receipted' && !message?.outcome && !judging.restored?.has(to.issuer))
      return [`${from.issuer} has a receipt for ${named}, which ${to.issuer} does not know`];
    if (!judging.atRest || !message || !answered || isHeldAgain(to, message)) return [];
    if (outcome === null) return [`${from.issuer} has no receipt for ${named}, which says ${message.outcome} there`];
    return outcome === message.outcome || isForgotten(receipt)
      ? []
      : [`${from.issuer} believes ${outcome} of ${named}, which is ${message.outcome}`];
  });
}
