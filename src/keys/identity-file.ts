import { randomBytes } from 'node:crypto';
import { access, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JWK } from 'jose';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import type { Signer } from '../domain/secrets.ts';
import { lockSecrets, unlockSecrets } from './container.ts';
import { makeKeyPair, type NamedPublicKey } from './key-pair.ts';
import { readSecretFile, writeSecretFile } from './secret-file.ts';
import { identityTypes, makeSigner } from './signers.ts';

interface IdentitySecrets extends NamedPublicKey {
  readonly private: JWK;
}

/** An identity key as read from its file just now: it is not kept. */
export interface OpenedIdentity {
  readonly public: NamedPublicKey;
  /** Signs key sets and peer cards only. */
  readonly signer: Signer;
}

export async function openIdentityFile(
  path: string,
  passphrase: string,
): Promise<OpenedIdentity | undefined | Refusal> {
  const text = await readSecretFile(path);
  if (text === undefined || isRefusal(text)) return text;
  const opened = await unlockSecrets('identity', text, passphrase);
  if (isRefusal(opened) && opened.code === 'passphrase-wrong')
    return { ...opened, next: `Check the passphrase of ${path}: it may have one of its own.` };
  if (isRefusal(opened)) return opened;
  const { kid, alg, jwk, private: secret } = opened as IdentitySecrets;
  return { public: { kid, alg, jwk }, signer: await makeSigner({ kid, alg, private: secret }, identityTypes) };
}

/** A new identity key and the text of its file, to be written by the caller. */
export async function makeIdentity(
  passphrase: string,
  cost: number | undefined,
): Promise<{ readonly identity: NamedPublicKey; readonly text: string }> {
  const { kid, jwk, private: secret } = await makeKeyPair('Ed25519');
  const identity: NamedPublicKey = { kid, alg: 'Ed25519', jwk };
  const secrets: IdentitySecrets = { ...identity, private: secret };
  return { identity, text: await lockSecrets('identity', secrets, passphrase, cost) };
}

/** Moves an identity file that is used no more aside, under the kid it was known by; it is never overwritten. */
export async function putIdentityAside(path: string, kid: string | undefined): Promise<void> {
  const name = join(dirname(path), `identity-${kid ?? 'unknown'}.old`);
  const taken = await access(name).then(
    () => true,
    () => false,
  );
  try {
    await rename(path, taken ? `${name}.${randomBytes(4).toString('hex')}` : name);
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code !== 'ENOENT') throw failure;
  }
}

/** What a change of passphrase did to the identity file: a file with a passphrase of its own stays as it is. */
export type IdentityReencrypted = 'changed' | 'absent' | 'own-passphrase';

/** Encrypts the identity file anew; one that opens with the next passphrase already was changed before a crash. */
export async function reencryptIdentity(
  path: string,
  { current, next, cost }: { readonly current: string; readonly next: string; readonly cost: number | undefined },
): Promise<IdentityReencrypted | Refusal> {
  const text = await readSecretFile(path);
  if (text === undefined) return 'absent';
  if (isRefusal(text)) return text;
  const opened = await unlockSecrets('identity', text, current);
  if (!isRefusal(opened)) {
    await writeSecretFile(path, await lockSecrets('identity', opened, next, cost));
    return 'changed';
  }
  if (opened.code !== 'passphrase-wrong') return opened;
  const again = await unlockSecrets('identity', text, next);
  return isRefusal(again) ? 'own-passphrase' : 'changed';
}
