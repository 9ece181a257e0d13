import { type Refusal, refuse } from '../domain/refusal.ts';

const SHORTEST_PASSPHRASE = 12;

/** Refuses a passphrase that is too short to protect a key file. */
export function checkPassphrase(passphrase: string): Refusal | undefined {
  if (passphrase.length >= SHORTEST_PASSPHRASE) return undefined;
  return refuse(
    'setting-invalid',
    '',
    `The passphrase is shorter than ${SHORTEST_PASSPHRASE} characters.`,
    'Choose a longer one: several words are best.',
  );
}
