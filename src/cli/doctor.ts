import type { Command } from 'commander';
import { dataDirectory, type NodeSettings, readNodeSettings, settle } from '../config.ts';
import type { Finding } from '../domain/finding.ts';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { type Cli, type Everywhere, leaf, onSameNode, refuseWith } from './command.ts';
import { type Exit, exit } from './exit.ts';
import { ask, reach, type ValueOf } from './reach.ts';
import type { Tone } from './table.ts';

type Report = ValueOf<'doctor'>;

/** `caseref doctor`: what is wrong with this node, what is wrong first. */
export function doctorCommand(cli: Cli): Command {
  return leaf('doctor', 'examine the node, its partners and its alerts; exit 1 when something needs a person', [
    'caseref doctor',
    'caseref doctor --json',
    'caseref doctor --close ID     an alert that somebody has seen to',
  ])
    .option('--close <id>', 'close this alert instead of examining')
    .action(async ({ close, ...options }: Everywhere & { close?: string }) => {
      cli.end(close === undefined ? await examine(cli, options) : await closeAlert(cli, options, close));
    });
}

function closeAlert(cli: Cli, options: Everywhere, id: string): Promise<Exit> {
  return ask(cli, options, 'alert.close', { id }, () => cli.terminal.step(`The alert ${id} is closed.`, 'good'));
}

async function examine(cli: Cli, options: Everywhere): Promise<Exit> {
  const dataDir = dataDirectory(cli.environment, options.data);
  if (isRefusal(dataDir)) return refuseWith(cli, options, dataDir);
  const settings = await readNodeSettings(dataDir);
  if (isRefusal(settings) && settings.pointer === '') return refuseWith(cli, options, settings);
  const node = await reach(cli, options);
  if (isRefusal(node)) return print(cli, options, await reportClosed(cli, dataDir, settings, node));
  try {
    const answer = await node.call('doctor', {});
    return answer.ok ? print(cli, options, answer.value) : refuseWith(cli, options, answer.refusals);
  } finally {
    await node.close();
  }
}

/** What can be said of a node that cannot be opened: why, and what its files and settings show. */
async function reportClosed(
  cli: Cli,
  dataDir: string,
  settings: NodeSettings | Refusal,
  why: Refusal,
): Promise<Report> {
  const { examineConfiguration } = await import('../exchange/doctor/configuration.ts');
  const { examineFiles } = await import('../exchange/doctor/files.ts');
  const { reportOf } = await import('../exchange/doctor/examine.ts');
  const run = isRefusal(settings) ? settings : settle(cli.environment, settings);
  const configuration = isRefusal(settings) || isRefusal(run) ? [] : await examineConfiguration(settings, run);
  const { code, message, next } = why;
  // The refusal may be about one of the files: nobody wants to read it twice.
  const files = (await examineFiles(dataDir)).filter((one) => one.next === undefined || !next.includes(one.next));
  const closed: Finding = { level: 'bad', code, message: `The node cannot be opened: ${message}`, next };
  const issuer = isRefusal(settings) ? '' : settings.issuer;
  return reportOf([closed, ...configuration, ...files], { issuer, running: false, now: Date.now() });
}

const tones: Readonly<Record<Finding['level'], Tone>> = { bad: 'bad', warn: 'waiting', note: 'plain', ok: 'good' };

function print(cli: Cli, options: Everywhere, report: Report): Exit {
  if (options.json) cli.terminal.json(report);
  else printReport(cli, options, report);
  return report.well ? exit.done : exit.refused;
}

function printReport({ terminal }: Cli, options: Everywhere, { issuer, at, well, counts, findings }: Report): void {
  const { bad, warn, note, ok } = counts;
  const sum = well ? 'All is well' : `${bad} to see to now, ${warn} soon`;
  terminal.verdict(
    well ? 'WELL' : 'LOOK',
    well ? 'good' : 'bad',
    `${sum}. ${ok} in order, ${note} to know. ${issuer} at ${at}`,
  );
  for (const { level, message, next } of findings)
    terminal.verdict(level, tones[level], message, onSameNode(options, next));
}
