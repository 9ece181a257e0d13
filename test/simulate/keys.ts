import { createHash, createPrivateKey } from 'node:crypto';
import type { JWK } from 'jose';
import { isRefusal, type Refusal } from '../../src/domain/refusal.ts';
import type { KeyPair, NamedPublicKey } from '../../src/keys/key-pair.ts';
import { openKeyRing } from '../../src/keys/key-ring.ts';
import type { KeyStore, PublicKey } from '../../src/keys/keystore.ts';
import {
  activateKey,
  addKey,
  type Changed,
  destroyRevoked,
  futureKey,
  type NodeSecrets,
  retireKey,
  revokeKey,
  shown,
} from '../../src/keys/life-cycle.ts';
import { identityTypes, makeSigner } from '../../src/keys/signers.ts';
import { createVault } from '../../src/keys/vault.ts';
import { thumbprint } from '../../src/wire/fingerprint.ts';

/** What lies on a node's disk beside its store: it outlives every crash, and so does what was drawn before. */
export interface KeyDisk {
  secrets: NodeSecrets;
  /** Rises with each write. */
  writes: number;
  /** Key pairs that were made. */
  made: number;
  readonly name: string;
  readonly identity: KeyPair;
}

const heads = { Ed25519: '302e020100300506032b657004220420', 'ECDH-ES': '302e020100300506032b656e04220420' } as const;
type Kind = keyof typeof heads;

/** A key pair that is the same for the same words: its 32 secret bytes are their digest (RFC 8410, section 7). */
async function pairOf(words: string, kind: Kind): Promise<KeyPair> {
  for (let tries = 0; ; tries += 1) {
    const secret = createHash('sha256').update(`${words} ${kind} ${tries}`).digest();
    const der = Buffer.concat([Buffer.from(heads[kind], 'hex'), secret]);
    const private_ = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' }) as JWK;
    const { kty = '', crv = '', x = '' } = private_;
    const kid = await thumbprint({ kty, crv, x });
    // As in keys/key-pair.ts: a kid is an argument of commands.
    if (!kid.startsWith('-')) return { kid, jwk: { kty, crv, x }, private: private_ };
  }
}

const LIFE = 395 * 24 * 60 * 60;

/** The disk of a new node: an identity, a signing key and an encryption key that begin at `now`, in seconds. */
export async function newKeyDisk(name: string, now: number): Promise<KeyDisk> {
  const identity = await pairOf(`${name} identity`, 'Ed25519');
  const first = async (alg: Kind, activation: number) => ({
    ...futureKey(await pairOf(`${name} first`, alg), { alg, nbf: now, exp: now + LIFE }),
    state: 'active' as const,
    activation,
  });
  const secrets: NodeSecrets = {
    master: createHash('sha256').update(`${name} master`).digest('base64url'),
    identity: { kid: identity.kid, alg: 'Ed25519', jwk: identity.jwk },
    keys: [await first('Ed25519', 1), await first('ECDH-ES', 2)],
  };
  return { secrets, writes: 0, made: 0, name, identity };
}

/** The keys of a node over a disk in memory: life cycle, key ring, signers and vault are the node's own. */
export async function openKeyDisk(disk: KeyDisk): Promise<KeyStore> {
  const ring = await openKeyRing(disk.secrets);
  const vault = createVault(Buffer.from(disk.secrets.master, 'base64url'));
  const signer = await makeSigner({ ...disk.identity, alg: 'Ed25519' }, identityTypes);
  let seen = disk.writes;

  async function change(next: (secrets: NodeSecrets) => Changed | Refusal): Promise<PublicKey | Refusal> {
    const changed = next(disk.secrets);
    if (isRefusal(changed)) return changed;
    disk.secrets = changed.secrets;
    disk.writes += 1;
    seen = disk.writes;
    await ring.take(changed.secrets);
    return shown(changed.key);
  }

  const never = async (): Promise<never> => {
    throw new Error('no simulated node does that');
  };
  return {
    get identity(): NamedPublicKey | undefined {
      return ring.identity();
    },
    openIdentity: async () => signer,
    signer: ring.signer,
    requestSigner: ring.requestSigner,
    decrypter: ring.decrypter,
    publicKeys: ring.publicKeys,
    async generate(asked) {
      disk.made += 1;
      const pair = await pairOf(`${disk.name} ${disk.made}`, asked.alg as Kind);
      return (await change((secrets) => addKey(secrets, futureKey(pair, asked)))) as PublicKey;
    },
    activate: (kid, activation = {}) => change((secrets) => activateKey(secrets, kid, activation)),
    retire: (kid, end) => change((secrets) => retireKey(secrets, kid, end)),
    revoke: (kid, revocation) => change((secrets) => revokeKey(secrets, kid, revocation)),
    destroy: (kid) => change((secrets) => destroyRevoked(secrets, kid)),
    async reload() {
      if (seen === disk.writes) return false;
      seen = disk.writes;
      await ring.take(disk.secrets);
      return true;
    },
    changePassphrase: never,
    replaceIdentity: never,
    vault,
  };
}
