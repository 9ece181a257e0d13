import type { Command } from 'commander';
import { codes } from '../../domain/codes.ts';
import { isRefusal, type Refusal } from '../../domain/refusal.ts';
import type { Cli } from '../command.ts';
import { knownCodes } from './codes.ts';
import { handleOption } from './handle.ts';
import { happenedAt, type Said, type Says, say, saying } from './say.ts';

interface AcknowledgeOptions extends Says {
  readonly ownReference?: string;
  readonly at?: string;
}

/** `caseref reference acknowledge`: a human has it. No program gives this command by itself. */
export function acknowledgeCommand(cli: Cli): Command {
  return saying('acknowledge', 'say that a person has it; this does not replace the call', [
    '0b8f…',
    '0b8f… --own-reference own:2026-4711',
  ])
    .option('--own-reference <system:id>', 'the number under which you have it')
    .option('--at <instant>', 'when a person took it (default: now)')
    .action((id: string, options: AcknowledgeOptions) =>
      say(cli, options, { id, name: 'acknowledge' }, acknowledged(cli, options)),
    );
}

function acknowledged(cli: Cli, { ownReference: number, at: text }: AcknowledgeOptions): Said | Refusal {
  const at = happenedAt(cli, text);
  if (isRefusal(at)) return at;
  const ownReference = handleOption(number, '/ownReference');
  if (isRefusal(ownReference)) return ownReference;
  return {
    event: 'acknowledged',
    payload: { at, ...(ownReference && { ownReference }) },
    words: { '--own-reference': number, '--at': at },
  };
}

interface FeedbackOptions extends Says {
  readonly code: string;
  readonly country?: string;
}

/** `caseref reference feedback`: a coarse outcome for the originator. */
export function feedbackCommand(cli: Cli): Command {
  return saying('feedback', 'tell the originator what became of its reference, by a code', [
    '0b8f… --code useful',
    '0b8f… --code forwarded --country NL',
  ])
    .addOption(
      knownCodes(
        '--code <code>',
        'the outcome; investigation-opened and victim-safeguarded by police only',
        codes.feedback,
      ).makeOptionMandatory(),
    )
    .option('--country <cc>', 'with forwarded: where to')
    .action((id: string, options: FeedbackOptions) => {
      const { code, country } = options;
      const payload = { code, ...(country !== undefined && { country }) };
      const said: Said = { event: 'feedback', payload, words: { '--code': code, '--country': country } };
      return say(cli, options, { id, name: 'feedback' }, said);
    });
}
