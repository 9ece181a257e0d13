import type { Refusal } from '../../domain/refusal.ts';
import type { Cli } from '../command.ts';
import type { ValueOf } from '../reach.ts';

type Told = ValueOf<'keys.publish'>;

/** What partners were told, one a line. */
export function showTold(cli: Cli, { seq, told, attested }: Told): void {
  cli.terminal.fields([['key set', seq, 'strong']]);
  if (told.length === 0) cli.terminal.say('There is no partner to tell yet.');
  for (const one of told) {
    const how = one.told ? 'told' : 'not reached; it asks for the key set by itself';
    cli.terminal.step(`${one.partner} ${how}`, one.told ? 'good' : 'waiting');
  }
  if (attested > 0) cli.terminal.say(`${attested} messages of the revoked key are said again under a good one.`);
}

/** What partners were told, or, loudly, that they know nothing of `what` yet and how they come to. */
export function showPublication(cli: Cli, publication: Told | { readonly refused: Refusal }, what: string): void {
  if ('refused' in publication) {
    cli.terminal.warn(`${what} Partners do not know of it before you publish. ${publication.refused.message}`);
    cli.terminal.next('Publish it:', [publication.refused.next]);
  } else showTold(cli, publication);
}
