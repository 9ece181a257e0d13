import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { Decrypter, RequestSigner, Signer, Vault } from '../domain/secrets.ts';
import { lockSecrets } from './container.ts';
import {
  type IdentityReencrypted,
  makeIdentity,
  openIdentityFile,
  putIdentityAside,
  reencryptIdentity,
} from './identity-file.ts';
import { makeKeyPair, type NamedPublicKey } from './key-pair.ts';
import { type KeyRing, openKeyRing } from './key-ring.ts';
import {
  type Activation,
  activateKey,
  addKey,
  type Changed,
  destroyRevoked,
  futureKey,
  type NewKey,
  type NodeSecrets,
  type PublicKey,
  type Revocation,
  retireKey,
  revokeKey,
  type StoredKey,
  shown,
} from './life-cycle.ts';
import { type NodeFile, nodeFile } from './node-file.ts';
import { checkPassphrase } from './passphrase.ts';
import { checkSecretDirectory, createSecretFile, readSecretFile } from './secret-file.ts';
import { createVault } from './vault.ts';

export type { NamedPublicKey } from './key-pair.ts';
export type { NewKey, PublicKey } from './life-cycle.ts';
export { checkPassphrase } from './passphrase.ts';

/** The own keys of a node. Changes are in node.key before they are answered; private parts never leave this folder. */
export interface KeyStore {
  /**
   * The public part of the identity key, wherever its file is. Undefined only where node.key was written by an earlier
   * release and the identity file was never opened since; `openIdentity` makes up for it.
   */
  readonly identity: NamedPublicKey | undefined;
  /**
   * Reads the identity file now and keeps nothing of it; undefined where it is not there. Default: identity.key beside
   * node.key, with the passphrase of the node. It signs `jwk-set+jwt` and `caseref-peer+jwt`, and throws on another `typ`.
   */
  openIdentity(options?: {
    readonly path?: string;
    readonly passphrase?: string;
  }): Promise<Signer | undefined | Refusal>;
  /**
   * The active signing key, newest activated first, whose algorithm is one of `algs`; without `algs`, one that every
   * node verifies (not ML-DSA), of those that `fits` takes. It signs `secevent+jwt` and `caseref-bundle+jwt`, and throws on
   * another `typ`.
   */
  signer(algs?: readonly string[], fits?: (key: PublicKey) => boolean): Signer | undefined;
  /** An active signing key once more, for HTTP requests to partners (RFC 9421) and nothing else. */
  requestSigner(kid: string): RequestSigner | undefined;
  /** An encryption key whose private part is still there: active, future, replaced and not yet retired, or revoked and not yet destroyed. */
  decrypter(kid: string): Decrypter | undefined;
  /** All keys that there ever were, in the order in which they were made. */
  publicKeys(): readonly PublicKey[];
  /** Makes a key and stores it before it is returned; `future` until it is activated. Throws where it ends before it begins. */
  generate(key: NewKey): Promise<PublicKey>;
  /** Activates a future key; the active one of the same algorithm is `replaced` and keeps its private part. */
  activate(kid: string, change?: Activation): Promise<PublicKey | Refusal>;
  /** Destroys the private part; the public entry ends at `exp`, seconds since 1970. */
  retire(kid: string, change: { readonly exp: number }): Promise<PublicKey | Refusal>;
  /**
   * Marks the key as compromised from `revokedAt` on, seconds since 1970, not before `nbf`. Destroys the private part; that
   * of an encryption key stays until `destroy`.
   */
  revoke(kid: string, change: Revocation): Promise<PublicKey | Refusal>;
  /** Destroys the private part of a revoked encryption key. */
  destroy(kid: string): Promise<PublicKey | Refusal>;
  /**
   * Takes over what another process changed; answers whether the file changed since this store read or wrote it last.
   * Throws, once for each such file, where node.key is gone or does not open with this node's passphrase any more; the
   * keys in memory stay in use.
   */
  reload(): Promise<boolean>;
  /** Encrypts node.key and identity.key anew. An identity file with another passphrase than `current` stays as it is. */
  changePassphrase(current: string, next: string): Promise<{ readonly identity: IdentityReencrypted } | Refusal>;
  /** Makes a new identity key for one that is lost; the old file, if there is one, is put aside and never read again. */
  replaceIdentity(options?: { readonly passphrase?: string }): Promise<NamedPublicKey | Refusal>;
  readonly vault: Vault;
}

const DAY = 24 * 60 * 60;
/** Life of an operational key unless another is asked for: a year and a month to rotate in. */
export const KEY_LIFE = 395 * DAY;

function files(directory: string) {
  return { identity: join(directory, 'identity.key'), node: join(directory, 'node.key') };
}

/**
 * Makes the two key files of a new node in `directory`: the identity key, which may be taken offline, and the node file
 * with the master key, an active Ed25519 signing key and an active X25519 encryption key. Refuses a short passphrase and
 * an existing key store.
 * @param options.now seconds since 1970: the begin of the keys
 * @param options.cost work factor of scrypt; lower only where throw-away nodes are made
 */
export async function createKeyStore(
  directory: string,
  passphrase: string,
  options: { readonly now: number; readonly cost?: number },
): Promise<KeyStore | Refusal> {
  const lax = checkPassphrase(passphrase) ?? (await checkSecretDirectory(directory));
  if (lax) return lax;
  const paths = files(directory);
  if ((await readSecretFile(paths.node)) !== undefined) return keysExist();
  const { identity, text } = await makeIdentity(passphrase, options.cost);
  if (!(await createSecretFile(paths.identity, text))) return keysExist();
  const life = { nbf: options.now, exp: options.now + KEY_LIFE };
  const secrets: NodeSecrets = {
    master: randomBytes(32).toString('base64url'),
    identity,
    keys: [await activeKey({ alg: 'Ed25519', ...life }, 1), await activeKey({ alg: 'ECDH-ES', ...life }, 2)],
  };
  if (!(await createSecretFile(paths.node, await lockSecrets('node', secrets, passphrase, options.cost))))
    return keysExist();
  return openKeyStore(directory, passphrase, options.cost);
}

async function activeKey(key: NewKey, activation: number): Promise<StoredKey> {
  return { ...futureKey(await makeKeyPair(key.alg), key), state: 'active', activation };
}

function keysExist(): Refusal {
  const next = 'Use another directory; keys are never overwritten.';
  return refuse('state-conflict', '', 'There are keys in this directory already.', next);
}

/** Opens node.key; the identity file is left alone, except once for a node.key of an earlier release, which does not name it. */
export async function openKeyStore(directory: string, passphrase: string, cost?: number): Promise<KeyStore | Refusal> {
  const lax = await checkSecretDirectory(directory);
  if (lax) return lax;
  const paths = files(directory);
  const file = nodeFile(paths.node, passphrase, { cost, others: [paths.identity] });
  const opened = await file.read();
  if (isRefusal(opened)) return opened;
  await file.sweep();
  const secrets = opened.identity ? opened : await learnIdentity(file, opened, paths.identity);
  const vault = createVault(Buffer.from(secrets.master, 'base64url'));
  return keyStore({ file, identityPath: paths.identity, cost }, await openKeyRing(secrets), vault);
}

/** Where the identity file is elsewhere, or has a passphrase of its own, the node goes without until it is opened. */
async function learnIdentity(file: NodeFile, secrets: NodeSecrets, path: string): Promise<NodeSecrets> {
  const opened = await openIdentityFile(path, file.passphrase());
  if (opened === undefined || isRefusal(opened)) return secrets;
  const changed = await file.change((stored) => rememberIdentity(stored, opened.public));
  return isRefusal(changed) ? secrets : changed.secrets;
}

function rememberIdentity(stored: NodeSecrets, identity: NamedPublicKey): { secrets: NodeSecrets } {
  return { secrets: { ...stored, identity: stored.identity ?? identity } };
}

interface Place {
  readonly file: NodeFile;
  readonly identityPath: string;
  readonly cost: number | undefined;
}

function keyStore(place: Place, ring: KeyRing, vault: Vault): KeyStore {
  const { file } = place;

  async function change(next: (secrets: NodeSecrets) => Changed | Refusal): Promise<PublicKey | Refusal> {
    const changed = await file.change(next);
    if (isRefusal(changed)) return changed;
    await ring.take(changed.secrets);
    return shown(changed.key);
  }

  return {
    get identity() {
      return ring.identity();
    },
    openIdentity: (options = {}) => openIdentity(place, ring, options),
    signer: ring.signer,
    requestSigner: ring.requestSigner,
    decrypter: ring.decrypter,
    publicKeys: ring.publicKeys,
    async generate(asked) {
      const key = futureKey(await makeKeyPair(asked.alg), asked);
      const added = await file.change((secrets) => addKey(secrets, key));
      if (!isRefusal(added)) await ring.take(added.secrets);
      return shown(key);
    },
    activate: (kid, activation = {}) => change((secrets) => activateKey(secrets, kid, activation)),
    retire: (kid, end) => change((secrets) => retireKey(secrets, kid, end)),
    revoke: (kid, revocation) => change((secrets) => revokeKey(secrets, kid, revocation)),
    destroy: (kid) => change((secrets) => destroyRevoked(secrets, kid)),
    reload: () => refresh(file, ring),
    changePassphrase: (current, next) => changePassphrase(place, ring, current, next),
    replaceIdentity: ({ passphrase } = {}) => replaceIdentity(place, ring, passphrase ?? file.passphrase()),
    vault,
  };
}

async function refresh(file: NodeFile, ring: KeyRing): Promise<boolean> {
  const secrets = await file.readIfChanged();
  if (secrets === undefined) return false;
  if (isRefusal(secrets)) throw new Error(`the keys were changed elsewhere: ${secrets.message} ${secrets.next}`);
  await ring.take(secrets);
  return true;
}

async function openIdentity(
  { file, identityPath }: Place,
  ring: KeyRing,
  { path = identityPath, passphrase = file.passphrase() }: { readonly path?: string; readonly passphrase?: string },
): Promise<Signer | undefined | Refusal> {
  const opened = await openIdentityFile(path, passphrase);
  if (opened === undefined || isRefusal(opened)) return opened;
  if (ring.identity() === undefined) {
    const changed = await file.change((stored) => rememberIdentity(stored, opened.public));
    if (!isRefusal(changed)) await ring.take(changed.secrets);
  }
  // Another process may have replaced the identity key since.
  if (opened.public.kid !== ring.identity()?.kid) await refresh(file, ring);
  if (opened.public.kid === ring.identity()?.kid) return opened.signer;
  return refuse(
    'state-conflict',
    '',
    `${path} holds another identity key than the one this node goes by (${ring.identity()?.kid}).`,
    'Bring the file of that key. If it is lost, or a replacement broke off, replace the identity key (again).',
  );
}

async function changePassphrase(
  { file, identityPath, cost }: Place,
  ring: KeyRing,
  current: string,
  next: string,
): Promise<{ readonly identity: IdentityReencrypted } | Refusal> {
  const short = checkPassphrase(next);
  if (short) return short;
  // The identity file first: after a crash in between the node starts as before, and the same call finishes the rest.
  const encrypt = async (secrets: NodeSecrets) => {
    const identity = await reencryptIdentity(identityPath, { current, next, cost });
    return isRefusal(identity) ? identity : { secrets, identity };
  };
  const changed = await file.change(encrypt, { current, next });
  if (isRefusal(changed)) return changed;
  await ring.take(changed.secrets);
  return { identity: changed.identity };
}

/**
 * node.key is written last: until then the node goes by the old identity. A crash before leaves no identity file, or a
 * new one that `openIdentity` refuses because node.key does not name it; in both cases this is done again.
 */
async function replaceIdentity(
  { file, identityPath, cost }: Place,
  ring: KeyRing,
  passphrase: string,
): Promise<NamedPublicKey | Refusal> {
  const short = checkPassphrase(passphrase);
  if (short) return short;
  const changed = await file.change(async (secrets) => {
    const { identity, text } = await makeIdentity(passphrase, cost);
    await putIdentityAside(identityPath, secrets.identity?.kid);
    return (await createSecretFile(identityPath, text)) ? { secrets: { ...secrets, identity }, identity } : keysExist();
  });
  if (isRefusal(changed)) return changed;
  await ring.take(changed.secrets);
  return changed.identity;
}
