import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Refusal, refuse } from '../domain/refusal.ts';

const OTHERS = 0o077;
/** Key files are a few kilobytes; a larger one is not ours. */
const LARGEST = 1024 * 1024;

/** A stick formatted for every machine knows no modes, and chmod changes nothing there. */
function lax(path: string, why: string, next?: string): Refusal {
  const own = `Make it yours alone: chmod 600 ${path}; on a medium without modes, copy it into a folder of mode 0700 first.`;
  return refuse('file-mode-lax', '', `${path} ${why}.`, next ?? own);
}

/** Reads a secret file that only its owner can read: no link, mode 0600 or stricter, ours. Undefined when there is none. */
export async function readSecretFile(path: string): Promise<string | Refusal | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // Opened first and looked at through the handle, so that nobody can swap the file in between.
    // Without O_NONBLOCK a planted pipe would hang the start.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (failure) {
    const code = (failure as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') return lax(path, 'is a symbolic link', 'Name the file that it leads to.');
    throw failure;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile())
      return lax(path, 'is not a plain file', 'Name the key file itself, such as identity.key in that folder.');
    if ((stat.mode & OTHERS) !== 0) return lax(path, 'can be read or written by others');
    if (stat.uid !== process.getuid?.())
      return lax(
        path,
        'belongs to another user',
        'Run as the user that owns it, or copy it into a folder of your own.',
      );
    if (stat.size > LARGEST)
      return lax(path, 'is too large to be a key file', 'Name the key file, such as identity.key.');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Writes a secret file so that a crash leaves the old one or the new one, never half: mode 0600, flushed, renamed. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  await rename(await writeDraft(path, text), path);
  await flushDirectory(path);
}

/** Writes a secret file that must not exist yet, whole or not at all; answers false, and writes nothing, where it does. */
export async function createSecretFile(path: string, text: string): Promise<boolean> {
  const draft = await writeDraft(path, text);
  try {
    // Unlike a renaming, a link never takes the place of a file that somebody else has made in the meantime.
    await link(draft, path);
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw failure;
  } finally {
    await unlink(draft);
  }
  await flushDirectory(path);
  return true;
}

async function writeDraft(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Never a name that a crash may have left behind: in a container every process has the same number.
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (failure) {
    await file.close();
    await unlink(draft);
    throw failure;
  }
  await file.close();
  return draft;
}

/** Drafts of this file that a crash left behind: whole key files, private parts and all. */
export async function leftDrafts(path: string): Promise<string[]> {
  const [directory, name] = [dirname(path), basename(path)];
  const isDraft = (one: string) => one.startsWith(`${name}.`) && /^[0-9a-f]{12}\.new$/.test(one.slice(name.length + 1));
  return (await readdir(directory)).filter(isDraft).map((one) => join(directory, one));
}

/**
 * Removes the drafts that a crash left behind, so that no private part outlives its destruction. Only under the lock that
 * every writer of the file takes: the draft of another process is not left behind.
 */
export async function removeDrafts(path: string): Promise<void> {
  const left = await leftDrafts(path);
  for (const draft of left) await unlink(draft);
  if (left.length > 0) await flushDirectory(path);
}

async function flushDirectory(path: string): Promise<void> {
  const parent = await open(dirname(path), 'r');
  await parent.sync();
  await parent.close();
}

/** Refuses a directory of secrets that others can enter. */
export async function checkSecretDirectory(path: string): Promise<Refusal | undefined> {
  const stat = await lstat(path).catch(() => undefined);
  if (!stat) return undefined;
  if (!stat.isDirectory())
    return refuse('file-mode-lax', '', `${path} is not a directory.`, 'Restore it from a backup.');
  if (stat.uid !== process.getuid?.()) {
    return refuse('file-mode-lax', '', `${path} belongs to another user.`, 'Run as the user that owns it.');
  }
  if ((stat.mode & OTHERS) === 0) return undefined;
  return refuse('file-mode-lax', '', `${path} can be entered by others.`, `Make it yours alone: chmod 700 ${path}`);
}
