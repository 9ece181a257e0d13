import { codeOption } from './argument.ts';
import { type Cli, type Everywhere, leaf } from './command.ts';
import { ask } from './reach.ts';

type Switch = 'on' | 'off';
const isOn = (wanted: Switch | undefined) => (wanted === undefined ? undefined : wanted === 'on');

interface CareOptions extends Everywhere {
  readonly agency: string;
  readonly unit: string;
  readonly breakHint?: Switch;
  readonly exposureNote?: Switch;
}

/** `caseref liaison care`: what the portal says to a unit for its own sake. */
export function careForUnit(cli: Cli) {
  return leaf('care', 'show or switch what a unit is told for its own sake: a break hint, and its own exposure', [
    "caseref liaison care --agency 'Police B' --unit 'Child protection'",
    "caseref liaison care --agency 'Police B' --unit 'Child protection' --break-hint off",
  ])
    .requiredOption('--agency <agency>', 'agency of the unit')
    .requiredOption('--unit <unit>', 'unit within it')
    .addOption(codeOption('--break-hint <on|off>', 'a word about a break after many cases in an hour', ['on', 'off']))
    .addOption(codeOption('--exposure-note <on|off>', 'one’s own count of what one has looked at', ['on', 'off']))
    .action(async ({ agency, unit, breakHint, exposureNote, ...options }: CareOptions) => {
      const given = { agency, unit, breakHint: isOn(breakHint), exposureNote: isOn(exposureNote) };
      cli.end(
        await ask(cli, options, 'liaison.care', given, (care) => {
          const said = (on: boolean) => (on ? 'on' : 'off');
          cli.terminal.fields([
            ['unit', `${care.agency}, ${care.unit}`, 'strong'],
            ['break hint', said(care.breakHint)],
            ['exposure note', said(care.exposureNote)],
          ]);
        }),
      );
    });
}

/** `caseref liaison counts`: what an originator may be told of looks at its cases. */
export function countLooks(cli: Cli) {
  return leaf('counts', 'say how often cases of an originator were looked at: day, country and count, and no more', [
    'caseref liaison counts https://node.hotline-b.example',
    'caseref liaison counts https://node.hotline-b.example --since 2026-11-01 --json',
  ])
    .argument('<issuer>', 'the originator')
    .option('--since <date>', 'from this day on, in UTC (default: 90 days ago)')
    .action(async (originator: string, { since, ...options }: Everywhere & { readonly since?: string }) => {
      cli.end(
        await ask(cli, options, 'liaison.counts', { originator, since }, ({ since: from, items }) => {
          if (items.length === 0) return cli.terminal.say(`Nobody has looked at a case of theirs since ${from}.`);
          cli.terminal.table(
            [
              { title: 'day', cell: ({ day }) => day },
              { title: 'country', cell: ({ country }) => country },
              { title: 'looks', cell: ({ count }) => String(count) },
            ],
            items,
          );
          cli.terminal.say('This is all that may be told: nothing of who, which unit or which case.');
        }),
      );
    });
}
