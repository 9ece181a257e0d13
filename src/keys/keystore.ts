import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicJwk, Signer, SigningAlgorithm, Vault } from '../domain/secrets.ts';
import { lockSecrets, unlockSecrets } from './container.ts';
import { checkSecretDirectory, readSecretFile, writeSecretFile } from './secret-file.ts';
import { createVault } from './vault.ts';

export type KeyState = 'future' | 'active' | 'retired';

/** An operational key as it may be shown and published; instants in seconds since 1970. */
export interface PublicKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly use: 'sig';
  readonly nbf: number;
  readonly exp: number;
  readonly state: KeyState;
  readonly jwk: PublicJwk;
}

interface StoredKey extends PublicKey {
  readonly private: JWK;
}

interface NodeSecrets {
  readonly master: string;
  readonly keys: readonly StoredKey[];
}

export interface KeyStore {
  /** Signs key sets and peer cards; absent where its file is kept offline. Never signs a message. */
  readonly identity: (Signer & { readonly jwk: PublicJwk }) | undefined;
  /** The active operational key: signs messages and nothing else. */
  signer(): Signer;
  publicKeys(): readonly PublicKey[];
  /** Makes an operational key and stores it before it is returned; `future` until it is activated. */
  generate(key: { readonly alg: SigningAlgorithm; readonly nbf: number; readonly exp: number }): Promise<PublicKey>;
  readonly vault: Vault;
}

const DAY = 24 * 60 * 60;
/** Life of an operational key unless another is asked for: a year and a month to rotate in. */
export const KEY_LIFE = 395 * DAY;
const SHORTEST_PASSPHRASE = 12;

function files(directory: string) {
  return { identity: join(directory, 'identity.key'), node: join(directory, 'node.key') };
}

async function makeKey(alg: SigningAlgorithm): Promise<{ kid: string; jwk: PublicJwk; private: JWK }> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const { kty, crv, x, y, pub } = await exportJWK(pair.publicKey);
  const jwk = Object.fromEntries(
    Object.entries({ kty, crv, x, y, pub }).filter(([, value]) => value !== undefined),
  ) as unknown as PublicJwk;
  return { kid: await calculateJwkThumbprint({ ...jwk } as JWK), jwk, private: await exportJWK(pair.privateKey) };
}

async function makeSigner(kid: string, alg: SigningAlgorithm, jwk: JWK): Promise<Signer> {
  const key = await importJWK(jwk, alg);
  return {
    kid,
    alg,
    sign: (typ, payload) => new CompactSign(payload).setProtectedHeader({ alg, typ, kid }).sign(key),
  };
}

/** Refuses a passphrase that is too short to protect a key store. */
export function checkPassphrase(passphrase: string): Refusal | undefined {
  if (passphrase.length >= SHORTEST_PASSPHRASE) return undefined;
  return refuse(
    'setting-invalid',
    '',
    `The passphrase is shorter than ${SHORTEST_PASSPHRASE} characters.`,
    'Choose a longer one: several words are best.',
  );
}

/**
 * Makes the two key files of a new node in `directory`: the identity key, which may be taken offline, and the node file
 * with the master key and one active operational key. Refuses a short passphrase and an existing key store.
 * @param options.cost work factor of scrypt; lower only where throw-away nodes are made
 */
export async function createKeyStore(
  directory: string,
  passphrase: string,
  options: { readonly now: number; readonly cost?: number },
): Promise<KeyStore | Refusal> {
  const short = checkPassphrase(passphrase);
  if (short) return short;
  const lax = await checkSecretDirectory(directory);
  if (lax) return lax;
  const paths = files(directory);
  if ((await readSecretFile(paths.node)) !== undefined || (await readSecretFile(paths.identity)) !== undefined) {
    return refuse(
      'state-conflict',
      '',
      'There are keys in this directory already.',
      'Use another directory; keys are never overwritten.',
    );
  }
  const identity = await makeKey('Ed25519');
  const first = await makeKey('Ed25519');
  const now = options.now;
  const secrets: NodeSecrets = {
    master: randomBytes(32).toString('base64url'),
    keys: [{ ...first, alg: 'Ed25519', use: 'sig', nbf: now, exp: now + KEY_LIFE, state: 'active' }],
  };
  await writeSecretFile(
    paths.identity,
    await lockSecrets('identity', { alg: 'Ed25519', ...identity }, passphrase, options.cost),
  );
  await writeSecretFile(paths.node, await lockSecrets('node', secrets, passphrase, options.cost));
  return openKeyStore(directory, passphrase, options.cost);
}

/** Opens the key files of a node; a missing identity file is not an error, a missing node file is. */
export async function openKeyStore(directory: string, passphrase: string, cost?: number): Promise<KeyStore | Refusal> {
  const lax = await checkSecretDirectory(directory);
  if (lax) return lax;
  const paths = files(directory);
  const nodeText = await readSecretFile(paths.node);
  if (nodeText === undefined)
    return refuse(
      'setting-invalid',
      '',
      `${paths.node} is missing.`,
      'Restore the directory keys/ from a backup. Do not make a new node: it would be somebody else, and could read nothing of this store.',
    );
  if (isRefusal(nodeText)) return nodeText;
  const secrets = await unlockSecrets('node', nodeText, passphrase);
  if (isRefusal(secrets)) return secrets;
  const identityText = await readSecretFile(paths.identity);
  if (isRefusal(identityText)) return identityText;
  const identity = identityText === undefined ? undefined : await unlockSecrets('identity', identityText, passphrase);
  if (isRefusal(identity)) return identity;
  const change = changer(paths.node, passphrase, cost);
  return assemble(secrets as NodeSecrets, identity as IdentitySecrets | undefined, change);
}

type Change = (next: (secrets: NodeSecrets) => NodeSecrets) => Promise<NodeSecrets>;

/**
 * Changes the node file, one change after another and each from what the file says now: a change made from memory would
 * drop a key that another process made since, and with it the only copy of a private key that may be published already.
 */
function changer(path: string, passphrase: string, cost: number | undefined): Change {
  let last: Promise<unknown> = Promise.resolve();
  return (next) => {
    const change = last.then(async () => {
      const text = await readSecretFile(path);
      const secrets = typeof text === 'string' ? await unlockSecrets('node', text, passphrase) : text;
      if (secrets === undefined || isRefusal(secrets)) throw new Error('node.key cannot be opened any more');
      const changed = next(secrets as NodeSecrets);
      await writeSecretFile(path, await lockSecrets('node', changed, passphrase, cost));
      return changed;
    });
    last = change.catch(() => undefined);
    return change;
  };
}

interface IdentitySecrets {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly jwk: PublicJwk;
  readonly private: JWK;
}

async function assemble(
  opened: NodeSecrets,
  identity: IdentitySecrets | undefined,
  change: Change,
): Promise<KeyStore | Refusal> {
  let secrets = opened;
  const active = secrets.keys.find((key) => key.state === 'active');
  if (!active)
    return refuse('setting-invalid', '', 'No operational key is active.', 'Activate one: caseref keys activate KID.');
  const signer = await makeSigner(active.kid, active.alg, active.private);
  const identitySigner = identity && {
    ...(await makeSigner(identity.kid, identity.alg, identity.private)),
    jwk: identity.jwk,
  };
  return {
    identity: identitySigner,
    signer: () => signer,
    publicKeys: () => secrets.keys.map(({ private: _, ...key }) => key),
    vault: createVault(Buffer.from(secrets.master, 'base64url')),
    async generate({ alg, nbf, exp }) {
      const made = await makeKey(alg);
      const key = { ...made, alg, use: 'sig', nbf, exp, state: 'future' } as const;
      secrets = await change((stored) => ({ ...stored, keys: [...stored.keys, key] }));
      const { private: _, ...shown } = key;
      return shown;
    },
  };
}
