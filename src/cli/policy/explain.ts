import type { Command } from 'commander';
import { type Cli, type Everywhere, leaf } from '../command.ts';
import { ask, type ValueOf } from '../reach.ts';
import type { Terminal } from '../terminal.ts';

type Explained = ValueOf<'policy.explain'>;
type ExplainedDecision = Explained['decisions'][number];
type Delivery = Explained['deliveries'][number];
type Today = NonNullable<Explained['today']>;

/** `caseref policy explain`. */
export function explainCommand(cli: Cli): Command {
  return leaf('explain', 'tell why a reference was sent to a partner, or not, and what would change that', [
    'caseref policy explain https://node.police-b.example 0b8f…',
    'caseref policy explain https://node.police-b.example 5c1e… --originator https://node.police-b.example',
  ])
    .argument('<issuer>', 'the partner')
    .argument('<reference>', 'id of the reference')
    .option('--originator <issuer>', 'whose reference it is (default: our own)')
    .action(async (issuer: string, id: string, options: Everywhere & { originator?: string }) => {
      cli.end(
        await ask(cli, options, 'policy.explain', { issuer, id, originator: options.originator }, (explained) =>
          printExplained(cli.terminal, explained),
        ),
      );
    });
}

function printExplained(terminal: Terminal, explained: Explained): void {
  const { originator, id, state, revision, partner, partnerName, partnerState, decisions } = explained;
  terminal.fields([
    ['reference', id, 'strong'],
    ['originator', originator],
    ['state', revision === 0 ? state : `${state}, revision ${revision}`],
    ['partner', `${partnerName}, ${partner}`],
    ['partner is', partnerState],
  ]);
  for (const decision of decisions) printDecision(terminal, explained, decision);
  if (decisions.length === 0) printUndecided(terminal, explained);
  terminal.line('');
  for (const line of deliveryLines(explained)) terminal.line(line);
}

function printDecision(terminal: Terminal, explained: Explained, decision: ExplainedDecision): void {
  const { lines, decidedAt, decidedBy, revision, policyVersion, policy, today } = decision;
  terminal.line('');
  for (const line of lines) terminal.line(line);
  const closed = closedSentence(explained.state);
  if (closed !== undefined) terminal.line(closed);
  const when = decidedBy === undefined ? 'Decided' : `Decided by hand (${decidedBy})`;
  terminal.line(`${when} at ${decidedAt} on revision ${revision}, ${versionPhrase(policyVersion, policy)}.`);
  if (today) printToday(terminal, today, policyVersion);
}

/** The trace quotes codes of the content, so it goes where the content goes. */
function closedSentence(state: string): string | undefined {
  if (state === 'purged' || state === 'expired') {
    return `The reference is ${state}: what the rules compared was erased with it, and no policy can be asked about it any more.`;
  }
  if (state === 'sealed' || state === 'restricted') {
    return `The reference is ${state}: what the rules compared is not shown, and no policy is asked about it.`;
  }
  return undefined;
}

function versionPhrase(version: number, policy: ExplainedDecision['policy']): string {
  if (version === 0) return 'without any policy for this partner';
  if (policy === undefined) return `under policy version ${version}, which is no longer kept`;
  const { createdAt, author, approver, activatedAt } = policy;
  const set = `set ${createdAt} ${author === undefined ? 'without an operator key' : `by ${author}`}`;
  const approved = approver === undefined ? '' : `, approved by ${approver}`;
  const force = activatedAt === undefined ? '' : `, in force from ${activatedAt}`;
  return `under policy version ${version} (${set}${approved}${force})`;
}

/** Told where it is another outcome, or another version that says the same. */
function printToday(terminal: Terminal, today: Today, decidedUnder: number): void {
  const { differs, policyVersion, rule, effect, lines } = today;
  if (!differs && policyVersion === decidedUnder) return;
  terminal.line('');
  const version = policyVersion === 0 ? 'no policy' : `policy version ${policyVersion}`;
  if (!differs) {
    terminal.line(`Asked again today, under ${version}, the outcome is the same (${rule}: ${effect}).`);
    return;
  }
  terminal.line(`Today this differs. Asked again now, under ${version} and the denies in force, nothing of it stored:`);
  for (const line of lines) terminal.line(`  ${line}`);
}

function printUndecided(terminal: Terminal, explained: Explained): void {
  const { originator, state, revision, partner, partnerName, partnerAddedAt, storedAt, today } = explained;
  terminal.line('');
  if (revision === 0) {
    terminal.line('Nothing was decided: its originator took it back before it came.');
    return;
  }
  if (
    today === undefined &&
    originator !== partner &&
    closedSentence(state) === undefined &&
    explained.partnerState !== 'removed'
  ) {
    terminal.line(
      `Nothing was decided: it came from ${originator}, and what came from one partner is passed on to no other.`,
    );
    return;
  }
  const why =
    partnerAddedAt > storedAt
      ? `the partner was added ${partnerAddedAt}, after the reference was stored ${storedAt}`
      : 'nothing is stored for this partner';
  terminal.line(`There is no decision: ${why}.`);
  const closed = closedSentence(state);
  if (closed !== undefined) terminal.line(closed);
  if (today === undefined) return;
  terminal.line(`Asked today (nothing of it is stored, and ${partnerName} gets nothing by it):`);
  for (const line of today.lines) terminal.line(`  ${line}`);
}

function deliveryLines({ deliveries, decisions, originator, partner }: Explained): string[] {
  if (deliveries.length > 0) return deliveries.map(deliveryLine);
  if (originator === partner) return ['Nothing about it was sent to this partner but the receipts.'];
  return [
    decisions.some(({ effect }) => effect === 'send')
      ? 'No message about it was made yet.'
      : 'Nothing about it was ever sent to this partner.',
  ];
}

function deliveryLine({ event, revision, state, createdAt, sentAt, attempts, lastCode, receipt }: Delivery): string {
  const what = revision === undefined ? event : `${event}, revision ${revision}`;
  const left = sentAt === undefined ? `made ${createdAt}` : `sent ${sentAt}`;
  if (receipt) {
    const code = receipt.code === undefined ? '' : ` (${receipt.code})`;
    const suspect = receipt.suspect ? ', signed by a key that was lost: ask for it again' : '';
    return `Message ${what}: ${left}; the receipt says ${receipt.outcome}${code} at ${receipt.at}${suspect}.`;
  }
  const cause = lastCode === undefined ? '' : ` (${lastCode})`;
  const tried = attempts === 0 ? 'not tried yet' : `tried ${attempts} times, last answer ${lastCode ?? 'none'}`;
  const standing: Readonly<Record<Delivery['state'], string>> = {
    queued: `it waits to be sent, ${tried}`,
    sent: 'no receipt yet',
    receipted: 'receipted',
    overdue: 'its receipt is overdue',
    dead: `it could not be delivered${cause}`,
    dropped: `it was ended before it arrived${cause}`,
  };
  return `Message ${what}: ${left}; ${standing[state]}.`;
}
