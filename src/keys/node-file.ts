import { lstat } from 'node:fs/promises';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { lockSecrets, unlockSecrets } from './container.ts';
import { underLock } from './file-lock.ts';
import type { NodeSecrets } from './life-cycle.ts';
import { leftDrafts, readSecretFile, removeDrafts, writeSecretFile } from './secret-file.ts';

/** Secrets to be written, and whatever else the one who changed them wants to know. */
interface Rewritten {
  readonly secrets: NodeSecrets;
}

/** node.key of one key store. All that is done to it goes through one queue, and through one lock between processes. */
export interface NodeFile {
  /** What the file says now. */
  read(): Promise<NodeSecrets | Refusal>;
  /** What the file says now; undefined, and no scrypt spent, where that was read or written here before. */
  readIfChanged(): Promise<NodeSecrets | undefined | Refusal>;
  /**
   * Rewrites the file from what it says now: a change made from memory would drop a key that another process made since,
   * and with it the only copy of a private key that may be published already. A refusal of `next` changes nothing.
   */
  change<Next extends Rewritten>(
    next: (secrets: NodeSecrets) => Next | Refusal | Promise<Next | Refusal>,
    passphrases?: { readonly current: string; readonly next: string },
  ): Promise<Next | Refusal>;
  /**
   * Removes what a crash left of this file and of those in `others`, which are written under the same lock: drafts with
   * private parts that may have been destroyed since. `change` does so each time.
   */
  sweep(): Promise<void>;
  /** The passphrase that opens the file now. */
  passphrase(): string;
}

/** `passphrase` opens and encrypts the file; `cost` is the work factor of scrypt. */
export function nodeFile(
  path: string,
  passphrase: string,
  { cost, others = [] }: { readonly cost?: number | undefined; readonly others?: readonly string[] } = {},
): NodeFile {
  let words = passphrase;
  /** The file that was last answered: not one that was only looked at on the way to a refusal. */
  let seen = '';
  let last: Promise<unknown> = Promise.resolve();

  function queued<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  }

  async function read(): Promise<NodeSecrets | Refusal> {
    // Looked at before it is read: a change in between is then read again, never missed.
    seen = await stampOf(path);
    return await openNodeFile(path, words);
  }

  async function write(secrets: NodeSecrets, phrase: string): Promise<void> {
    await writeSecretFile(path, await lockSecrets('node', secrets, phrase, cost));
    words = phrase;
    seen = await stampOf(path);
  }

  async function sweep(): Promise<void> {
    for (const one of [path, ...others]) await removeDrafts(one);
  }

  /** Without the lock where there is nothing to do: the directory may be one that this process cannot write to. */
  async function sweepIfLeft(): Promise<void> {
    const left = await Promise.all([path, ...others].map(leftDrafts));
    if (left.flat().length > 0) await underLock(`${path}.lock`, sweep);
  }

  return {
    read: () => queued(read),
    sweep: () => queued(sweepIfLeft),
    readIfChanged: () => queued(async () => ((await stampOf(path)) === seen ? undefined : await read())),
    change: (next, passphrases) =>
      queued(() =>
        underLock(`${path}.lock`, async () => {
          await sweep();
          const secrets = await openNodeFile(path, passphrases?.current ?? words);
          if (isRefusal(secrets) && passphrases) return secrets;
          if (isRefusal(secrets)) throw new Error(`node.key cannot be opened any more: ${secrets.message}`);
          const changed = await next(secrets);
          if (!isRefusal(changed)) await write(changed.secrets, passphrases?.next ?? words);
          return changed;
        }),
      ),
    passphrase: () => words,
  };
}

async function openNodeFile(path: string, passphrase: string): Promise<NodeSecrets | Refusal> {
  const text = await readSecretFile(path);
  if (text === undefined) return missing(path);
  if (isRefusal(text)) return text;
  return (await unlockSecrets('node', text, passphrase)) as NodeSecrets | Refusal;
}

/** Every write makes another file (secret-file.ts), so that its number tells even two writes in one tick of the clock. */
async function stampOf(path: string): Promise<string> {
  const stat = await lstat(path, { bigint: true }).catch(() => undefined);
  return stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : 'missing';
}

function missing(path: string): Refusal {
  return refuse(
    'setting-invalid',
    '',
    `${path} is missing.`,
    'Restore the directory keys/ from a backup. Do not make a new node: it would be somebody else, and could read nothing of this store.',
  );
}
