import type { Command } from 'commander';
import { codes } from '../../domain/codes.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Cli } from '../command.ts';
import { knownCodes } from './codes.ts';
import { happenedAt, type Said, type Says, say, saying } from './say.ts';

interface AssessOptions extends Says {
  readonly scheme: string;
  readonly schemeVersion?: string;
  readonly code: string;
  readonly law?: string;
  readonly method: string;
  readonly at?: string;
}

const outcomes = {
  iccam: codes.assessmentIccam,
  'ncmec-industry': codes.assessmentNcmecIndustry,
  'uk-sentencing': codes.assessmentUkSentencing,
};
const listedOutcomes = Object.entries(outcomes).map(([scheme, list]) => `${scheme}: ${list.join(', ')}`);

/** `caseref reference assess`: a claim beside those of the others; it overwrites none. */
export function assessCommand(cli: Cli): Command {
  return saying('assess', 'say how you assess the content: a claim beside those of others, which overwrites none', [
    '0b8f… --scheme iccam --code baseline --law DE --method viewed',
    '0b8f… --scheme iccam --code not-illegal --law GB-SCT --method viewed --at 2026-11-20T10:00:00Z',
  ])
    .addOption(
      knownCodes('--scheme <scheme>', 'by which scheme, or national:CC', codes.assessmentScheme).makeOptionMandatory(),
    )
    .requiredOption('--code <code>', `the outcome (${listedOutcomes.join('; ')})`)
    .option('--law <cc>', 'under which law, such as DE or GB-SCT; not-illegal wants one')
    .addOption(knownCodes('--method <code>', 'how it was assessed', codes.assessmentMethod).makeOptionMandatory())
    .option('--scheme-version <version>', 'version of the scheme (default for iccam: 3)')
    .option('--at <instant>', 'when it was assessed (default: now)')
    .action((id: string, options: AssessOptions) => say(cli, options, { id, name: 'assess' }, assessed(cli, options)));
}

function assessed(cli: Cli, options: AssessOptions): Said | Refusal {
  const at = happenedAt(cli, options.at);
  if (isRefusal(at)) return at;
  const { scheme, code, law, method } = options;
  const version = options.schemeVersion ?? (scheme === 'iccam' ? '3' : undefined);
  if (version === undefined) {
    const next = 'Give --scheme-version, as the scheme names it.';
    return refuse('usage-invalid', '/version', 'The version of the scheme is missing.', next);
  }
  const words = {
    ...{ '--scheme': scheme, '--scheme-version': version, '--code': code, '--law': law },
    ...{ '--method': method, '--at': at },
  };
  return {
    event: 'assessed',
    payload: { scheme, version, code, ...(law !== undefined && { law }), method, at },
    words,
  };
}
