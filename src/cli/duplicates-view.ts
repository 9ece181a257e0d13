import type { DuplicatesFound } from '../exchange/duplicates.ts';
import type { Terminal } from './terminal.ts';

type Duplicate = DuplicatesFound['duplicates'][number];

const matches = { known: 'this address', possible: 'this address but for its fragment', related: 'this host' } as const;

/** What is known of an address before work starts: other references to it, and who else holds its pen. */
export function printDuplicates(terminal: Terminal, { duplicates, duplicateAnswer }: DuplicatesFound): void {
  const { answer, rule, sameHost, penConflict } = duplicateAnswer;
  for (const one of duplicates) terminal.warn(duplicateWords(one));
  if (answer === 'new') terminal.say(`Nothing is known of this address or its host (new, by rule ${rule}).`);
  else terminal.say(`The address is ${answer}, by rule ${rule}.`);
  if (sameHost.more) terminal.say(`Its host has ${sameHost.count} references or more.`);
  if (penConflict.length > 0)
    terminal.warn(`The pen for this address is held by ${penConflict.join(' and ')}: agree who acts.`);
}

function duplicateWords({ originator, id, match, state, open, lastSeenOnline: seen, recurrence }: Duplicate): string {
  const said = [
    `${match}: ${originator} has ${id} (${open ? state : `${state}, closed`}) for ${matches[match]}`,
    seen && `last seen online at ${seen.at} by ${seen.by}`,
    recurrence && `removed ${times(recurrence.removals)} and reappeared ${times(recurrence.reappearances)}`,
  ];
  return `${said.filter(Boolean).join(', ')}; that closes and lowers nothing.`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
