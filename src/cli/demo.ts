import { Command } from 'commander';
import type { Cli } from './command.ts';

/** `caseref demo`: the main job on one machine. Loaded when it is called: it brings whole nodes with it. */
export function demoCommand(cli: Cli): Command {
  return new Command('demo')
    .description('show four organisations exchanging references on this machine')
    .option('--once', 'end after the story, with exit code 0 only if every expectation held')
    .action(async (options: { once?: boolean }) => {
      const { demonstrate } = await import('./demo/stage.ts');
      cli.end(await demonstrate(cli, options.once ?? false));
    });
}
