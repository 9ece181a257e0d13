import type { JWK } from 'jose';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { lockSecrets, unlockSecrets } from './container.ts';
import { makeKeyPair, type NamedPublicKey } from './key-pair.ts';
import { checkPassphrase } from './passphrase.ts';
import { createSecretFile, readSecretFile } from './secret-file.ts';
import { makeSigner, operatorTypes } from './signers.ts';

interface OperatorSecrets extends NamedPublicKey {
  readonly name: string;
  readonly private: JWK;
}

/** The public part of an operator's key, with the name it was made for. */
export interface OperatorPublicKey extends NamedPublicKey {
  readonly name: string;
}

/** An operator's key, opened. It signs acts of that person (`caseref-approval+jwt`) and nothing else. */
export interface OperatorKey extends OperatorPublicKey {
  /** Compact JWS under the header {alg, typ, kid}; throws on any other `typ`. */
  sign(typ: string, payload: Uint8Array): Promise<string>;
}

/**
 * Makes a key for one operator in a file of its own, mode 0600. Refuses a short passphrase and a file that exists.
 * @param cost work factor of scrypt; lower only in trials
 */
export async function createOperatorKey(
  path: string,
  name: string,
  passphrase: string,
  cost?: number,
): Promise<OperatorPublicKey | Refusal> {
  const short = checkPassphrase(passphrase);
  if (short) return short;
  const { kid, jwk, private: secret } = await makeKeyPair('Ed25519');
  const secrets: OperatorSecrets = { name, kid, alg: 'Ed25519', jwk, private: secret };
  if (await createSecretFile(path, await lockSecrets('operator', secrets, passphrase, cost)))
    return { name, kid, alg: 'Ed25519', jwk };
  return refuse('state-conflict', '', `${path} exists already.`, 'Give another file: keys are never overwritten.');
}

/** Opens an operator's key file; refuses a missing, foreign or lax file and a wrong passphrase. */
export async function openOperatorKey(path: string, passphrase: string): Promise<OperatorKey | Refusal> {
  const text = await readSecretFile(path);
  if (text === undefined)
    return refuse('setting-invalid', '', `${path} is missing.`, 'Give the key file of the operator: --operator FILE.');
  if (isRefusal(text)) return text;
  const opened = await unlockSecrets('operator', text, passphrase);
  if (isRefusal(opened))
    return opened.code === 'passphrase-wrong'
      ? refuse('passphrase-wrong', '', `The passphrase does not open ${path}.`, 'Check CASEREF_OPERATOR_PASSPHRASE.')
      : opened;
  const { name, kid, alg, jwk, private: secret } = opened as OperatorSecrets;
  const { sign } = await makeSigner({ kid, alg, private: secret }, operatorTypes);
  return { name, kid, alg, jwk, sign };
}
