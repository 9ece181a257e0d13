import { describe, expect, test } from 'vitest';
import { barrelBreaches, pathBreaches, wordBreaches } from './tidy/names.ts';
import { lockBreaches, versionBreaches } from './tidy/packages.ts';
import { addressBreaches, machineBreaches, promiseBreaches, terminologyBreaches } from './tidy/prose.ts';
import { cycleBreaches, rankBreaches } from './tidy/ranks.ts';
import { sizeBreaches } from './tidy/sizes.ts';
import { parse, type Rule, type TextFile } from './tidy/source.ts';
import { consoleBreaches, languageBreaches, syntaxBreaches, testBreaches } from './tidy/syntax.ts';
import { sourceFiles, textFiles, topLevelBreaches, topLevelNames } from './tidy/tree.ts';
import { wallBreaches } from './tidy/walls.ts';

const files = textFiles();
const sources = sourceFiles(files);
const ours = files.filter(({ path }) => path !== 'package-lock.json' && path !== 'LICENSE');
const prose = ours.filter(({ path }) => !path.endsWith('.ts'));

/** An invented file: its path, and what stands in it. */
type Planted = readonly [path: string, text: string];

const asText = (planted: readonly Planted[]): TextFile[] => planted.map(([path, text]) => ({ path, text }));
const asSource = (planted: readonly Planted[]) => asText(planted).map(parse);

/** Words apart in this file, so that it does not break the rule that it proves. */
const joined = (...parts: string[]) => parts.join('');

/** Each planted violation must be found, and each honest neighbour of it must not. */
function proves<File extends TextFile>(
  rule: Rule<File>,
  make: (planted: readonly Planted[]) => File[],
  { found, honest = {} }: { found: Record<string, readonly Planted[]>; honest?: Record<string, readonly Planted[]> },
) {
  test.each(Object.entries(found))('finds %s', (_name, planted) => {
    expect(rule(make(planted))).not.toEqual([]);
  });
  test.each(Object.entries(honest))('lets pass %s', (_name, planted) => {
    expect(rule(make(planted))).toEqual([]);
  });
}

test('the tree that is judged is the real one', () => {
  expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(['package.json', 'src/domain/refusal.ts']));
  expect(sources.length).toBeGreaterThan(10);
});

test('a breach tells the path, the line and the reason', () => {
  expect(rankBreaches(asSource([['src/wire/open.ts', "\nimport { a } from '../exchange/share.ts';"]]))).toEqual([
    { path: 'src/wire/open.ts', line: 2, says: 'wire (1) imports exchange (3): only lower ranks' },
  ]);
});

describe('ranks: data flow down, imports go only to a lower rank', () => {
  test('of the tree', () => expect(rankBreaches(sources)).toEqual([]));
  proves(rankBreaches, asSource, {
    found: {
      'an import upwards': [['src/store/rows.ts', "import { a } from '../exchange/share.ts';"]],
      'an import sideways': [['src/peer/push.ts', "import { a } from '../api/routes.ts';"]],
      'a type taken sideways': [['src/keys/signer.ts', "import type { A } from '../store/tables.ts';"]],
      'a file beside a file of the same rank': [['src/log.ts', "import { a } from './config.ts';"]],
      'a re-export upwards': [['src/wire/open.ts', "export { a } from '../node.ts';"]],
      'an import() upwards': [['src/wire/open.ts', "export const a = await import('../node.ts');"]],
      'an import() type upwards': [['src/wire/open.ts', "export type A = import('../node.ts').A;"]],
      'a computed import()': [['src/wire/open.ts', 'export const a = (name: string) => import(name);']],
      'production code that needs the tests': [['src/cli/demo.ts', "import { a } from '../../test/support/a.ts';"]],
      'a schema read by the domain': [['src/domain/a.ts', "import a from '../../schemas/a.json';"]],
      'a folder without a rank': [['src/plumbing/a.ts', '']],
    },
    honest: {
      'an import downwards': [['src/exchange/share.ts', "import { a } from '../domain/policy.ts';"]],
      'a neighbour': [['src/exchange/share.ts', "import { a } from './gate.ts';"]],
      'a schema read by wire': [['src/wire/schema.ts', "import a from '../../schemas/a.json';"]],
    },
  });
});

describe('cycles: no file imports itself by any way round', () => {
  test('in the tree', () => expect(cycleBreaches(sources)).toEqual([]));
  proves(cycleBreaches, asSource, {
    found: {
      'two files': [
        ['src/wire/a.ts', "import { b } from './b.ts';"],
        ['src/wire/b.ts', "import { a } from './a.ts';"],
      ],
      'three files, joined by types alone': [
        ['src/wire/a.ts', "import type { B } from './b.ts';"],
        ['src/wire/b.ts', "import type { C } from './c.ts';"],
        ['src/wire/c.ts', "export type D = import('./a.ts').D;"],
      ],
      'a file that imports itself': [['src/wire/a.ts', "import { a } from './a.ts';"]],
    },
    honest: {
      'a diamond': [
        ['src/wire/a.ts', "import { b } from './b.ts';\nimport { c } from './c.ts';"],
        ['src/wire/b.ts', "import { d } from './d.ts';"],
        ['src/wire/c.ts', "import { d } from './d.ts';"],
        ['src/wire/d.ts', ''],
      ],
    },
  });
});

describe('walls: each package, each way out and each clock in its place', () => {
  test('of the tree', () => expect(wallBreaches(sources)).toEqual([]));
  proves(wallBreaches, asSource, {
    found: {
      'SQL outside store': [['src/exchange/a.ts', "import { sql } from 'kysely';"]],
      'a type of the driver outside store': [['src/exchange/a.ts', "import type { Pool } from 'pg';"]],
      'the embedded store by a subpath': [['src/cli/a.ts', "import { a } from '@electric-sql/pglite/node-postgres';"]],
      'signatures outside wire and keys': [['src/peer/a.ts', "import { compactVerify } from 'jose';"]],
      'validation outside wire': [['src/api/a.ts', "import { Ajv2020 } from 'ajv/dist/2020.js';"]],
      'the suffix list outside wire': [['src/domain/a.ts', "import { parse } from 'tldts';"]],
      'the web server outside the listeners': [['src/exchange/a.ts', "import { fastify } from 'fastify';"]],
      'a plugin outside the listeners': [['src/cli/a.ts', "import limit from '@fastify/rate-limit';"]],
      'outbound HTTP outside transport': [['src/exchange/a.ts', "import { Pool } from 'undici';"]],
      'the global fetch': [['src/exchange/a.ts', "export const a = () => fetch('https://a.example');"]],
      'fetch by way of globalThis': [['src/exchange/a.ts', "export const a = globalThis.fetch('https://a.example');"]],
      "Node's own client": [['src/exchange/a.ts', "import { request } from 'node:https';"]],
      'a socket': [['src/wire/a.ts', "import net from 'node:net';"]],
      'the command line outside cli': [['src/node.ts', "import { Command } from 'commander';"]],
      'colours outside cli': [['src/exchange/a.ts', "import colours from 'picocolors';"]],
      'a second logger': [['src/store/a.ts', "import { pino } from 'pino';"]],
      'metrics elsewhere': [['src/exchange/a.ts', "import { Counter } from 'prom-client';"]],
      'an unknown package': [['src/wire/a.ts', "import { a } from 'left-pad';"]],
      'the environment': [['src/cli/a.ts', 'export const a = process.env.HOME;']],
      'the environment by another spelling': [['src/cli/a.ts', "export const a = process['env'];"]],
      'the environment by a pattern': [['src/cli/a.ts', 'export const { env } = process;']],
      'the environment by a module': [['src/cli/a.ts', "import { env } from 'node:process';"]],
      'print by console': [['src/cli/a.ts', "console.log('a');"]],
    },
    honest: {
      'SQL in store': [['src/store/a.ts', "import { sql } from 'kysely';"]],
      'jose in keys': [['src/keys/a.ts', "import { SignJWT } from 'jose';"]],
      'fetch as a name of our own': [['src/exchange/a.ts', 'export const a = (fetch: () => void) => fetch();']],
      'a method called fetch': [['src/exchange/a.ts', 'export const a = (box: { fetch(): void }) => box.fetch();']],
      'the environment in config.ts': [['src/config.ts', 'export const a = process.env.HOME;']],
      'the process without its environment': [['src/cli/a.ts', "process.stdout.write('a');"]],
      'a check of an address': [['src/wire/a.ts', "import { isIP } from 'node:net';"]],
      'a type of a server': [['src/peer/a.ts', "import type { Server } from 'node:http';"]],
    },
  });
});

describe('purity: the domain has no clock, no randomness and no way out', () => {
  proves(wallBreaches, asSource, {
    found: {
      'a module of Node': [['src/domain/a.ts', "import { createHash } from 'node:crypto';"]],
      'a package': [['src/domain/a.ts', "import { a } from 'jose';"]],
      'the clock': [['src/domain/a.ts', 'export const a = () => Date.now();']],
      'now as a date': [['src/domain/a.ts', 'export const a = () => new Date();']],
      'now as text': [['src/domain/a.ts', 'export const a = () => Date();']],
      'another clock': [['src/domain/a.ts', 'export const a = () => performance.now();']],
      randomness: [['src/domain/a.ts', 'export const a = () => Math.random();']],
      'better randomness': [['src/domain/a.ts', 'export const a = () => crypto.randomUUID();']],
      'a timer': [['src/domain/a.ts', 'setTimeout(() => undefined, 1);']],
      'a way round by globalThis': [['src/domain/a.ts', 'export const a = globalThis.crypto;']],
      "Node's bytes": [['src/domain/a.ts', "export const a = Buffer.from('a');"]],
    },
    honest: {
      'an instant that was given': [['src/domain/a.ts', 'export const a = (at: string) => new Date(at).getTime();']],
      'the globals that are pure': [
        ['src/domain/a.ts', "export const a = [new URL('https://a.example'), new TextEncoder(), atob('YQ==')];"],
      ],
      'a member that is called process': [['src/domain/a.ts', 'export const a = { process: 1, crypto: 2 };']],
    },
  });
});

const lines = (count: number, line = '// a\n') => line.repeat(count);
const body = (count: number) => `{\n${lines(count, '  a();\n')}}`;

describe('sizes: 400 lines a file, 70 a function', () => {
  test('of the tree', () => expect(sizeBreaches(sources)).toEqual([]));
  proves(sizeBreaches, asSource, {
    found: {
      'a file of 401 lines': [['src/wire/a.ts', lines(401)]],
      'a function of 71 lines': [['src/wire/a.ts', `export function a() ${body(69)}`]],
      'an arrow of 71 lines': [['test/a.test.ts', `test('a', () => ${body(69)});`]],
      'a method of 71 lines': [['src/wire/a.ts', `export class A { a() ${body(69)} }`]],
    },
    honest: {
      'a file of 400 lines': [['src/wire/a.ts', lines(400)]],
      'a function of 70 lines': [['src/wire/a.ts', `export function a() ${body(68)}`]],
      'a describe of 100 lines': [['test/a.test.ts', `describe('a', () => ${body(98)});`]],
      'generated types': [['src/domain/contract.types.ts', lines(900)]],
      'generated codes': [['src/domain/codes.ts', lines(900)]],
    },
  });
});

describe('language: what Node can run by leaving the types out', () => {
  test('of the tree', () => {
    expect(languageBreaches(ours)).toEqual([]);
    expect(syntaxBreaches(sources)).toEqual([]);
  });
  proves(languageBreaches, asText, {
    found: {
      '.tsx': [['src/portal/page.tsx', '']],
      '.jsx': [['test/page.jsx', '']],
      'plain JavaScript': [['src/cli/launch.mjs', '']],
    },
    honest: { '.ts': [['src/store/outbox.ts', '']], 'a schema': [['schemas/a.schema.json', '{}']] },
  });
  proves(syntaxBreaches, asSource, {
    found: {
      any: [['src/wire/a.ts', 'export const a = (b: any) => b;']],
      'as any': [['test/a.test.ts', "export const a = JSON.parse('1') as any;"]],
      'any deep inside': [['src/wire/a.ts', 'export type A = Record<string, Map<string, any[]>>;']],
      enum: [['src/wire/a.ts', 'export enum A { B }']],
      'const enum': [['src/wire/a.ts', 'export const enum A { B }']],
      namespace: [['src/wire/a.ts', 'export namespace A { export const b = 1; }']],
      'a parameter property': [['src/wire/a.ts', 'export class A { constructor(private readonly b: string) {} }']],
      'a default export': [['src/wire/a.ts', 'export default 1;']],
    },
    honest: {
      'the word any': [['src/wire/a.ts', "/** any */ export const any = 'any';"]],
      'an augmented module': [['test/a.ts', "declare module 'vitest' { interface A { b: string } }"]],
      'a default export that a tool demands': [['test/vitest.config.ts', 'export default {};']],
    },
  });
});

describe('tests: none left out, none that mocks', () => {
  test('of the tree', () => expect(testBreaches(sources)).toEqual([]));
  proves(testBreaches, asSource, {
    found: {
      'test.only': [['test/a.test.ts', "test.only('a', () => undefined);"]],
      'describe.skip': [['test/a.test.ts', "describe.skip('a', () => undefined);"]],
      'it.each.only': [['test/a.test.ts', "it.only.each([1])('a', () => undefined);"]],
      'test.todo': [['test/a.test.ts', "test.todo('a');"]],
      'vi.mock': [['test/a.test.ts', "vi.mock('../src/wire/open.ts');"]],
    },
    honest: {
      'a condition that is told': [['test/a.test.ts', "test.skipIf(windows)('a', () => undefined);"]],
      'text about .only(': [['test/a.test.ts', "test('a', () => expect('test.only(').toBe('a'));"]],
    },
  });
});

describe('names: a subject, never a kind', () => {
  test('of the tree', () => {
    expect(pathBreaches(ours)).toEqual([]);
    expect(barrelBreaches(sources)).toEqual([]);
    expect(wordBreaches(sources)).toEqual([]);
  });
  proves(pathBreaches, asText, {
    found: {
      'a folder utils': [['src/wire/utils/base64.ts', '']],
      'a file helpers': [['test/support/helpers.ts', '']],
      'a file types': [['src/domain/types.ts', '']],
      'a folder shared': [['src/shared/a.ts', '']],
      'a service': [['src/exchange/service.test.ts', '']],
    },
    honest: { 'generated types of a subject': [['src/domain/contract.types.ts', '']] },
  });
  proves(barrelBreaches, asSource, {
    found: {
      'an index': [['src/wire/index.ts', '']],
      'export *': [['src/wire/a.ts', "export * from './b.ts';\nexport const c = 1;"]],
      'a file that only passes on': [
        ['src/wire/a.ts', "export { b } from './b.ts';\nexport type { C } from './c.ts';"],
      ],
    },
    honest: {
      'one name passed on beside work': [['src/wire/a.ts', "export { b } from './b.ts';\nexport const c = 1;"]],
    },
  });
  proves(wordBreaches, asSource, {
    found: {
      'a manager': [['src/wire/a.ts', 'export class KeyManager {}']],
      'manage as a verb': [['src/wire/a.ts', 'export function manageKeys() {}']],
      'process as a verb': [['src/wire/a.ts', 'export const processMessage = () => undefined;']],
      'handle as a verb': [['src/wire/a.ts', 'export function handleRequest() {}']],
      'a method called handle': [['src/wire/a.ts', 'export class A { handle() {} }']],
      data: [['src/wire/a.ts', 'export const a = (data: string) => data;']],
      info: [['src/wire/a.ts', 'export const { info } = await a();']],
      item: [['src/wire/a.ts', 'for (const item of []) a(item);']],
    },
    honest: {
      'the global process': [['src/cli/a.ts', "process.stdout.write('a');"]],
      'a process that runs': [['src/cli/a.ts', 'export const processId = process.pid;']],
      'handles as the noun they are': [['src/domain/a.ts', 'export function handleSystem(handle: string) {}']],
      'the body of a list': [['src/api/a.ts', 'export const a = { items: [], data: 1 };']],
      'a level of a logger': [['src/log.ts', 'export interface Log { info(words: string): void }']],
      'a name that a package chose': [['src/log.ts', "import { info } from 'pino';"]],
      tests: [['test/a.test.ts', 'const data = 1;']],
    },
  });
});

describe('prose: nothing promised, nothing of one machine, nobody accused, no child blamed', () => {
  test('of the tree', () => {
    expect(consoleBreaches(sources)).toEqual([]);
    expect(promiseBreaches([...sources, ...prose])).toEqual([]);
    expect(machineBreaches(ours)).toEqual([]);
    expect(addressBreaches(ours)).toEqual([]);
    expect(terminologyBreaches(ours)).toEqual([]);
  });
  proves(consoleBreaches, asSource, { found: { 'print in a test': [['test/a.test.ts', 'console.info(1);']] } });
  proves(promiseBreaches, asSource, {
    found: { 'a promise in a comment': [['src/wire/a.ts', '// TODO check the tail']] },
    honest: { 'the word in a string': [['test/a.test.ts', "export const a = 'TODO';"]] },
  });
  proves(promiseBreaches, asText, { found: { 'a promise in a page': [['README.md', joined('FIX', 'ME: later')]] } });
  proves(machineBreaches, asText, {
    found: {
      'a checkout of somebody': [['README.md', joined('run /wo', 'rk/main/a.sh')]],
      'a home directory': [['.ci/run', joined("cd '/ho", "me/somebody/caseref'")]],
    },
    honest: {
      'a path of an address': [['test/a.test.ts', 'https://host.example/home/page']],
      'a path that every machine has': [['test/a.ts', '/etc/passwd /usr/bin:/bin']],
    },
  });
  proves(addressBreaches, asText, {
    found: { 'a real name': [['test/a.test.ts', joined('https:', '//www.someshop.com/a')]] },
    honest: {
      'reserved names': [['test/a.ts', 'https://a.example/ http://b.test:80/ ftp://c.invalid http://example.co.uk/']],
      'names that no resolver knows': [['test/a.ts', 'http://localhost:1/ http://10.0.0.1/ http://abc.onion/']],
      'a standard': [['README.md', 'https://www.rfc-editor.org/rfc/rfc8417']],
    },
  });
  proves(terminologyBreaches, asText, {
    found: {
      'two words': [['README.md', joined('child p', 'ornography')]],
      'one identifier': [['src/domain/a.ts', joined('childP', 'orn')]],
      'a code with a hyphen': [['schemas/codes/a.json', joined('child-s', 'ex-tourism')]],
    },
    honest: {
      'the terms of the guidelines': [
        ['README.md', 'child sexual abuse material, sexual extortion of children, exploitation in travel and tourism'],
      ],
      'codes of the field': [['schemas/codes/a.json', 'adult-pornography, travel-and-tourism, self-generated']],
    },
  });
});

describe('packages: exact, public and checked', () => {
  test('of the tree', () => {
    expect(topLevelBreaches(topLevelNames())).toEqual([]);
    expect(versionBreaches(files)).toEqual([]);
    expect(lockBreaches(files)).toEqual([]);
  });
  test('finds a name at the top level that nobody agreed to', () => {
    expect(topLevelBreaches(['src', 'docs'])).toHaveLength(1);
  });
  proves(versionBreaches, asText, {
    found: { 'a range': [['package.json', '{"devDependencies":{"a":"^1.0.0"}}']] },
    honest: { 'an exact version': [['package.json', '{"dependencies":{"a":"1.0.0-beta.17"}}']] },
  });
  const lock = (entry: object) => JSON.stringify({ packages: { '': {}, 'node_modules/a': entry } });
  proves(lockBreaches, asText, {
    found: {
      'another registry': [['package-lock.json', lock({ resolved: 'https://mirror.example/a.tgz', integrity: 'a' })]],
      'no digest': [['package-lock.json', lock({})]],
    },
    honest: { 'a digest without an address': [['package-lock.json', lock({ integrity: 'a' })]] },
  });
});
