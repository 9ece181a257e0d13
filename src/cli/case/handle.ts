import type { Handle } from '../../domain/contract.types.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';

/** `SYSTEM:ID`; the system of a country has a colon of its own: `national:DE:4711`. */
const form = /^(national:[^:]+|[^:]+):(.+)$/;

/** Reads a case number with its system, where one is given. Whether it may be carried is for the node to say. */
export function handleOption(text: string | undefined, pointer: string): Handle | undefined | Refusal {
  if (text === undefined) return undefined;
  const [, system, id] = form.exec(text) ?? [];
  if (system !== undefined && id !== undefined) return { system, id };
  const next = 'Write it with its system, such as own:4711, iccam:4711 or national:DE:4711.';
  return refuse('usage-invalid', pointer, 'The number names no system.', next);
}
