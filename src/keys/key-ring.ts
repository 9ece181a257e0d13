import type { Decrypter, RequestSigner, Signer, SigningAlgorithm } from '../domain/secrets.ts';
import type { NamedPublicKey } from './key-pair.ts';
import { type NodeSecrets, type PublicKey, type StoredKey, shown } from './life-cycle.ts';
import { makeDecrypter, makeRequestSigner, makeSigner, operationalTypes } from './signers.ts';

/** The keys of node.key as a running node uses them: public parts, and key objects that cannot be exported again. */
export interface KeyRing {
  /** Takes what the file says; a key that is there already keeps its signer. */
  take(secrets: NodeSecrets): Promise<void>;
  identity(): NamedPublicKey | undefined;
  signer(algs?: readonly string[], fits?: (key: PublicKey) => boolean): Signer | undefined;
  requestSigner(kid: string): RequestSigner | undefined;
  decrypter(kid: string): Decrypter | undefined;
  publicKeys(): readonly PublicKey[];
}

/** One operational key, for messages and for requests. */
interface OperationalSigner extends Signer {
  readonly requests: RequestSigner;
}

interface Contents {
  readonly identity: NamedPublicKey | undefined;
  readonly keys: readonly PublicKey[];
  /** Active signing keys, newest activation first. */
  readonly signers: readonly OperationalSigner[];
  readonly decrypters: ReadonlyMap<string, Decrypter>;
}

/** What every node verifies (protocol, "Token types"). */
const COMMON: readonly string[] = ['Ed25519', 'EdDSA', 'ES256'];

export async function openKeyRing(opened: NodeSecrets): Promise<KeyRing> {
  let contents = await contentsOf(opened, undefined);
  let last: Promise<unknown> = Promise.resolve();
  return {
    // One after another, so that of two changes the later one is what stays.
    take(secrets) {
      const turn = last.then(async () => {
        contents = await contentsOf(secrets, contents);
      });
      last = turn.catch(() => undefined);
      return turn;
    },
    identity: () => contents.identity,
    signer: (algs = COMMON, fits = () => true) => {
      const fitting = new Set(contents.keys.filter(fits).map(({ kid }) => kid));
      return contents.signers.find(({ kid, alg }) => algs.includes(alg) && fitting.has(kid));
    },
    requestSigner: (kid) => contents.signers.find((signer) => signer.kid === kid)?.requests,
    decrypter: (kid) => contents.decrypters.get(kid),
    publicKeys: () => contents.keys,
  };
}

async function contentsOf(secrets: NodeSecrets, before: Contents | undefined): Promise<Contents> {
  const known = new Map(before?.signers.map((signer) => [signer.kid, signer]));
  const active = secrets.keys
    .filter(({ use, state }) => use === 'sig' && state === 'active')
    .toSorted((one, other) => (other.activation ?? 0) - (one.activation ?? 0));
  const signers = await Promise.all(active.map((key) => known.get(key.kid) ?? signerOf(key)));
  const opening = secrets.keys.filter((key) => key.use === 'enc' && key.private !== undefined);
  const decrypters = await Promise.all(opening.map((key) => before?.decrypters.get(key.kid) ?? decrypterOf(key)));
  return {
    identity: secrets.identity,
    keys: secrets.keys.map(shown),
    signers: signers.filter((signer) => signer !== undefined),
    decrypters: new Map(decrypters.flatMap((one) => (one ? [[one.kid, one] as const] : []))),
  };
}

async function signerOf({ kid, alg, private: secret }: StoredKey): Promise<OperationalSigner | undefined> {
  if (!secret) return undefined;
  const key = { kid, alg: alg as SigningAlgorithm, private: secret };
  return { ...(await makeSigner(key, operationalTypes)), requests: await makeRequestSigner(key) };
}

async function decrypterOf({ kid, private: secret }: StoredKey): Promise<Decrypter | undefined> {
  return secret && (await makeDecrypter({ kid, private: secret }));
}
