import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  checkNodeSettings,
  dataDirectory,
  defaultListeners,
  type NodeSettings,
  readEnvironment,
  readListen,
  readNodeSettings,
  secret,
  settle,
  writeNodeSettings,
} from '../src/config.ts';
import { isRefusal } from '../src/domain/refusal.ts';

const node: NodeSettings = {
  issuer: 'https://node.hotline-a.example',
  name: 'Hotline A',
  type: 'hotline',
  jurisdictions: ['DE'],
  ...defaultListeners,
};
const DATABASE = 'postgres://caseref:canary-password@db.example/caseref';

const run = (env: NodeJS.ProcessEnv, settings = node) => settle(readEnvironment(env), settings);

describe('a secret', () => {
  test('is shown to whoever asks for it by name', () => expect(secret('canary').reveal()).toBe('canary'));

  test.each([
    ['JSON', JSON.stringify({ value: secret('canary') })],
    ['inspect', inspect({ value: secret('canary') }, { showHidden: true, depth: 9 })],
    ['a template', `${secret('canary')}`],
    ['format', format('%s %o %j', secret('canary'), secret('canary'), secret('canary'))],
    ['an error', new Error(String(secret('canary'))).message],
  ])('is not shown by %s', (_name, text) => {
    expect(text).not.toContain('canary');
    expect(text).toContain('[secret]');
  });

  test('stays one in what was read from the environment', () => {
    const environment = readEnvironment({ CASEREF_PASSPHRASE: 'canary words', CASEREF_DATABASE: DATABASE });
    expect(inspect(environment, { depth: 9 }) + JSON.stringify(environment)).not.toContain('canary');
    expect(environment.passphrase?.reveal()).toBe('canary words');
    expect(environment.database?.reveal()).toBe(DATABASE);
  });
});

describe('settle', () => {
  test('gives defaults to a node without any setting', () => {
    expect(run({})).toMatchObject({ logLevel: 'info', trustProxy: false, store: { kind: 'embedded' } });
  });

  test('takes PostgreSQL where address and schema are both known', () => {
    const settled = run({ CASEREF_DATABASE: DATABASE }, { ...node, schema: 'hotline_a' });
    expect(settled).toMatchObject({ store: { kind: 'postgres', schema: 'hotline_a' } });
    expect(JSON.stringify(settled)).not.toContain('canary');
  });

  test.each([
    ['/opt/tell', ['/opt/tell']],
    ['  /opt/tell --to  desk ', ['/opt/tell', '--to', 'desk']],
    ['["/opt/tell","two words","$(id)"]', ['/opt/tell', 'two words', '$(id)']],
    ['', undefined],
  ])('takes the command for alerts as %j', (text, parts) => {
    expect(run({ CASEREF_ALERT_COMMAND: text })).toHaveProperty('store');
    expect((run({ CASEREF_ALERT_COMMAND: text }) as { alertCommand?: unknown }).alertCommand).toEqual(parts);
  });

  test.each([
    'tell',
    './tell',
    '["tell"]',
    '[]',
    '["/opt/tell",7]',
    '["/opt/tell","a\\u0000b"]',
    '["/opt/tell"',
    '/opt/tell "two words"',
    '/opt/tell | mail',
  ])('refuses %j as the command for alerts', (text) => {
    const refusal = run({ CASEREF_ALERT_COMMAND: text });
    expect(refusal).toMatchObject({
      code: 'setting-invalid',
      message: expect.stringMatching(/^CASEREF_ALERT_COMMAND: /),
    });
  });

  test.each([
    ['an address of PostgreSQL for a node with an embedded store', { CASEREF_DATABASE: DATABASE }, node],
    ['no address for a node in PostgreSQL', {}, { ...node, schema: 'hotline_a' }],
    ['an empty address for a node in PostgreSQL', { CASEREF_DATABASE: '' }, { ...node, schema: 'hotline_a' }],
    ['an address of something else', { CASEREF_DATABASE: 'mysql://canary@db.example/x' }, { ...node, schema: 'a' }],
    ['an address that is none', { CASEREF_DATABASE: 'canary' }, { ...node, schema: 'a' }],
    ['a level that is unknown', { CASEREF_LOG_LEVEL: 'canary' }, node],
    ['a proxy setting that is unknown', { CASEREF_TRUST_PROXY: 'canary' }, node],
  ])('refuses %s, says what to do and repeats no value', (_name, env, settings) => {
    const settled = run(env, settings);
    expect(settled).toMatchObject({ refused: true, code: 'setting-invalid', next: expect.stringMatching(/.{10}/) });
    expect(JSON.stringify(settled)).not.toContain('canary');
  });
});

describe('the directory of a node', () => {
  test.each([
    ['the argument', { CASEREF_DATA: '/b' }, '/a', '/a'],
    ['the setting', { CASEREF_DATA: '/b' }, undefined, '/b'],
    ['a relative one from where npm was called', { INIT_CWD: '/called/from' }, 'node', '/called/from/node'],
  ])('is %s', (_name, env, argument, expected) => expect(dataDirectory(readEnvironment(env), argument)).toBe(expected));

  test('must be named', () =>
    expect(dataDirectory(readEnvironment({}), undefined)).toMatchObject({ code: 'usage-invalid' }));
});

test('NO_COLOR counts when it is not empty', () => {
  expect([readEnvironment({ NO_COLOR: '1' }).noColor, readEnvironment({ NO_COLOR: '' }).noColor]).toEqual([
    true,
    false,
  ]);
});

test.each([
  ['127.0.0.1:8440', { host: '127.0.0.1', port: 8440 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['node.example:65535', { host: 'node.example', port: 65535 }],
])('%s is read as an address to listen on', (text, expected) => expect(readListen(text, '/peer')).toEqual(expected));

test.each([
  '8440',
  ':8440',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '127.0.0.1:-1',
  'a b:1',
  'http://a:1',
  '::1:8440',
])('%s is none', (text) =>
  expect(readListen(text, '/peer')).toMatchObject({ code: 'setting-invalid', pointer: '/peer' }),
);

describe('the settings of a node', () => {
  test('are taken as they are when all is right', () => expect(checkNodeSettings(node)).toEqual(node));

  test.each([
    ['/issuer', { issuer: undefined }],
    ['/issuer', { issuer: 'https://node.hotline-a.example/' }],
    ['/issuer', { issuer: 'http://node.hotline-a.example' }],
    ['/issuer', { issuer: 'https://NODE.hotline-a.example' }],
    ['/name', { name: ' ' }],
    ['/name', { name: 'x'.repeat(201) }],
    ['/type', { type: 'police' }],
    ['/jurisdictions', { jurisdictions: [] }],
    ['/jurisdictions/1', { jurisdictions: ['DE', 'uk'] }],
    ['/peer', { peer: { host: '127.0.0.1' } }],
    ['/api', { api: { host: '127.0.0.1', port: 65_536 } }],
    ['/portal', { portal: { host: '127.0.0.1', port: -1 } }],
    ['/private', { private: 'x' }],
    ['/schema', { schema: 'a; drop' }],
    ['/retainDays', { retainDays: 0 }],
    ['/retainDays', { retainDays: 1.5 }],
    ['/colour', { colour: 'red' }],
  ])('are refused at %s: %o', (pointer, change) => {
    expect(checkNodeSettings({ ...node, ...change })).toMatchObject({ refused: true, pointer });
  });

  test.each([null, [], 'x', 1])('%o is no settings at all', (value) =>
    expect(isRefusal(checkNodeSettings(value))).toBe(true),
  );
});

describe('node.json', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'caseref-config-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('comes back as it was written, for its owner alone and with nothing beside it', async () => {
    const settings = { ...node, schema: 'hotline_a', retainDays: 30 };
    await writeNodeSettings(folder, settings);
    expect(await readNodeSettings(folder)).toEqual(settings);
    expect((await stat(join(folder, 'node.json'))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['node.json']);
  });

  test('is replaced whole', async () => {
    await writeNodeSettings(folder, { ...node, name: 'A much longer name than the next one' });
    await writeNodeSettings(folder, node);
    expect(JSON.parse(await readFile(join(folder, 'node.json'), 'utf8'))).toEqual(node);
  });

  test.each([
    ['cut off', '{"issuer":'],
    ['with a member twice', '{"issuer":"https://a.example","issuer":"https://b.example"}'],
    ['empty', ''],
  ])('that is %s is refused', async (_name, text) => {
    await writeFile(join(folder, 'node.json'), text);
    expect(await readNodeSettings(folder)).toMatchObject({ refused: true, code: 'setting-invalid' });
  });

  test('that is not there leads to init', async () => {
    expect(await readNodeSettings(folder)).toMatchObject({
      code: 'setting-invalid',
      next: expect.stringContaining('init'),
    });
  });
});
