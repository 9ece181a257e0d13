import type { Secret } from '../../config.ts';
import type { Refusal } from '../../domain/refusal.ts';
import type { Cli } from '../command.ts';
import { readPassphrase, readPassphraseOf } from '../passphrase.ts';

/** The passphrase of an identity file: its own where one is set, else that of the node, else what is typed. */
export function readIdentityPassphrase(cli: Cli): Promise<Secret | Refusal> {
  const { identityPassphrase: value, identityPassphraseFile: file, passphrase, passphraseFile } = cli.environment;
  const ofNode = passphrase !== undefined || passphraseFile !== undefined;
  if (value === undefined && file === undefined && ofNode) return readPassphrase(cli);
  return readPassphraseOf(cli, { named: 'CASEREF_IDENTITY_PASSPHRASE', value, file, of: 'the identity key' });
}

/** What the key files are encrypted with from now on; typed twice where it is typed. */
export function readNewPassphrase(cli: Cli): Promise<Secret | Refusal> {
  const { newPassphrase: value, newPassphraseFile: file } = cli.environment;
  return readPassphraseOf(cli, { named: 'CASEREF_NEW_PASSPHRASE', value, file, of: 'the key files', making: true });
}
