import { isoInstant } from '../domain/instant.ts';
import { replayLimits } from '../domain/replay.ts';
import { type Cli, type Everywhere, onSameNode, sameNode } from './command.ts';
import type { ValueOf } from './reach.ts';
import type { Tone } from './table.ts';
import type { Field } from './terminal.ts';

type Reconciled = ValueOf<'reconcile'>;
type Replay = Reconciled['theirs']['replays'][number];

const causes: Readonly<Record<string, string>> = {
  'counter-overtaken': 'the partner asked for messages above our own count',
  'receipt-unknown': 'the partner answered for a message that this store does not know',
  'store-restored': 'the store was put back to an older state',
  operator: 'the operator said that the store was put back',
};

const standings: Readonly<Record<string, string>> = {
  queued: 'wait here',
  sent: 'were taken and not answered yet',
  overdue: 'were taken and not answered in time',
  dead: 'were given up',
};

const tones: Readonly<Record<string, Tone>> = { queued: 'waiting', sent: 'plain', overdue: 'bad', dead: 'bad' };

/** Prints a comparison: the verdict first, what a person has to do next, then the figures. */
export function printReconciled(cli: Cli, options: Everywhere, found: Reconciled): void {
  const { terminal } = cli;
  printVerdict(cli, found);
  for (const { urgent, message, next } of found.tasks)
    terminal.verdict(urgent ? 'now' : 'soon', urgent ? 'bad' : 'waiting', message, onSameNode(options, next));
  printRepairs(cli, found);
  terminal.line('');
  terminal.fields([...recoveryFields(found), ...ourFields(found), ...theirFields(found), ...unknownFields(found)]);
  printWithdrawals(cli, found);
  printMissing(cli, found);
  if (found.repairs && !(found.even && found.asOf !== undefined))
    terminal.next('See what came of it:', [`caseref reconcile ${found.partner}${sameNode(options)} --look`]);
}

function printVerdict({ terminal }: Cli, found: Reconciled): void {
  const { partner, state, at } = found;
  const { word, tone, sentence } = verdictOf(found);
  terminal.verdict(word, tone, `${sentence} ${partner} (${state}) at ${at}`);
}

function verdictOf({ even, asOf, tasks, recovery }: Reconciled): { word: string; tone: Tone; sentence: string } {
  if (even && asOf !== undefined)
    return { word: 'EVEN', tone: 'good', sentence: `Nothing differs, as of the round trip at ${asOf}.` };
  if (even)
    return {
      word: 'WAIT',
      tone: 'waiting',
      sentence: 'Nothing differs that this side sees; the partner has not answered a round trip lately.',
    };
  if (tasks.length > 0) return { word: 'LOOK', tone: 'bad', sentence: `${tasks.length} to see to by hand.` };
  const going = recovery?.references === 'veiled' || recovery?.sending === 'stopped';
  const sentence = going ? 'State was lost and is coming back by itself.' : 'What differs is on its way.';
  return { word: 'WAIT', tone: 'waiting', sentence };
}

function printRepairs({ terminal }: Cli, { running, verify, repairs }: Reconciled): void {
  if (!repairs) return;
  const { roundTrip, sentAgain, replays } = repairs;
  const begun = roundTrip.begun
    ? 'a round trip was begun'
    : `a round trip was under way already, since ${roundTrip.since}: no other one was begun`;
  const done = [
    running ? begun : `a round trip waits since ${roundTrip.since}: it goes when a node runs`,
    sentAgain > 0 ? `${sentAgain} unanswered messages go once more, with the same bytes` : undefined,
    replays > 0 ? `a replay of ${replays} of its streams is asked for` : undefined,
  ].filter((part) => part !== undefined);
  const isWhole = running && verify?.outcome === 'accepted';
  terminal.verdict('done', isWhole ? 'good' : 'plain', `${done.join('; ')}.`);
}

function recoveryFields({ recovery, veiled }: Reconciled): Field[] {
  if (!recovery) return [];
  const { because, since, sending, references, waitsFor } = recovery;
  const isStopped = sending === 'stopped';
  const isVeiled = references === 'veiled';
  return [
    ['state lost', `${since}: ${causes[because] ?? because}`],
    ['references to it', isStopped ? 'stopped; receipts and withdrawals go' : 'go', isStopped ? 'bad' : 'good'],
    ['references of it', isVeiled ? `closed (${veiled}) until everything is in` : 'open', isVeiled ? 'bad' : 'good'],
    ...waitsFor.map((what, index): Field => [index === 0 ? 'waits for' : '', what, 'waiting']),
  ];
}

function ourFields({ ours, verify }: Reconciled): Field[] {
  const { epoch, n, formerEpochs, unanswered, receiptsWaiting } = ours;
  const before = formerEpochs === 0 ? '' : `, after ${formerEpochs} that ended`;
  return [
    ['our numbers', n === undefined ? undefined : `up to ${n} in epoch ${epoch}${before}`],
    ...unanswered.map(({ state, count, oldest }): Field => {
      return [
        'our messages',
        `${count} ${standings[state] ?? state}, the oldest since ${oldest}`,
        tones[state] ?? 'plain',
      ];
    }),
    ['receipts waiting', receiptsWaiting > 0 ? receiptsWaiting : undefined, 'waiting'],
    ['round trip', verify && tripWords(verify), verify?.outcome === 'accepted' ? 'good' : 'waiting'],
  ];
}

function tripWords({ state, outcome, code, at, answeredAfterMs }: NonNullable<Reconciled['verify']>): string {
  if (outcome === undefined) return `${state}${code === undefined ? '' : ` (${code})`}, begun ${at}`;
  const took = answeredAfterMs === undefined ? '' : ` after ${(answeredAfterMs / 1000).toFixed(1)} s`;
  return `answered ${outcome}${took}, begun ${at}`;
}

/** How far its numbers are whole is said only where some are missing: the look that raises it comes once a minute. */
function theirFields({ theirs: { streams, missing } }: Reconciled): Field[] {
  return streams.map(({ epoch, upTo, highest, open }): Field => {
    const holes = open > 0 || missing.some((one) => one.epoch === epoch);
    return ['its numbers', `up to ${highest} in epoch ${epoch}${holes ? `, whole up to ${upTo}, ${open} not in` : ''}`];
  });
}

function unknownFields({ unknown }: Reconciled): Field[] {
  if (unknown.receipts === 0) return [];
  return [
    ['unknown here', `${unknown.receipts} messages that it answered for and that this store does not have`],
    ...unknown.closed.map((id): Field => ['closed here', `${id}: it says that we withdrew this`, 'bad']),
    ...unknown.claimed.map((id): Field => ['open here', `${id}: it says that we withdrew this`, 'waiting']),
    ...unknown.strange.map(
      ({ id, outcome, at }): Field => ['not in this store', `${id}: ${outcome} there, ${at}`, 'waiting'],
    ),
  ];
}

function printWithdrawals({ terminal }: Cli, { ours: { withdrawals, withdrawalsUnsettled } }: Reconciled): void {
  if (withdrawals.length === 0) return;
  terminal.line('');
  terminal.line(`Withdrawals of ours that are not settled there: ${withdrawalsUnsettled}`);
  terminal.table(
    [
      { title: 'reference', cell: ({ id }) => id },
      { title: 'stands', cell: ({ outcome }) => outcome },
      { title: 'since', cell: ({ since }) => since },
    ],
    withdrawals,
  );
}

/** A partner is asked every ten minutes at most, whatever is wanted of it. */
function notAsked({ state }: Replay, replays: readonly Replay[]): string {
  const last = Math.max(...replays.map(({ askedAt }) => (askedAt === undefined ? 0 : Date.parse(askedAt))));
  const again = last + replayLimits.everyMs;
  return state === 'wanted' && last > 0 ? `not yet; not before ${isoInstant(again)}` : 'not yet';
}

function printMissing({ terminal }: Cli, { theirs: { missing, replays } }: Reconciled): void {
  if (missing.length > 0) {
    terminal.line('');
    terminal.table(
      [
        { title: 'missing', cell: ({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`) },
        { title: 'epoch', cell: ({ epoch }) => epoch },
        { title: 'since', cell: ({ since }) => since },
      ],
      missing,
    );
  }
  if (replays.length === 0) return;
  terminal.line('');
  terminal.table(
    [
      { title: 'replay from', cell: ({ from, to }) => (to === undefined ? `${from}` : `${from} to ${to}`) },
      { title: 'epoch', cell: ({ epoch }) => epoch },
      { title: 'state', cell: ({ state, code }) => [state, code].filter(Boolean).join(' ') },
      { title: 'asked', cell: (one) => one.askedAt ?? notAsked(one, replays) },
    ],
    replays,
  );
}
