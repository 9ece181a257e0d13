import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultListeners, type NodeSettings, type RunSettings, secret } from '../../../src/config.ts';
import type { Finding } from '../../../src/domain/finding.ts';
import { examineClocks } from '../../../src/exchange/doctor/clock.ts';
import { examineConfiguration } from '../../../src/exchange/doctor/configuration.ts';
import { examineFiles } from '../../../src/exchange/doctor/files.ts';
import { examineKeys } from '../../../src/exchange/doctor/keys.ts';
import { examinePartner, type PartnerStanding } from '../../../src/exchange/doctor/partner.ts';
import { judgeTrip } from '../../../src/exchange/doctor/round-trip.ts';
import { examineTime } from '../../../src/exchange/doctor/store.ts';
import { openPolicy } from '../../support/node.ts';

const told = (findings: readonly Finding[]) =>
  findings.filter(({ level }) => level !== 'ok').map(({ level, code }) => `${level} ${code}`);

describe('the configuration', () => {
  const settings: NodeSettings = {
    issuer: 'https://node.hotline-a.example',
    name: 'A',
    type: 'hotline',
    jurisdictions: ['DE'],
    ...defaultListeners,
  };
  const run: RunSettings = {
    logLevel: 'info',
    trustProxy: true,
    alertCommand: ['/bin/sh'],
    store: { kind: 'postgres', url: secret('postgres://db.example/caseref'), schema: 'caseref' },
  };

  test('of a node behind a proxy, with PostgreSQL and a command, is fine', async () => {
    expect(await examineConfiguration(settings, run)).toEqual([expect.objectContaining({ level: 'ok' })]);
  });

  test.each<[string, Partial<NodeSettings>, Partial<RunSettings>]>([
    ['bad store-trial', {}, { store: { kind: 'embedded' } }],
    ['note store-embedded', { issuer: 'http://localhost:8440' }, { store: { kind: 'embedded' } }],
    ['bad listener-public', { api: { host: '198.41.0.4', port: 8441 } }, {}],
    ['bad listener-public', { portal: { host: '2620:fe::9', port: 8442 } }, {}],
    ['warn listener-everywhere', { private: { host: '0.0.0.0', port: 8443 } }, {}],
    ['bad peer-without-tls', { peer: { host: '::', port: 8440 } }, {}],
    ['warn proxy-untrusted', {}, { trustProxy: false }],
    ['bad alert-command-broken', {}, { alertCommand: ['/nowhere/tell'] }],
  ])('tells %s', async (code, changes, changed) => {
    expect(told(await examineConfiguration({ ...settings, ...changes }, { ...run, ...changed }))).toEqual([code]);
  });

  test('an address of the own network is fine', async () => {
    const inner = { api: { host: '10.1.2.3', port: 8441 }, portal: { host: '192.168.0.7', port: 8442 } };
    expect(told(await examineConfiguration({ ...settings, ...inner }, run))).toEqual([]);
  });

  test('without a command for alerts is worth a note', async () => {
    const { alertCommand: _, ...without } = run;
    expect(told(await examineConfiguration(settings, without))).toEqual(['note alert-command-missing']);
  });
});

describe('the files', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'caseref-files-'));
    await mkdir(join(folder, 'keys'), { mode: 0o700 });
    await writeFile(join(folder, 'keys', 'node.key'), '', { mode: 0o600 });
    await writeFile(join(folder, 'node.json'), '', { mode: 0o644 });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('as init makes them are fine', async () => expect(told(await examineFiles(folder))).toEqual([]));

  test.each([
    ['.', 0o755, 'chmod 700'],
    ['keys', 0o750, 'chmod 700'],
    ['keys/node.key', 0o640, 'chmod 600'],
    ['node.json', 0o664, 'chmod 600'],
  ])('%s with mode %o is told with the way back', async (path, mode, next) => {
    await chmod(join(folder, path), mode);
    expect(await examineFiles(folder)).toMatchObject([
      { level: 'bad', code: 'file-mode-lax', next: `${next} ${join(folder, path)}` },
    ]);
  });

  test('a link is judged where it leads, not by its own bits', async () => {
    await symlink('/dev/null', join(folder, 'store'));
    expect(told(await examineFiles(folder))).toEqual([]);
  });
});

describe('the clock', () => {
  const at = (seconds: number, n = 1) => ({ partner: `https://node-${n}.example`, aheadMs: seconds * 1000 });

  test('within a minute of a partner is fine', () => expect(told(examineClocks([at(59), at(-59, 2)]))).toEqual([]));
  test('is unknown where nobody answered', () =>
    expect(told(examineClocks([{ partner: 'https://node-1.example', code: 'timeout' }]))).toEqual([
      'note clock-unknown',
    ]));
  test('that differs from one partner may be either', () =>
    expect(examineClocks([at(-90), at(1, 2)])).toMatchObject([
      {
        code: 'clock-differs',
        partner: 'https://node-1.example',
        message: expect.stringContaining('90 s: ours is behind'),
      },
    ]));
  test('within five seconds of the database server is fine', () => {
    expect([...examineTime(4999), ...examineTime(-4999)]).toEqual([]);
  });
  test('that differs from the database server is told, and is bad where messages begin to wait', () => {
    expect(examineTime(8000)).toMatchObject([
      { level: 'warn', code: 'store-clock-differs', message: expect.stringContaining('8 s ahead of') },
    ]);
    expect(examineTime(-300_000)).toMatchObject([{ level: 'bad', message: expect.stringContaining('300 s behind') }]);
  });
  test('that differs from most is ours', () =>
    expect(told(examineClocks([at(61), at(70, 2), at(0, 3)]))).toEqual(['bad clock-wrong']));
});

describe('our keys', () => {
  const DAY = 86_400;
  const fine = { activeUntil: 100 * DAY, publishedUntil: 80 * DAY, identityPresent: false };

  test.each([
    [{}, []],
    [{ activeUntil: 44 * DAY }, ['warn key-expiring']],
    [{ activeUntil: 0 }, ['bad key-expired']],
    [{ publishedUntil: 29 * DAY }, ['warn key-set-expiring']],
    [{ publishedUntil: 0 }, ['bad key-set-expired']],
    [{ publishedUntil: undefined }, ['bad key-set-missing']],
  ])('%j', (changes, expected) => {
    expect(told(examineKeys({ ...fine, ...changes }, 0)).filter((one) => !one.startsWith('note'))).toEqual(expected);
  });

  test('the next step asks for the identity key where it is elsewhere', () => {
    const [finding] = examineKeys({ ...fine, activeUntil: 1 }, 0);
    expect(finding?.next).toContain('caseref keys publish --identity FILE');
  });
});

describe('a partner', () => {
  const DAY = 86_400_000;
  const now = Date.parse('2026-11-20T12:00:00Z');
  const policy = openPolicy('https://node-1.example') as unknown as NonNullable<PartnerStanding['policy']>;
  const fine: PartnerStanding = {
    issuer: 'https://node-1.example',
    state: 'active',
    policy,
    keySetUntil: now + 60 * DAY,
    waiting: undefined,
    queued: 0,
    shut: false,
  };
  const reviewed = (reviewBy: string) =>
    ({ policy: { ...policy, legal: { basis: 'b', transfer: 'none', reviewBy } } }) as Partial<PartnerStanding>;
  const waiting = (hours: number) => ({ waiting: { since: now - hours * 3_600_000, count: 3, code: 'timeout' } });

  test.each<[Partial<PartnerStanding>, string[]]>([
    [{}, []],
    [{ state: 'pending' }, ['warn partner-pending']],
    [{ state: 'suspended' }, ['note partner-suspended']],
    [{ policy: undefined }, ['warn policy-missing']],
    [reviewed('2026-11-20'), ['warn review-due']],
    [reviewed('2026-11-19'), ['bad review-overdue']],
    [reviewed('2027-02-01'), []],
    [{ keySetUntil: now }, ['bad partner-keys-expired']],
    [{ keySetUntil: now + 13 * DAY }, ['warn partner-keys-expiring']],
    [waiting(0.5), []],
    [waiting(2), ['warn delivery-waiting']],
    [waiting(30), ['bad delivery-waiting']],
    [{ ...waiting(0.1), shut: true }, ['warn delivery-waiting']],
  ])('%j', (changes, expected) => expect(told(examinePartner({ ...fine, ...changes }, now))).toEqual(expected));

  test('the outbox is not called in order while anything waits, however short', () => {
    const [{ message: empty } = { message: '' }] = examinePartner(fine, now);
    const [{ message: waits } = { message: '' }] = examinePartner({ ...fine, ...waiting(0.1), queued: 3 }, now);
    expect([empty, waits]).toEqual([expect.stringContaining('outbox'), expect.not.stringContaining('outbox')]);
  });

  test('without a legal basis is told, since everything for it is held', () => {
    const { legal: _, ...without } = policy;
    expect(told(examinePartner({ ...fine, policy: without }, now))).toEqual(['warn legal-missing']);
  });
});

describe('a round trip', () => {
  const issuer = 'https://node-1.example';
  const [self, id] = ['https://node.hotline-a.example', '0190a6b0-5d3c-7c11-9d5e-2f60b6a1c001'];
  type Ended = Parameters<typeof judgeTrip>[2]['standing'];
  const ended = (state: Ended['state'], changes: Partial<Ended> = {}, isHeard = false) => {
    const standing = { id, state, outcome: null, last_code: null, attempts: 1, ...changes };
    return judgeTrip(self, issuer, { standing, tookMs: 10_000 }, isHeard);
  };

  test.each([
    ['receipted', { outcome: 'accepted' }, 'ok round-trip', 'in 10.0 s'],
    ['receipted', { outcome: 'refused' }, 'warn round-trip-refused', 'says refused'],
    ['queued', { last_code: 'timeout' }, 'bad partner-unreachable', '(timeout)'],
    ['queued', { last_code: 'access_denied' }, 'bad partner-refuses', '(access_denied)'],
  ] as const)('that ended %s with %j is %s', (state, changes, level, words) => {
    const finding = ended(state, changes);
    expect([`${finding.level} ${finding.code}`, finding.message]).toEqual([level, expect.stringContaining(words)]);
  });

  test.each(['sent', 'overdue'] as const)(
    '%s and not answered is a warning where the partner is heard of, since it is busy',
    (state) => {
      expect(ended(state, {}, true)).toMatchObject({
        level: 'warn',
        code: 'round-trip-unanswered',
        message: expect.stringContaining('while messages of it arrive: it is busy, or behind.'),
        next: `Look again in a minute: caseref partner check ${issuer}`,
      });
      expect(ended(state)).toMatchObject({
        level: 'bad',
        code: 'round-trip-unanswered',
        message: expect.stringContaining('it may not reach us back, or is busy.'),
      });
    },
  );
});
