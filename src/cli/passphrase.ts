import { realpath } from 'node:fs/promises';
import { type Secret, secret } from '../config.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { readSecretFile } from '../keys/secret-file.ts';
import type { Cli } from './command.ts';
import { pathOf, unreadable } from './document.ts';
import { askSecret } from './prompt.ts';

/**
 * What opens the key store: CASEREF_PASSPHRASE, or the file that CASEREF_PASSPHRASE_FILE names, or what is typed on a
 * terminal (twice where a key store is made). Never an argument, which every account of the machine can read.
 */
export async function readPassphrase(cli: Cli, { making = false } = {}): Promise<Secret | Refusal> {
  const { passphrase, passphraseFile } = cli.environment;
  if (passphrase !== undefined && passphraseFile !== undefined) {
    const next = 'Set one of them.';
    return refuse('setting-invalid', '', 'CASEREF_PASSPHRASE and CASEREF_PASSPHRASE_FILE are both set.', next);
  }
  if (passphrase !== undefined) return passphrase;
  if (passphraseFile !== undefined) return readPassphraseFile(cli, passphraseFile);
  const typed = await askSecret(cli, making ? 'Passphrase for the new key store: ' : 'Passphrase: ');
  if (typed === undefined || typed === '') {
    const next = 'Set CASEREF_PASSPHRASE_FILE to a file that only you can read, or CASEREF_PASSPHRASE.';
    return refuse('setting-invalid', '', 'The passphrase of the key store is missing.', next);
  }
  if (making && (await askSecret(cli, 'The same again: ')) !== typed) {
    return refuse('usage-invalid', '', 'The two passphrases differ.', 'Type it again.');
  }
  return secret(typed);
}

async function readPassphraseFile(cli: Cli, file: string): Promise<Secret | Refusal> {
  const named = 'CASEREF_PASSPHRASE_FILE';
  try {
    // Orchestrators mount secrets behind links; what counts is who can read the file at their end.
    const text = await readSecretFile(await realpath(pathOf(cli, file)));
    if (isRefusal(text)) return text;
    const value = text?.replace(/\r?\n$/, '');
    if (value) return secret(value);
    return refuse('setting-invalid', '', `${named}: the file is empty.`, 'Write the passphrase on its first line.');
  } catch (failure) {
    const { message } = unreadable(file, failure);
    return refuse('setting-invalid', '', `${named}: ${message}`, 'Name the file that holds the passphrase.');
  }
}
