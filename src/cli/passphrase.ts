import { realpath } from 'node:fs/promises';
import { type Secret, secret } from '../config.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { readSecretFile } from '../keys/secret-file.ts';
import type { Cli } from './command.ts';
import { pathOf, unreadable } from './document.ts';
import { askSecret } from './prompt.ts';

/** Where a passphrase comes from: never an argument, which every account of the machine can read. */
export interface PassphraseSource {
  /** The variable, without and with `_FILE` behind it. */
  readonly named: string;
  readonly value: Secret | undefined;
  readonly file: string | undefined;
  /** What it opens, as it is asked for on a terminal. */
  readonly of: string;
  /** It is chosen now, and therefore typed twice. */
  readonly making?: boolean;
}

/**
 * What opens the key store: CASEREF_PASSPHRASE, or the file that CASEREF_PASSPHRASE_FILE names, or what is typed on a
 * terminal (twice where a key store is made).
 */
export function readPassphrase(cli: Cli, { making = false } = {}): Promise<Secret | Refusal> {
  const { passphrase: value, passphraseFile: file } = cli.environment;
  return readPassphraseOf(cli, { named: 'CASEREF_PASSPHRASE', value, file, of: 'the key store', making });
}

/** A passphrase from the environment, from a file that the environment names, or from a terminal. */
export async function readPassphraseOf(cli: Cli, source: PassphraseSource): Promise<Secret | Refusal> {
  const { named, value, file, of, making = false } = source;
  if (value !== undefined && file !== undefined)
    return refuse('setting-invalid', '', `${named} and ${named}_FILE are both set.`, 'Set one of them.');
  if (value !== undefined) return value;
  if (file !== undefined) return readPassphraseFile(cli, `${named}_FILE`, file);
  const typed = await askSecret(cli, making ? `Passphrase for ${of}, new: ` : `Passphrase of ${of}: `);
  if (typed === undefined || typed === '') {
    const next = `Set ${named}_FILE to a file that only you can read, or ${named}.`;
    return refuse('setting-invalid', '', `The passphrase of ${of} is missing.`, next);
  }
  if (making && (await askSecret(cli, 'The same again: ')) !== typed) {
    return refuse('usage-invalid', '', 'The two passphrases differ.', 'Type it again.');
  }
  return secret(typed);
}

async function readPassphraseFile(cli: Cli, named: string, file: string): Promise<Secret | Refusal> {
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
