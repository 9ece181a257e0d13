import type { Command } from 'commander';
import { isRefusal } from '../../domain/refusal.ts';
import { codeOption } from '../argument.ts';
import { answerWith, type Cli, type Everywhere, leaf, refuseWith, sameNode } from '../command.ts';
import type { Exit } from '../exit.ts';
import { type ReachedNode, reach, type ValueOf } from '../reach.ts';
import { confirmed } from './confirm.ts';
import { type Algorithm, algorithms } from './life.ts';
import { showKey } from './list.ts';
import { showPublication } from './told.ts';

interface RotateOptions extends Everywhere {
  readonly alg?: Algorithm;
  readonly use?: 'sig' | 'enc';
  readonly yes?: boolean;
}

/** `caseref keys rotate`: the whole way from one key to the next. */
export function rotateCommand(cli: Cli): Command {
  return leaf('rotate', 'replace a key: the plan is shown first, the running node carries it out', [
    'caseref keys rotate',
    'caseref keys rotate --use enc --yes',
    'caseref keys rotate --alg ES256 --yes      a first key of an algorithm stands beside the others',
  ])
    .addOption(codeOption('--alg <algorithm>', 'signature algorithm (default: that of the key in use)', algorithms))
    .addOption(codeOption('--use <use>', 'what it is for (default: sig)', ['sig', 'enc']))
    .option('--yes', 'do it')
    .action(async (options: RotateOptions) => {
      const node = await reach(cli, options);
      if (isRefusal(node)) return cli.end(refuseWith(cli, options, node));
      try {
        cli.end(await rotate(cli, options, node));
      } finally {
        await node.close();
      }
    });
}

async function rotate(cli: Cli, options: RotateOptions, node: ReachedNode): Promise<Exit> {
  const wish = { alg: options.alg, use: options.use };
  const planned = await node.call('keys.rotation', wish);
  if (!planned.ok) return refuseWith(cli, options, planned.refusals);
  if (!options.json) showPlan(cli, planned.value);
  else if (!options.yes) cli.terminal.json({ plan: planned.value, done: false });
  const unsure = await confirmed(cli, options, 'This makes and publishes a new key.');
  if (unsure !== undefined) return unsure;
  const begun = await node.call('keys.rotate', wish);
  if (!begun.ok) return refuseWith(cli, options, begun.refusals);
  return answerWith(cli, options, begun.value, (key) => {
    showKey(cli, key);
    showPublication(cli, key.publication, 'The key is made.');
    if (!node.running) {
      const same = sameNode(options);
      const steps = [`caseref serve${same}`, `caseref keys activate ${key.kid}${same}      by hand, once it has begun`];
      cli.terminal.next('No node runs here; the rest is done by one that does, or by hand:', steps);
    }
  });
}

/** The steps in the order in which they come, with their instants. */
function showPlan({ terminal }: Cli, plan: ValueOf<'keys.rotation'>): void {
  const what = plan.use === 'sig' ? `a key that signs messages (${plan.alg})` : 'a key that partners encrypt to';
  const whom = plan.tells.length === 0 ? 'no partner is there to be told' : `told to ${plan.tells.join(', ')}`;
  terminal.say('The plan:');
  terminal.step(`now: ${what} is made`);
  terminal.step(
    plan.publishes ? `now: it is published, ${whom}` : 'then: you publish it from where the identity key is',
    plan.publishes ? 'plain' : 'waiting',
  );
  terminal.step(`${plan.activateAt}: it is activated, if it is published by then`);
  if (plan.replaces === undefined) terminal.say('It replaces no other key.');
  else {
    terminal.step(`${plan.retireAt}: the private part of ${plan.replaces} is destroyed`);
    terminal.step(`${plan.verifiedUntil}: until then at least its public part stays`);
  }
}
