import type { Command } from 'commander';
import { codes } from '../../domain/codes.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Cli } from '../command.ts';
import { instantOption } from '../instant.ts';
import { knownCodes } from './codes.ts';
import { oneStep, type Said, type Says, say, saying } from './say.ts';

interface HandoverOptions extends Says {
  readonly offer?: string;
  readonly answerBy?: string;
  readonly accept?: true;
  readonly decline?: string;
  readonly confirm?: true;
  readonly return?: string | true;
}

/** `caseref reference handover`: the pen from one organisation to another, in three steps. */
export function handoverCommand(cli: Cli): Command {
  return saying('handover', 'hand the pen to another organisation: offered, accepted, confirmed by who offered it', [
    '0b8f… --offer https://node.hotline-nl.example',
    '0b8f… --accept --originator https://node.hotline-a.example',
    '0b8f… --decline no-capacity',
    '0b8f… --confirm',
  ])
    .option('--offer <issuer>', 'offer it; unanswered, it lapses after 72 hours and nothing has moved')
    .option('--answer-by <instant>', 'with --offer: until when, if earlier')
    .option('--accept', 'take what was offered')
    .addOption(knownCodes('--decline <code>', 'decline what was offered, and why', codes.handoverDecline))
    .option('--confirm', 'let go of the pen: it was accepted')
    .addOption(knownCodes('--return [code]', 'give it back to who gave it, and why', codes.handoverDecline))
    .action((id: string, options: HandoverOptions) =>
      say(cli, options, { id, name: 'handover' }, handover(cli, options)),
    );
}

function handover(cli: Cli, options: HandoverOptions): Said | Refusal {
  const { offer, accept, decline, confirm, return: back } = options;
  const steps = { '--offer': offer, '--accept': accept, '--decline': decline, '--confirm': confirm, '--return': back };
  const unclear = oneStep(steps);
  if (unclear) return unclear;
  const answerBy = instantOption(cli, options.answerBy, '/answerBy');
  if (isRefusal(answerBy)) return answerBy;
  if (answerBy !== undefined && offer === undefined) {
    const next = 'Give it with --offer, or leave it out.';
    return refuse('usage-invalid', '/answerBy', 'Only an offer waits for an answer.', next);
  }
  return { event: 'handover', payload: step(options, answerBy), words: { ...steps, '--answer-by': answerBy } };
}

function step(
  { offer, accept, decline, confirm, return: back }: HandoverOptions,
  answerBy: string | undefined,
): Said['payload'] {
  if (offer !== undefined) return { step: 'offered', to: offer, ...(answerBy !== undefined && { answerBy }) };
  if (accept) return { step: 'accepted' };
  if (decline !== undefined) return { step: 'declined', code: decline };
  if (confirm) return { step: 'confirmed' };
  return { step: 'returned', ...(typeof back === 'string' && { code: back }) };
}
