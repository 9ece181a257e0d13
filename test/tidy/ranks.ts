import { posix } from 'node:path';
import { type Breach, breach, type Import, type SourceFile } from './source.ts';

/** Data flow down: a folder (or file) of `src` imports from itself and from lower ranks, never up, never sideways. */
const ranks: Readonly<Record<string, number>> = {
  domain: 0,
  client: 0,
  wire: 1,
  'config.ts': 2,
  'log.ts': 1,
  'metrics.ts': 1,
  keys: 2,
  store: 2,
  transport: 2,
  evidence: 2,
  exchange: 3,
  peer: 4,
  api: 4,
  portal: 4,
  operator: 4,
  connect: 4,
  'node.ts': 5,
  cli: 6,
};

/** The part of `src` that a path lies in: a folder's name, or the file's own where it lies in `src` itself. */
export function partOf(path: string): string | undefined {
  return path.startsWith('src/') ? path.split('/')[1] : undefined;
}

/** The path that a relative import of `file` leads to; undefined for packages, node: modules and computed ones. */
function targetOf(file: SourceFile, { specifier }: Import): string | undefined {
  return specifier?.startsWith('.') ? posix.normalize(posix.join(posix.dirname(file.path), specifier)) : undefined;
}

export function rankBreaches(files: readonly SourceFile[]): Breach[] {
  const found: Breach[] = [];
  for (const file of files) {
    const from = partOf(file.path);
    if (from === undefined) continue;
    if (ranks[from] === undefined) found.push(breach(file, 0, `src/${from} has no rank`));
    for (const one of file.imports) {
      const says = wrongStep(from, one, targetOf(file, one));
      if (says) found.push(breach(file, one.at, says));
    }
  }
  return found;
}

function wrongStep(from: string, { specifier }: Import, target: string | undefined): string | undefined {
  if (specifier === undefined) return 'a computed import passes under every wall';
  if (target === undefined) return undefined;
  const to = partOf(target);
  if (to === undefined) {
    const published = target.startsWith('schemas/') || target === 'package.json';
    return published && from !== 'domain' ? undefined : `src never imports ${target}`;
  }
  if (to === from) return undefined;
  const [fromRank, toRank] = [ranks[from], ranks[to]];
  if (fromRank === undefined || toRank === undefined) return `${from} to ${to}: no rank`;
  return toRank < fromRank ? undefined : `${from} (${fromRank}) imports ${to} (${toRank}): only lower ranks`;
}

/** Cycles of imports, types counted: each group of files that can reach one another is told once. */
export function cycleBreaches(files: readonly SourceFile[]): Breach[] {
  const known = new Map(files.map((file) => [file.path, file]));
  const next = (path: string): string[] => {
    const file = known.get(path);
    return file ? file.imports.flatMap((one) => targetOf(file, one) ?? []).filter((to) => known.has(to)) : [];
  };
  return knots(known.keys(), next).flatMap((paths) => {
    const file = known.get([...paths].sort()[0] ?? '');
    return file ? [breach(file, 0, `import cycle: ${[...paths].sort().join(', ')}`)] : [];
  });
}

/** Tarjan's strongly connected components that hold a cycle. */
function knots(paths: Iterable<string>, next: (path: string) => string[]): string[][] {
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): number => {
    let low = index.size;
    index.set(path, low);
    lowest.set(path, low);
    const depth = open.push(path) - 1;
    for (const to of next(path)) {
      if (!index.has(to)) low = Math.min(low, visit(to));
      else if (open.includes(to)) low = Math.min(low, index.get(to) ?? low);
    }
    lowest.set(path, low);
    if (low === index.get(path)) {
      const knot = open.splice(depth);
      if (knot.length > 1 || next(path).includes(path)) found.push(knot);
    }
    return low;
  };
  for (const path of paths) if (!index.has(path)) visit(path);
  return found;
}
