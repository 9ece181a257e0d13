import type { Refusal } from '../../domain/refusal.ts';
import { type Cli, type Everywhere, sameNode } from '../command.ts';
import type { ValueOf } from '../reach.ts';

type Told = ValueOf<'keys.publish'>;

/** What partners were told, one a line. */
export function showTold(cli: Cli, { seq, told, attested }: Told): void {
  cli.terminal.fields([['key set', seq, 'strong']]);
  if (told.length === 0) cli.terminal.say('There is no partner to tell yet.');
  showAnswers(cli, told);
  if (attested > 0)
    cli.terminal.say(`${attested} messages of a lost key are said again under a good one, while a node runs.`);
}

/** What each partner answered. A refusal is news; one that is away asks for the key set by itself. */
export function showAnswers({ terminal }: Cli, told: Told['told']): void {
  for (const { partner, refused, unreachable } of told) {
    if (refused === undefined && unreachable === undefined) terminal.step(`${partner} told`, 'good');
    else if (refused === undefined)
      terminal.step(`${partner} not reached (${unreachable}); it asks for the key set by itself`, 'waiting');
    else if (refused === 'invalid_key')
      terminal.step(`REFUSED by ${partner}: it has not confirmed your new identity: call it`, 'bad');
    else terminal.step(`REFUSED by ${partner} (${refused}): call it`, 'bad');
  }
}

/** What partners were told, or, loudly, that they know nothing of `what` yet and how they come to. */
export function showPublication(cli: Cli, publication: Told | { readonly refused: Refusal }, what: string): void {
  if ('refused' in publication) {
    cli.terminal.warn(`${what} Partners do not know of it before you publish. ${publication.refused.message}`);
    cli.terminal.next('Publish it:', [publication.refused.next]);
  } else showTold(cli, publication);
}

/** What is only done by a node that runs. */
export function sayServe(cli: Cli, options: Everywhere, what: string): void {
  cli.terminal.next(`No node runs here; ${what}:`, [`caseref serve${sameNode(options)}`]);
}
