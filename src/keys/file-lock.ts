import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';

/** A change takes about two seconds at most (two scrypt); twenty changes may stand in front of this one. */
const TRIES = 1600;
const PAUSE_MS = 25;
const BUSY = 5;

/**
 * Does the work while no other process, and no other store in this process, changes the file. The lock is the kernel's
 * (an exclusive SQLite transaction on a file of its own): it dies with its process, so no crash leaves it behind.
 */
export async function underLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  await makeLockFile(path);
  const lock = await takeLock(path);
  try {
    return await work();
  } finally {
    lock.close();
  }
}

/**
 * Never opens a lock file that exists: a process loses its POSIX locks on a file as soon as it closes any descriptor of
 * it, so this would drop the lock of another store in this process. SQLite knows that; `open` does not.
 */
async function makeLockFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.close();
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code !== 'EEXIST') throw failure;
  }
}

async function takeLock(path: string): Promise<DatabaseSync> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const lock = tryLock(path);
    if (lock) return lock;
    await pause(PAUSE_MS);
  }
  throw new Error(`${path} is held by another command for too long: wait until it has ended, and try again`);
}

/** Without waiting inside SQLite: that would stop the whole process, the holder of the lock in it included. */
function tryLock(path: string): DatabaseSync | undefined {
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (failure) {
    lock.close();
    if ((failure as { errcode?: number }).errcode === BUSY) return undefined;
    throw failure;
  }
}
