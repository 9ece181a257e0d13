import type { Finding } from '../../domain/finding.ts';
import type { Exchange } from '../context.ts';
import { listOperators, listWaiting, type WaitingAct } from '../operators.ts';

/** Whose signatures this node asks for, and what waits for one. */
export interface OperatorStanding {
  readonly active: number;
  readonly enforced: boolean;
  readonly waiting: readonly Pick<WaitingAct, 'act' | 'subject' | 'author' | 'createdAt' | 'approve'>[];
}

export async function readOperators(exchange: Exchange): Promise<OperatorStanding> {
  const { items, enforced } = await listOperators(exchange);
  const waiting = await listWaiting(exchange);
  return { active: items.filter(({ state }) => state === 'active').length, enforced, waiting };
}

/** Whether four eyes are enforced, and every act that waits for its second pair. */
export function examineOperators({ active, enforced, waiting }: OperatorStanding): Finding[] {
  const waits = waiting.map(({ act, subject, author, createdAt, approve }): Finding => {
    const message = `${act} of ${subject} waits for a second operator: signed by ${author} at ${createdAt}.`;
    return { level: 'warn', code: 'act-pending', message, next: approve };
  });
  return [...waits, ...standing(active, enforced)];
}

function standing(active: number, enforced: boolean): Finding[] {
  if (!enforced) {
    const message = `${active === 0 ? 'No operator is' : 'One operator is'} registered: acts are recorded, not enforced.`;
    return [{ level: 'note', code: 'operators-few', message, next: 'caseref operator add NAME' }];
  }
  const message = `${active} operators are registered: acts wait for a second one.`;
  const enough: Finding = { level: 'ok', code: 'operators', message };
  if (active > 2) return [enough];
  const lost =
    'Two operators are registered: when one key is lost, nothing can be approved any more, its removal included.';
  return [
    enough,
    { level: 'note', code: 'operators-spare', message: lost, next: 'Register a third: caseref operator add NAME' },
  ];
}
