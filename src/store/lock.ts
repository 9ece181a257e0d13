import { DatabaseSync } from 'node:sqlite';
import { type Refusal, refuse } from '../domain/refusal.ts';

export interface DirectoryLock {
  release(): void;
}

/**
 * Takes the one lock on an embedded store's directory. Two processes on one embedded store lose committed rows, so the
 * lock must be the kernel's: it dies with its process, is never stale and is never stolen from a live one. Node offers
 * no flock; an exclusive SQLite transaction is a kernel lock on a file, in the process and between processes alike.
 * @returns the lock, or `store-locked` when a live process has it.
 */
export function lockDirectory(file: string): DirectoryLock | Refusal {
  const handle = new DatabaseSync(file, { timeout: 0 });
  try {
    handle.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (failure) {
    handle.close();
    if ((failure as { errcode?: number }).errcode === 5) return refuse('store-locked');
    throw failure;
  }
  return { release: () => handle.close() };
}
