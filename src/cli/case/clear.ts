import type { Command } from 'commander';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Cli } from '../command.ts';
import { instantOption } from '../instant.ts';
import { oneStep, type Said, type Says, say, saying } from './say.ts';

interface ClearOptions extends Says {
  readonly request?: true;
  readonly deadline?: string;
  readonly grant?: true;
  readonly refuse?: true;
}

/** `caseref reference clear`: whether the host may be told. */
export function clearCommand(cli: Cli): Command {
  return saying('clear', 'ask law enforcement whether the host may be told, or answer', [
    '0b8f… --request',
    '0b8f… --request --deadline 2026-11-24T12:00:00Z',
    '0b8f… --grant --originator https://node.hotline-a.example',
    '0b8f… --refuse --told-by "LKA Cybercrime" --channel phone',
  ])
    .option('--request', 'ask')
    .option(
      '--deadline <instant>',
      'until when an answer is waited for (default: by the hours of the desks that are asked)',
    )
    .option('--grant', 'the host may be told')
    .option('--refuse', 'the host must not be told; said late or unasked, it acts as a hold of 30 days')
    .action((id: string, options: ClearOptions) => say(cli, options, { id, name: 'clear' }, clear(cli, options)));
}

function clear(cli: Cli, { request, deadline, grant, refuse: no }: ClearOptions): Said | Refusal {
  const steps = { '--request': request, '--grant': grant, '--refuse': no };
  const unclear = oneStep(steps);
  if (unclear) return unclear;
  if (!request && deadline !== undefined) {
    const next = 'Leave --deadline out, or give it with --request.';
    return refuse('usage-invalid', '/deadline', 'Only a request has a deadline.', next);
  }
  const until = instantOption(cli, deadline, '/deadline');
  if (isRefusal(until)) return until;
  const step = request ? 'requested' : grant ? 'granted' : 'refused';
  return {
    event: 'clearance',
    payload: { step, ...(until !== undefined && { deadline: until }) },
    words: { ...steps, '--deadline': until },
  };
}
