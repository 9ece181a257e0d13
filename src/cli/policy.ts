import type { Command } from 'commander';
import { type Cli, group } from './command.ts';
import { denyCommand } from './deny.ts';
import { approveCommand } from './policy/approve.ts';
import { checkCommand } from './policy/check.ts';
import { explainCommand } from './policy/explain.ts';
import { setCommand } from './policy/set.ts';
import { showCommand } from './policy/show.ts';
import { simulateCommand } from './policy/simulate.ts';

/** `caseref policy`: what goes to a partner and what is taken from it. */
export function policyCommand(cli: Cli): Command {
  return group('policy', 'set, check, try and explain the policies of partners', [
    setCommand(cli),
    showCommand(cli),
    checkCommand(cli),
    approveCommand(cli),
    explainCommand(cli),
    simulateCommand(cli),
    denyCommand(cli),
  ]);
}
