import { describe, expect, test } from 'vitest';
import { createLog, type Log, type LogFields } from '../src/log.ts';

const ADDRESS = 'https://bad-host.example/canary/path?x=1';
const TOKEN = 'eyJhbGciOiJFZDI1NTE5In0.eyJjYW5hcnkiOjF9.c2lnbmF0dXJl';

/** What a log writes while `use` has it. */
function written(use: (log: Log) => void, level: 'debug' | 'info' | 'warn' | 'error' = 'info'): string {
  const lines: string[] = [];
  use(createLog({ level, destination: { write: (line) => void lines.push(line) } }));
  return lines.join('');
}

const parsed = (text: string) => JSON.parse(text) as Record<string, unknown>;

test('a line is JSON with its time, its event and the facts that are allowed', () => {
  const line = parsed(
    written((log) =>
      log.info(
        {
          event: 'delivery.sent',
          partner: 'https://node.hotline-b.example:8440',
          jti: 'AAAAAAAAAAAAAAAAAAAAAA',
          reference: '018f0000-0000-7000-8000-000000000001',
          code: 'http-503',
          count: 3,
          durationMs: 12.5,
          route: '/v1/references/:id',
          method: 'POST',
        },
        'sent',
      ),
    ),
  );
  expect(line).toMatchObject({
    event: 'delivery.sent',
    partner: 'https://node.hotline-b.example:8440',
    jti: 'AAAAAAAAAAAAAAAAAAAAAA',
    reference: '018f0000-0000-7000-8000-000000000001',
    code: 'http-503',
    count: 3,
    durationMs: 12.5,
    route: '/v1/references/:id',
    method: 'POST',
    msg: 'sent',
  });
  expect(String(line.time)).toMatch(/^\d{4}-\d\d-\d\dT/);
});

test('a field that nobody listed is dropped', () => {
  const fields = { event: 'a.b', url: ADDRESS, handle: 'canary', token: TOKEN } as LogFields;
  const text = written((log) => log.warn(fields, 'x'));
  expect(parsed(text)).toMatchObject({ event: 'a.b' });
  expect(text).not.toMatch(/canary|bad-host|eyJ/);
});

describe('a listed field does not carry what it is not for', () => {
  test.each([
    'partner',
    'code',
    'jti',
    'reference',
    'delivery',
    'route',
    'method',
    'listener',
    'store',
    'status',
    'version',
    'address',
  ])('%s carries neither an address nor a token', (name) => {
    for (const value of [ADDRESS, TOKEN, `${ADDRESS} ${TOKEN}`]) {
      const text = written((log) => log.info({ event: 'a.b', [name]: value } as LogFields, 'x'));
      expect(text).not.toMatch(/canary|bad-host|eyJ/);
      expect(parsed(text)).toMatchObject({ event: 'a.b' });
    }
  });
});

describe('a failure', () => {
  test('is told by name, code and place, never by its message', () => {
    const failure = Object.assign(new TypeError(`cannot read ${ADDRESS}`), { code: '23505', detail: ADDRESS });
    const text = written((log) =>
      log.failure('delivery.failed', failure, { partner: 'https://node.hotline-b.example' }),
    );
    expect(parsed(text)).toMatchObject({
      event: 'delivery.failed',
      failure: 'TypeError',
      code: '23505',
      partner: 'https://node.hotline-b.example',
    });
    expect(text).toContain('log.test.ts');
    expect(text).not.toMatch(/canary|bad-host/);
  });

  test('whose message looks like a stack tells nothing of it either', () => {
    const text = written((log) =>
      log.failure('a.b', new Error(`first\n    at ${ADDRESS}\n    at f (/x/src/canary.ts:1:1)`)),
    );
    expect(text).not.toMatch(/canary|bad-host/);
    expect(text).toContain('log.test.ts');
  });

  test('whose message was changed after the stack was made tells nothing of either', () => {
    const failure = new Error(`first\n    at ${ADDRESS}`);
    failure.message = 'another';
    expect(written((log) => log.failure('a.b', failure))).not.toMatch(/canary|bad-host/);
  });

  test('whose name or code is no word loses it', () => {
    const failure = Object.assign(new Error('x'), { name: ADDRESS, code: ADDRESS });
    const text = written((log) => log.failure('a.b', failure));
    expect(text).not.toMatch(/canary|bad-host/);
    expect(parsed(text)).toMatchObject({ event: 'a.b' });
  });

  test('with a cause names the kind of cause only', () => {
    const cause = Object.assign(new RangeError(ADDRESS), { url: ADDRESS });
    const text = written((log) => log.failure('a.b', new Error('x', { cause })));
    expect(parsed(text)).toMatchObject({ cause: 'RangeError' });
    expect(text).not.toMatch(/canary|bad-host/);
  });

  test.each([ADDRESS, null, undefined, { url: ADDRESS }])('that is no Error tells its type only', (thrown) => {
    const text = written((log) => log.failure('a.b', thrown));
    expect(parsed(text)).toMatchObject({ failure: typeof thrown });
    expect(text).not.toMatch(/canary|bad-host/);
  });
});

test('below its level it is silent', () => {
  expect(written((log) => log.info({ event: 'a.b' }, 'x'), 'warn')).toBe('');
  expect(written((log) => log.warn({ event: 'a.b' }, 'x'), 'warn')).not.toBe('');
});

test('two logs of one process do not know each other', () => {
  expect(
    written(() => createLog({ level: 'info', destination: { write: () => undefined } }).info({ event: 'a.b' }, 'x')),
  ).toBe('');
});
