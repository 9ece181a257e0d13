import type { Command } from 'commander';
import { codes } from '../../domain/codes.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Cli } from '../command.ts';
import { instantOption } from '../instant.ts';
import { knownCodes } from './codes.ts';
import { type Said, type Says, say, saying } from './say.ts';

interface HoldOptions extends Says {
  readonly until?: string;
  readonly review?: string;
  readonly ground?: string;
  readonly authority?: string;
  readonly lift?: true;
}

/** `caseref reference hold`: police ask that the host is not told yet. */
export function holdCommand(cli: Cli): Command {
  return saying('hold', 'ask, as law enforcement, that the host is not told yet; a hold ends by itself', [
    '0b8f… --until 2026-12-10 --ground investigation --authority prosecutor',
    '0b8f… --lift',
    '0b8f… --until 2026-12-10 --ground victim-safety --authority police --told-by "LKA Cybercrime" --channel phone --their-reference national:DE:4711',
  ])
    .option('--until <instant>', 'when it ends: at most 30 days ahead, 90 in sum')
    .option('--review <instant>', 'when you look at it again; not after its end')
    .addOption(knownCodes('--ground <code>', 'why', codes.holdGround))
    .addOption(knownCodes('--authority <code>', 'who ordered it', codes.holdAuthority))
    .option('--lift', 'end every hold that the same desk placed')
    .action((id: string, options: HoldOptions) => say(cli, options, { id, name: 'hold' }, hold(cli, options)));
}

function hold(cli: Cli, options: HoldOptions): Said | Refusal {
  const { until, review, ground, authority, lift } = options;
  const placing = [until, review, ground, authority].some((given) => given !== undefined);
  if (lift && placing) {
    const next = 'Give --lift alone, or --until, --ground and --authority.';
    return refuse('usage-invalid', '/step', 'A hold is placed or lifted.', next);
  }
  if (lift) return { event: 'hold', payload: { step: 'lifted' }, words: { '--lift': true } };
  for (const [flag, given] of Object.entries({ until, ground, authority })) {
    if (given !== undefined) continue;
    const next = 'Give --until, --ground and --authority; or --lift, to end one.';
    return refuse('usage-invalid', `/${flag}`, `A hold says --${flag}.`, next);
  }
  const end = instantOption(cli, until, '/until');
  if (isRefusal(end)) return end;
  const looked = instantOption(cli, review, '/review');
  if (isRefusal(looked)) return looked;
  return {
    event: 'hold',
    payload: { step: 'placed', until: end, ...(looked !== undefined && { review: looked }), ground, authority },
    words: { '--until': end, '--review': looked, '--ground': ground, '--authority': authority },
  };
}
