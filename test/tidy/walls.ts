import { type GlobalUse, globalsOf } from './bindings.ts';
import { partOf } from './ranks.ts';
import { type Breach, breach, type Import, type SourceFile } from './source.ts';

const listeners = ['peer', 'api', 'portal', 'operator', 'node.ts'];

/**
 * Where each package may be imported, types included, so that one search answers "where is SQL", "where do data leave",
 * "where are signatures checked". A package that is not listed has no place in `src` until somebody gives it one here.
 */
const walls: Readonly<Record<string, readonly string[]>> = {
  kysely: ['store'],
  pg: ['store'],
  '@electric-sql/pglite': ['store'],
  jose: ['wire', 'keys'],
  ajv: ['wire'],
  tldts: ['wire'],
  undici: ['transport'],
  fastify: listeners,
  '@fastify/rate-limit': listeners,
  '@fastify/helmet': ['portal'],
  '@fastify/formbody': ['portal'],
  '@fastify/swagger': listeners,
  '@simplewebauthn/server': ['portal'],
  'openid-client': ['portal'],
  hono: ['portal'],
  pino: ['log.ts'],
  'prom-client': ['metrics.ts'],
  commander: ['cli'],
  picocolors: ['cli'],
  'csv-parse': ['cli'],
};

/** Modules of Node that open a way out or in. Their types are harmless, and so are the checks of `node:net`. */
const network = [
  'node:http',
  'node:https',
  'node:http2',
  'node:net',
  'node:tls',
  'node:dgram',
  'node:dns',
  'node:child_process',
];
const networkParts = ['transport', 'operator', 'node.ts', 'cli'];
const harmless = new Set(['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress']);

export function wallBreaches(files: readonly SourceFile[]): Breach[] {
  return files.flatMap((file) => {
    const part = partOf(file.path);
    if (part === undefined) return [];
    const imported = file.imports.flatMap((one) => told(file, one.at, wrongPackage(part, one)));
    const used = globalsOf(file.program).flatMap((use) => told(file, use.node.start, wrongGlobal(part, use)));
    return [...imported, ...used];
  });
}

function told(file: SourceFile, at: number, says: string | undefined): Breach[] {
  return says ? [breach(file, at, says)] : [];
}

function wrongPackage(part: string, one: Import): string | undefined {
  const { specifier } = one;
  if (specifier === undefined || specifier.startsWith('.')) return undefined;
  if (part === 'domain') return `domain imports only itself, not ${specifier}`;
  if (specifier.startsWith('node:')) return wrongBuiltin(part, specifier, one);
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const allowed = walls[name];
  if (!allowed) return `${name} has no place in src: give it one in the table of walls`;
  return allowed.includes(part) ? undefined : `${name} belongs in ${allowed.join(', ')}, not in ${part}`;
}

function wrongBuiltin(part: string, specifier: string, one: Import): string | undefined {
  if (specifier === 'node:process' && part !== 'config.ts')
    return 'use the global process; its env is read in config.ts';
  const pure = one.typeOnly || (one.names.length > 0 && one.names.every((name) => harmless.has(name)));
  if (!network.some((name) => specifier === name || specifier.startsWith(`${name}/`)) || pure) return undefined;
  return networkParts.includes(part) ? undefined : `${specifier} belongs in ${networkParts.join(', ')}, not in ${part}`;
}

const outbound = new Set(['fetch', 'WebSocket', 'EventSource']);
const impure = new Set([
  ...['process', 'Buffer', 'crypto', 'performance', 'console', 'fetch', 'globalThis', 'global', 'navigator'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'WebSocket', 'EventSource', 'Temporal'],
]);

function wrongGlobal(part: string, { name, parent }: GlobalUse): string | undefined {
  const member =
    parent?.type === 'MemberExpression' && parent.property.type === 'Identifier' ? parent.property.name : '';
  if (name === 'console') return 'console is for nobody: print in cli, log in log.ts';
  if (part === 'domain') return wrongInDomain(name, member, parent);
  if (outbound.has(name) && part !== 'transport') return `${name} belongs in transport, not in ${part}`;
  if ((name === 'globalThis' || name === 'global') && outbound.has(member)) return `${member} belongs in transport`;
  if (name === 'process' && part !== 'config.ts' && readsEnvironment(parent, member))
    return 'process.env is read in config.ts';
  return undefined;
}

/** `process.env`, `process['env']`, or taking it out of `process` by a pattern. */
function readsEnvironment(parent: GlobalUse['parent'], member: string): boolean {
  if (parent?.type === 'MemberExpression') return parent.computed || member === 'env';
  return parent?.type === 'VariableDeclarator';
}

function wrongInDomain(name: string, member: string, parent: GlobalUse['parent']): string | undefined {
  if (impure.has(name)) return `domain is pure: no ${name}`;
  if (name === 'Date' && member === 'now') return 'domain has no clock: no Date.now';
  if (name === 'Math' && member === 'random') return 'domain has no randomness: no Math.random';
  const bare = parent?.type === 'NewExpression' && parent.arguments.length === 0;
  if (name === 'Date' && (bare || parent?.type === 'CallExpression'))
    return 'domain has no clock: give Date an instant';
  return undefined;
}
