import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { OwnIdentity, OwnKey } from '../../src/exchange/own-keys.ts';
import { type CliNode, makeNode } from '../support/cli-node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { run } from './run.ts';

/** Each command opens the key files anew, which takes its time by intention. */
const SLOW = 60_000;

// On PostgreSQL: a command opens it in no time, the embedded store in seconds.
let database: FreshDatabase;
let node: CliNode;
let serving: ChildProcess | undefined;
const kept = () => join(node.directory, '..', 'identity.key');
const file = (name: string) => join(node.directory, '..', name);

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  node = await makeNode({ name: 'Hotline A', type: 'hotline', jurisdiction: 'DE', database: database.url });
}, SLOW);
afterAll(async () => {
  await stop();
  await node.remove();
  await database.drop();
});

async function stop(): Promise<void> {
  const ended = serving && once(serving, 'exit');
  serving?.kill('SIGTERM');
  await ended;
  serving = undefined;
}

interface Listed {
  readonly identity: OwnIdentity;
  readonly keys: readonly OwnKey[];
}

const list = () => node.json<Listed>('keys', 'list');
const active = async (use: string) => (await list()).keys.find((key) => key.state === 'active' && key.use === use);

describe('with the identity key on this machine', () => {
  test('the list names both keys of a new node, and that they are published', { timeout: SLOW }, async () => {
    const { code, out } = await node.run('keys', 'list');
    expect(code).toBe(0);
    expect(out).toMatch(/private part +on this machine/);
    expect(out).toMatch(/Ed25519 +signing +active +yes/);
    expect(out).toMatch(/ECDH-ES +encryption +active +yes/);
  });

  test('what destroys or rotates does nothing without --yes', { timeout: SLOW }, async () => {
    const kid = (await active('sig'))?.kid ?? '';
    const calls = [
      ['keys', 'retire', kid],
      ['keys', 'revoke', kid, '--reason', 'compromised', '--since', 'now'],
      ['keys', 'rotate'],
      ['keys', 'new-identity', '--reason', 'lost', '--keep-keys'],
    ];
    for (const args of calls) {
      const { code, err } = await node.run(...args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(err).toContain('--yes');
    }
    expect((await list()).keys).toHaveLength(2);
  });

  test('a new identity asks whether the other keys were in other hands', { timeout: SLOW }, async () => {
    const replaced = await node.run('keys', 'new-identity', '--reason', 'lost', '--yes');
    expect([replaced.code, replaced.err]).toEqual([2, expect.stringMatching(/--since INSTANT.*--keep-keys/)]);
    expect((await list()).keys).toHaveLength(2);
  });

  test('a key revoked without an instant is revoked from now on, and what that leaves out is said', {
    timeout: SLOW,
  }, async () => {
    const kid = (await active('sig'))?.kid ?? '';
    const revoked = await node.run('keys', 'revoke', kid, '--reason', 'somebody had it', '--yes');
    expect([revoked.code, revoked.out + revoked.err]).toEqual([
      0,
      expect.stringMatching(/passes for ours[\s\S]*--since INSTANT/),
    ]);
  });

  test('a plan is printed as JSON where JSON is asked for, and nothing is done', { timeout: SLOW }, async () => {
    const before = (await list()).keys.length;
    const { code, out, err } = await node.run('keys', 'rotate', '--json');
    expect([code, err]).toEqual([2, expect.stringContaining('--yes')]);
    expect(JSON.parse(out)).toMatchObject({ done: false, plan: { alg: 'Ed25519', use: 'sig' } });
    expect((await list()).keys).toHaveLength(before);
  });

  test('a rotation shows its plan, makes and publishes, and says who does the rest', { timeout: SLOW }, async () => {
    const { code, out, err } = await node.run('keys', 'rotate', '--use', 'enc', '--yes');
    expect(code).toBe(0);
    expect(err).toMatch(/now: a key that partners encrypt to is made/);
    expect(err).toMatch(/the private part of \S{43} is destroyed/);
    expect(err).toMatch(/caseref keys activate \S{43}/);
    expect(out).toMatch(/state +future/);
    const again = await node.run('keys', 'rotate', '--use', 'enc', '--yes');
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('A rotation is under way')]);
  });

  test('a key revoked is destroyed, replaced and told', { timeout: SLOW }, async () => {
    const lost = await active('sig');
    const wish = ['--reason', 'compromised', '--since', '2026-01-01 00:00', '--yes'];
    const { code, out, err } = await node.run('keys', 'revoke', lost?.kid ?? '', ...wish);
    expect([code, out]).toEqual([0, expect.stringMatching(/revoked since[\s\S]*successor[\s\S]*key set/)]);
    expect(err).toContain('2026-01-01 00:00 is taken as 2026-01-01T00:00:00Z, in UTC.');
    expect(err).toMatch(/The plan:[\s\S]*partners refuse what it signs/);
    expect(err).toContain('its begin counts');
    expect(err).toMatch(/said again by one that does:\n {2}caseref serve/);
    expect((await list()).keys.find(({ kid }) => kid === lost?.kid)).toMatchObject({
      state: 'revoked',
      revokedReason: 'compromised',
      published: true,
    });
  });
});

describe('with the identity key elsewhere', () => {
  beforeAll(async () => {
    await rename(join(node.directory, 'keys', 'identity.key'), kept());
    serving = await node.serve();
  }, SLOW);

  test('publishing is refused with the ways to go on, and the card still stands', { timeout: SLOW }, async () => {
    const { code, err } = await node.run('keys', 'publish');
    expect(code).toBe(1);
    expect(err).toMatch(/--identity FILE[\s\S]*export-public/);
    expect((await node.run('card')).out.trim().split('.')).toHaveLength(3);
  });

  test('the file is named, and a running node never sees it', { timeout: SLOW }, async () => {
    const before = await fetch(`${node.issuer}/.well-known/caseref-keys`);
    const { code, out } = await node.run('keys', 'publish', '--identity', kept());
    expect([code, out]).toEqual([0, expect.stringMatching(/key set +\d+/)]);
    const after = await fetch(`${node.issuer}/.well-known/caseref-keys`);
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'));
    await expect(stat(join(node.directory, 'keys', 'identity.key'))).rejects.toThrow('ENOENT');
  });

  test('the request is carried, signed without a node, and carried back', { timeout: SLOW }, async () => {
    const exported = await node.run('keys', 'export-public', file('request.json'));
    expect([exported.code, exported.err]).toEqual([0, expect.stringMatching(/No key is new.*\n[\s\S]*Digest/)]);
    const args = [
      'keys',
      'publish',
      '--request',
      file('request.json'),
      '--identity',
      kept(),
      '--out',
      file('signed.json'),
      '--yes',
    ];
    const environment = { CASEREF_IDENTITY_PASSPHRASE: node.environment.CASEREF_PASSPHRASE };
    const offline = await run(args, { environment });
    expect([offline.code, offline.err]).toEqual([0, expect.stringContaining(`Signed for ${node.issuer}`)]);
    const digest = /Digest.*: ([\d ]+)/;
    expect(digest.exec(offline.err)?.[1]).toBe(digest.exec(exported.err)?.[1]);
    expect((await run(args, { environment })).err).toContain('exists already');
    const told = await node.json<{ seq: number }>('keys', 'publish', '--signed', file('signed.json'));
    expect(told.seq).toBeGreaterThan(1_700_000_000);
    const twice = await node.run('keys', 'publish', '--signed', file('signed.json'));
    expect([twice.code, twice.err]).toEqual([1, expect.stringContaining('publication-invalid')]);
  });

  test('a key that somebody put into the request is seen before it is signed, and nothing is without a word', {
    timeout: SLOW,
  }, async () => {
    const request = JSON.parse((await node.run('keys', 'export-public')).out) as {
      keySet: { keys: { kid: string; revoked?: object }[] };
    };
    const key = request.keySet.keys.find(({ revoked }) => revoked === undefined);
    const kid = 'A'.repeat(43);
    request.keySet.keys.push({ ...key, kid });
    await writeFile(file('planted.json'), JSON.stringify(request));
    const args = ['keys', 'publish', '--request', file('planted.json'), '--identity', kept()];
    const { code, out, err } = await node.run(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(new RegExp(`NEW: ${kid}[\\s\\S]*--yes`));
  });

  test('a folder, a file of another kind and a passphrase that does not open it are told apart', {
    timeout: SLOW,
  }, async () => {
    const publish = (path: string, more: NodeJS.ProcessEnv = {}) =>
      run(['keys', 'publish', '--identity', path], { environment: { ...node.environment, ...more } });
    expect((await publish(join(node.directory, 'keys'))).err).toMatch(/not a plain file.*\n.*Name the key file itself/);
    expect((await publish(join(node.directory, 'keys', 'node.key'))).err).toMatch(
      /is no identity key.*\n.*not node.key/,
    );
    const wrong = await publish(kept(), { CASEREF_IDENTITY_PASSPHRASE: 'some other invented words' });
    expect([wrong.code, wrong.err]).toEqual([
      1,
      expect.stringMatching(/passphrase-wrong[\s\S]*CASEREF_IDENTITY_PASSPHRASE_FILE/),
    ]);
  });

  test('the request holds no secret', { timeout: SLOW }, async () => {
    const { out } = await node.run('keys', 'export-public');
    expect(JSON.parse(out)).toMatchObject({ caseref: 'publication-request', version: 1 });
    expect(out).not.toMatch(/"(d|priv|private|master)"/);
  });

  test('the identity key of another node signs nothing for this one', { timeout: SLOW }, async () => {
    const other = await makeNode({ name: 'Hotline B', type: 'hotline', jurisdiction: 'NL' });
    const identity = join(other.directory, 'keys', 'identity.key');
    const { code, err } = await node.run('keys', 'publish', '--identity', identity);
    await other.remove();
    expect([code, err]).toEqual([1, expect.stringContaining('of another node')]);
  });

  test.each<[string[], RegExp]>([
    [['--signed', 'a', '--identity', 'b'], /--signed FILE alone/],
    [['--request', 'a'], /--identity FILE/],
    [['--out', 'a'], /--request FILE/],
    [['--identity', 'nowhere.key'], /does not exist/],
  ])('%j is a wrong call', { timeout: SLOW }, async (args, next) => {
    const { code, err } = await node.run('keys', 'publish', ...args);
    expect([code, err]).toEqual([2, expect.stringMatching(next)]);
  });

  test('a kid that begins with a hyphen is a kid', { timeout: SLOW }, async () => {
    for (const kid of [`-${'x'.repeat(42)}`, `--${'x'.repeat(41)}`]) {
      const retired = await node.run('keys', 'retire', kid, '--yes');
      expect([retired.code, retired.err]).toEqual([1, expect.stringContaining('not-found')]);
    }
    const { code, err } = await node.run('keys', 'retire', 'x'.repeat(43), '--sure');
    expect([code, err]).toEqual([2, expect.stringContaining('Too many arguments')]);
  });

  test('a file that is something else is refused', { timeout: SLOW }, async () => {
    await writeFile(file('odd.json'), JSON.stringify({ caseref: 'publication', version: 1, keySet: {}, card: 7 }));
    const { code, err } = await node.run('keys', 'publish', '--signed', file('odd.json'));
    expect([code, err]).toEqual([1, expect.stringContaining('is no publication of caseref')]);
  });

  test('a key is revoked here, and it is said loudly that partners do not know', { timeout: SLOW }, async () => {
    const lost = await active('sig');
    const wish = ['--reason', 'compromised', '--since', 'now', '--yes'];
    const revoked = await node.run('keys', 'revoke', lost?.kid ?? '', ...wish);
    expect(revoked.err).toMatch(/revoked here only[\s\S]*export-public/);
    const { out } = await node.run('doctor');
    expect(out).toContain(`${lost?.kid} is revoked here, and partners do not know`);
  });
});

describe('passphrase and identity', () => {
  test('the passphrase is changed beside a running node; the old one opens nothing any more', {
    timeout: SLOW,
  }, async () => {
    const next = 'other invented words for tests';
    const changed = await run(['keys', 'passphrase'], {
      environment: { ...node.environment, CASEREF_NEW_PASSPHRASE: next },
    });
    expect([changed.code, changed.err]).toEqual([0, expect.stringContaining('change CASEREF_PASSPHRASE')]);
    expect((await node.run('keys', 'generate', '--alg', 'ES256')).code).toBe(0);
    await stop();
    const old = await node.run('keys', 'list');
    expect([old.code, old.err]).toEqual([1, expect.stringContaining('passphrase-wrong')]);
    node.environment.CASEREF_PASSPHRASE = next;
    expect((await node.run('keys', 'list')).code).toBe(0);
  });

  test('a new identity says what follows', { timeout: SLOW }, async () => {
    const before = (await list()).identity;
    const wish = ['--reason', 'The stick is lost', '--keep-keys', '--yes'];
    const { code, out, err } = await node.run('keys', 'new-identity', ...wish);
    expect(code).toBe(0);
    expect(err).toMatch(/Partners take nothing new of this node before each of them has confirmed/);
    const again = await node.run('keys', 'new-identity', ...wish);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('--again')]);
    const after = (await list()).identity;
    expect(out).toContain(after.kid);
    expect(after.kid).not.toBe(before.kid);
    expect(after.present).toBe(true);
    const signed = await node.run('keys', 'publish', '--identity', kept());
    expect(signed.code).toBe(1);
  });
});
