import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../domain/finding.ts';
import { ASIDE } from '../witness-file.ts';

const OTHERS = 0o077;
const WRITABLE = 0o022;

/** Files and folders of a node's directory, and the bits that others must not have. */
const places = [
  { path: '.', forbidden: OTHERS, mode: '700' },
  { path: 'keys', forbidden: OTHERS, mode: '700' },
  { path: 'keys/identity.key', forbidden: OTHERS, mode: '600' },
  { path: 'keys/node.key', forbidden: OTHERS, mode: '600' },
  { path: 'node.json', forbidden: WRITABLE, mode: '600' },
  { path: 'witness.json', forbidden: OTHERS, mode: '600' },
  { path: 'store', forbidden: OTHERS, mode: '700' },
  { path: 'run', forbidden: OTHERS, mode: '700' },
] as const;

/** Who besides the node's own account can reach into its directory. What is not there is left out. */
export async function examineFiles(dataDir: string): Promise<Finding[]> {
  const looked = await Promise.all(places.map((place) => examinePlace(dataDir, place)));
  const findings = [...looked.flat(), ...(await examineAside(dataDir))];
  if (findings.length > 0) return findings;
  return [{ level: 'ok', code: 'file-modes', message: 'Directory, keys and store are readable by their owner alone.' }];
}

/** Witnesses that were set aside: the alert says it too, and may have been closed by somebody else. */
async function examineAside(dataDir: string): Promise<Finding[]> {
  const names = (await readdir(dataDir).catch((): string[] => [])).filter((name) => name.startsWith(ASIDE)).sort();
  const newest = names.at(-1);
  if (newest === undefined) return [];
  const path = join(dataDir, newest);
  const message = `${path} could not be used to tell whether the store was put back to an older state.`;
  const next = 'If it was: caseref reconcile --all --restored --yes. Then remove the file.';
  return [{ level: 'warn', code: 'witness-aside', message, next }];
}

async function examinePlace(dataDir: string, { path, forbidden, mode }: (typeof places)[number]): Promise<Finding[]> {
  const whole = join(dataDir, path);
  const found = await lstat(whole).catch(() => undefined);
  if (!found) return [];
  if (found.uid !== process.getuid?.()) {
    const message = `${whole} belongs to another account.`;
    return [{ level: 'bad', code: 'file-owner', message, next: `chown ${process.getuid?.() ?? 'OWNER'} ${whole}` }];
  }
  if (found.isSymbolicLink() || (found.mode & forbidden) === 0) return [];
  const message = `${whole} can be ${forbidden === OTHERS ? 'reached' : 'changed'} by other accounts of this machine.`;
  return [{ level: 'bad', code: 'file-mode-lax', message, next: `chmod ${mode} ${whole}` }];
}
