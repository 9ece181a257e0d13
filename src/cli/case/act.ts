import { type Command, Option } from 'commander';
import { codes } from '../../domain/codes.ts';
import { isRefusal, type Refusal } from '../../domain/refusal.ts';
import type { Cli } from '../command.ts';
import { knownCodes } from './codes.ts';
import { happenedAt, type Said, type Says, say, saying } from './say.ts';

interface ActOptions extends Says {
  readonly action: string;
  readonly reason?: string;
  readonly seenFrom?: string;
  readonly movedTo?: string;
  readonly observed?: true;
  readonly proposed?: true;
  readonly alsoLinked?: boolean;
  readonly at?: string;
}

/** `caseref reference act`: what was done or seen. */
export function actCommand(cli: Cli): Command {
  return saying('act', 'say what was done or seen; only who holds the pen says it as final', [
    '0b8f… --action removed',
    '0b8f… --action removed --observed --seen-from NL',
    '0b8f… --action moved --moved-to FR --at "2026-11-20 10:00"',
    '0b8f… --action not-illegal --reason nudism-or-not-sexualised --proposed',
  ])
    .addOption(knownCodes('--action <code>', 'what was done or seen', codes.action).makeOptionMandatory())
    .addOption(knownCodes('--reason <code>', 'why, or why not', codes.reason))
    .option('--seen-from <cc>', 'the country from which it was looked at')
    .option('--moved-to <cc>', 'where it is hosted now, with moved; another address is another reference')
    .addOption(new Option('--observed', 'a report of fact, which anybody may give').conflicts('proposed'))
    .option('--proposed', 'for the holder of the pen to decide')
    .option(
      '--also-linked',
      'say what is seen there of your other references to the same address too, to each originator',
    )
    .option('--at <instant>', 'when it was done or seen (default: now)')
    .action((id: string, options: ActOptions) => say(cli, options, { id, name: 'act' }, acted(cli, options)));
}

function acted(cli: Cli, options: ActOptions): Said | Refusal {
  const at = happenedAt(cli, options.at);
  if (isRefusal(at)) return at;
  const { action, reason, seenFrom, movedTo, observed, proposed, alsoLinked } = options;
  const standing = observed ? 'observed' : proposed ? 'proposed' : 'final';
  return {
    event: 'acted',
    alsoLinked,
    payload: {
      ...{ action, at, standing },
      ...(reason !== undefined && { reason }),
      ...(seenFrom !== undefined && { seenFrom }),
      ...(movedTo !== undefined && { movedTo }),
    },
    words: {
      ...{ '--action': action, '--reason': reason, '--seen-from': seenFrom, '--moved-to': movedTo },
      ...{ '--observed': observed, '--proposed': proposed, '--at': at },
    },
  };
}
