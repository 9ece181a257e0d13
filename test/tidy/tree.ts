import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Breach, breach, parse, type SourceFile, type TextFile } from './source.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Everything that the repository holds at its top, as architecture.md agreed it. */
const topLevel = new Set([
  ...['src', 'schemas', 'test', 'package.json', 'package-lock.json', 'tsconfig.json', 'README.md', 'LICENSE'],
  ...['.biome.json', '.ci', '.gitignore', '.github'],
]);

const made = new Set(['.git', 'node_modules', 'dist', 'coverage', '.caseref']);

/** Names at the top of the repository: what git tracks, or what lies there in a copy without git. */
export function topLevelNames(): string[] {
  const tracked = trackedPaths().map((path) => path.split('/')[0] ?? path);
  const names = tracked.length > 0 ? tracked : readdirSync(root).filter((name) => !made.has(name));
  return [...new Set(names)];
}

function trackedPaths(): string[] {
  const listed = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  return listed.status === 0 ? listed.stdout.split('\0').filter(Boolean) : [];
}

export function topLevelBreaches(names: readonly string[]): Breach[] {
  return names
    .filter((name) => !topLevel.has(name))
    .map((name) => breach({ path: name, text: '' }, 0, 'is not in the agreed list of the top level'));
}

/** Every file of the agreed places, as text. */
export function textFiles(): TextFile[] {
  return readdirSync(root, { withFileTypes: true })
    .filter(({ name }) => topLevel.has(name))
    .flatMap((entry) => (entry.isDirectory() ? pathsBelow(entry.name) : [entry.name]))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function pathsBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
}

/** The TypeScript of `src` and `test`, parsed. */
export function sourceFiles(files: readonly TextFile[]): SourceFile[] {
  return files.filter(({ path }) => /^(src|test)\/.*\.ts$/.test(path)).map(parse);
}
