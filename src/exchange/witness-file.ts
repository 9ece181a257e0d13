import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isRefusal } from '../domain/refusal.ts';
import { readSecretFile, writeSecretFile } from '../keys/secret-file.ts';
import type { Progress } from '../store/life.ts';

/** Begins the name of a witness that was set aside; the instant follows. */
export const ASIDE = 'witness.json.unusable-';

/**
 * The witness: a small file beside the store, and not in it, that says how far the store had come. A store that is behind it was
 * put back to an older state, or lost what it had answered for. It is written only after it was read from committed rows, so it
 * is never ahead of a store that lost nothing, however its process ended; several processes on one store each have one, or
 * share it, and an older word in it only means that it sees less.
 */
const witnessOf = (dataDir: string) => join(dataDir, 'witness.json');

/** What the witness says: nothing since there is none, how far the store had come, or something that cannot be used. */
export type Testimony = { readonly seen?: Progress } | { readonly unusable: string };

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Far above what a store gives out, and far enough below where numbers lose their last digit. */
const HIGHEST = 2 ** 52;

/** Reads the witness. It is never guessed at: what is damaged, or others can write, would hide a loss or invent one. */
export async function readWitness(dataDir: string): Promise<Testimony> {
  const path = witnessOf(dataDir);
  const text = await readSecretFile(path).catch((failure: NodeJS.ErrnoException) => ({
    unread: failure.code ?? 'unread',
  }));
  if (text === undefined) return {};
  if (typeof text === 'object') return { unusable: isRefusal(text) ? text.code : text.unread };
  const seen = progressIn(text);
  return seen ? { seen } : { unusable: 'damaged' };
}

function progressIn(text: string): Progress | undefined {
  const { life, position, keySet, streams } = recordIn(text);
  if (!isUuid(life) || !isCount(position) || !isRecord(streams)) return undefined;
  // A witness of an earlier release does not say it.
  if (keySet !== undefined && !isCount(keySet)) return undefined;
  const read: [string, { epoch: string; n: number }][] = [];
  for (const [partner, stream] of Object.entries(streams)) {
    if (!isRecord(stream) || !isUuid(stream.epoch) || !isCount(stream.n)) return undefined;
    read.push([partner, { epoch: stream.epoch, n: stream.n }]);
  }
  return { life, position, streams: Object.fromEntries(read), ...(keySet !== undefined && { keySet }) };
}

function recordIn(text: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(text);
    return isRecord(read) ? read : {};
  } catch {
    return {};
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isUuid = (value: unknown): value is string => typeof value === 'string' && uuid.test(value);
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= HIGHEST;

/** Sets a witness aside that cannot be used, so that a person may still read it and nothing takes its place unseen. */
export async function setAside(dataDir: string, at: Date): Promise<void> {
  const path = witnessOf(dataDir);
  await rename(path, join(dataDir, `${ASIDE}${at.toISOString().replaceAll(/[-:.]/g, '')}`));
}

export function writeWitness(dataDir: string, now: Progress): Promise<void> {
  return writeSecretFile(witnessOf(dataDir), `${JSON.stringify(now)}\n`);
}
