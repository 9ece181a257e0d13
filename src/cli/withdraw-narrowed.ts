import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { answerWith, type Cli, type Everywhere, refuseWith, sameNode } from './command.ts';
import type { Exit } from './exit.ts';
import { counted } from './progress.ts';
import { askYes } from './prompt.ts';
import { type ReachedNode, reach } from './reach.ts';

export interface Narrowed {
  readonly partner: string;
  readonly reason: string;
  readonly purge: boolean;
  readonly yes: boolean;
}

type Refused = readonly Refusal[];

interface Row {
  readonly rule: string;
  readonly effect: 'hold' | 'withhold';
  readonly references: number;
}

interface Preview {
  readonly looked: number;
  readonly references: number;
  readonly rows: readonly Row[];
  readonly first: readonly string[];
}

/** Ids that are shown before a person says yes. */
const SHOWN = 5;

/**
 * Takes back, from one partner, what it holds and would not be sent now: shows what that is, asks, then withdraws page by
 * page as one batch. A break leaves the rest for the next call of the same command.
 */
export async function withdrawNoLongerAllowed(cli: Cli, options: Everywhere, wanted: Narrowed): Promise<Exit> {
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    const preview = await lookThrough(cli, node, wanted.partner);
    if (isRefused(preview)) return refuseWith(cli, options, preview);
    const { references } = preview;
    if (references > 0 && !options.json) show(cli, wanted, preview);
    if (references > 0 && !wanted.yes) {
      const unasked = await askFirst(cli, options, wanted, references);
      if (unasked) return refuseWith(cli, options, unasked);
    }
    const done = references === 0 ? { withdrawn: 0 } : await takeBack(cli, node, wanted, preview.looked);
    if (isRefused(done)) return refuseWith(cli, options, done);
    return answerWith(cli, options, { partner: wanted.partner, looked: preview.looked, ...done }, () =>
      report(cli, options, wanted, done),
    );
  } finally {
    await node.close();
  }
}

function isRefused(answer: object): answer is Refused {
  return Array.isArray(answer);
}

async function lookThrough(cli: Cli, node: ReachedNode, partner: string): Promise<Preview | Refused> {
  const progress = cli.terminal.progress({ label: 'looking', unit: 'references' });
  const counts = new Map<string, Row>();
  const first: string[] = [];
  let looked = 0;
  let references = 0;
  let after: string | undefined;
  try {
    do {
      const page = await node.call('reference.no-longer-allowed', { partner, after });
      if (!page.ok) return page.refusals;
      looked += page.value.looked;
      references += page.value.items.length;
      for (const { id, rule, effect } of page.value.items) {
        const name = `${effect} ${rule}`;
        counts.set(name, { rule, effect, references: (counts.get(name)?.references ?? 0) + 1 });
        if (first.length < SHOWN) first.push(id);
      }
      progress.advance(page.value.looked);
      after = page.value.next ?? undefined;
    } while (after !== undefined);
  } finally {
    progress.end();
  }
  const rows = [...counts.values()].sort((a, b) => b.references - a.references);
  return { looked, references, rows, first };
}

function show(cli: Cli, { partner, purge }: Narrowed, { looked, references, rows, first }: Preview): void {
  const { terminal } = cli;
  terminal.say(`${partner} holds ${counted(looked)} of our references; ${counted(references)} would not be sent now:`);
  terminal.table<Row>(
    [
      { title: 'decided by', cell: ({ rule }) => rule },
      { title: 'now', cell: ({ effect }) => effect },
      { title: 'references', cell: (row) => counted(row.references) },
    ],
    rows,
  );
  terminal.say(`First: ${first.join(', ')}${references > first.length ? ' …' : ''}`);
  terminal.say(`It is asked to seal ${purge ? 'and erase ' : ''}them. Other partners keep theirs, and so do we.`);
}

async function askFirst(
  cli: Cli,
  options: Everywhere,
  { partner }: Narrowed,
  references: number,
): Promise<Refusal | undefined> {
  const answer = options.json ? undefined : await askYes(cli, `Withdraw ${counted(references)} from ${partner}?`);
  if (answer === true) return undefined;
  const what = `${counted(references)} references would be withdrawn from ${partner}. Nothing was done.`;
  return refuse('usage-invalid', '/yes', what, 'If that is meant, give --yes.');
}

interface Done {
  readonly withdrawn: number;
  readonly batch?: string;
}

async function takeBack(cli: Cli, node: ReachedNode, wanted: Narrowed, total: number): Promise<Done | Refused> {
  const { partner, reason, purge } = wanted;
  const progress = cli.terminal.progress({ label: 'withdrawing', unit: 'references', total });
  let withdrawn = 0;
  let batch: string | undefined;
  let after: string | undefined;
  try {
    do {
      const page = await node.call('reference.withdraw.no-longer-allowed', { partner, reason, purge, batch, after });
      if (!page.ok) {
        if (withdrawn > 0) cli.terminal.warn(`${counted(withdrawn)} are withdrawn; say it again for the rest.`);
        return page.refusals;
      }
      withdrawn += page.value.withdrawn;
      batch = page.value.batch;
      progress.advance(page.value.looked);
      after = page.value.next ?? undefined;
    } while (after !== undefined);
  } finally {
    progress.end();
  }
  return { withdrawn, ...(batch !== undefined && { batch }) };
}

function report(cli: Cli, options: Everywhere, { partner }: Narrowed, { withdrawn, batch }: Done): void {
  if (batch === undefined) {
    cli.terminal.say(`${partner} holds nothing that it would not be sent now.`);
    return;
  }
  cli.terminal.step(`${counted(withdrawn)} references withdrawn from ${partner} as batch ${batch}.`, 'good');
  cli.terminal.next('Each is complete with its receipt:', [
    `caseref delivery list --partner ${partner}${sameNode(options)}`,
  ]);
}
