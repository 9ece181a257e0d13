import type { ValueOf } from './reach.ts';
import type { Terminal } from './terminal.ts';

type Suspect = ValueOf<'partner.show'>['suspect'];

/** The newest messages of a partner that may be somebody else's, one a line. */
export function printSuspect(terminal: Terminal, { count, since, items }: Suspect): void {
  if (count === 0) return;
  terminal.line('');
  const more = count > items.length ? `, the newest ${items.length} of them` : '';
  terminal.line(`In doubt: ${count} since ${since}${more}; each clears when the partner says it again.`);
  terminal.table(
    [
      { title: 'suspect message', cell: ({ jti }) => jti },
      { title: 'event', cell: ({ event }) => event },
      { title: 'received', cell: ({ receivedAt }) => receivedAt },
      { title: 'reference', cell: ({ reference }) => reference?.id ?? '' },
    ],
    items,
  );
}
