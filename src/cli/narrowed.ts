import { type Cli, type Everywhere, sameNode } from './command.ts';
import { counted } from './progress.ts';

/** What a partner holds and would not be sent now, as the answers to changes tell it. */
interface Told {
  readonly partner: string;
  readonly references: number;
  readonly complete: boolean;
}

/** Says after a change what partners hold that they would not be sent now, and how to take it back; nothing where there is nothing. */
export function sayNoLongerAllowed(
  cli: Cli,
  options: Everywhere,
  found: readonly Told[],
  title = 'To see which, and to take them back from it alone; it asks first:',
): void {
  if (found.length === 0) return;
  for (const { partner, references, complete } of found) {
    const number = `${complete ? '' : 'at least '}${counted(references)} reference${references === 1 ? '' : 's'}`;
    cli.terminal.warn(`${partner} holds ${number} that it would not be sent now.`);
  }
  const [first] = found;
  const partner = found.length === 1 && first ? first.partner : 'ISSUER';
  cli.terminal.next(title, [
    `caseref reference withdraw --partner ${partner} --no-longer-allowed --reason CODE${sameNode(options)}`,
  ]);
}
