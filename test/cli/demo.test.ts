import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVisitor } from '../../src/transport/visitor.ts';
import { ended, run, start } from './run.ts';

// The first command of the README as a person types it, and with --once as a machine does: two processes, at the same time.

let folder: string;
let telling: ReturnType<typeof run>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-demo-test-'));
  telling = run(['demo', '--once'], { environment: { TMPDIR: folder } });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('caseref demo stays up with a portal that an invitation opens, until Ctrl-C', async () => {
  const child = start(['demo'], { TMPDIR: folder });
  const ran = ended(child);
  const invitation = await new Promise<URL>((resolve, reject) => {
    let told = '';
    child.stdout?.on('data', (text: string) => {
      told += text;
      const address = /http:\/\/localhost:\d+\/invitation#[\w-]{43}\n/.exec(told)?.[0];
      if (address !== undefined && told.includes('End with Ctrl-C')) resolve(new URL(address.trim()));
    });
    child.once('close', () => reject(new Error(`it ended by itself: ${told}`)));
  });
  const visitor = createVisitor(invitation.origin);
  expect((await visitor.get('/')).location).toBe('/sign-in');
  expect((await visitor.get(invitation.pathname)).body).toContain('Code of the invitation');
  const opened = await visitor.post('/invitation', { code: invitation.hash.slice(1) });
  expect([opened.status, opened.location]).toEqual([303, '/invitation/enrol']);
  expect((await visitor.get('/invitation/enrol')).body).toContain('Visitor of the demonstration');
  await visitor.close();
  for (const elsewhere of ['https://localhost:8442', 'http://127.0.0.1:8442', 'http://portal.example'])
    expect(() => createVisitor(elsewhere)).toThrow('this machine alone');
  child.kill('SIGINT');
  expect((await ran).code).toBe(0);
  expect((await ran).out).toMatch(/✓ all \d+ expectations met/);
}, 180_000);

test('caseref demo --once ends by itself once every expectation held, and leaves nothing behind', async () => {
  const { code, out } = await telling;
  expect([code, out.match(/did not hold: .*/g)]).toEqual([0, null]);
  expect(out).toMatch(/✓ all 28\d expectations met/);
  for (const row of [
    /Hotline DE +Hotline NL +DE, NL +removed, reappeared, removed +1 +1/,
    /Hotline NL +Hotline NL +DE, NL +removed, reappeared, removed +1 +0/,
    /Provider DE +- +- +reduced form \(5 members\)/,
    /✓ A\. Officer opens it, makes a passkey and is signed in/,
    /✓ the same invitation a second time is refused/,
  ])
    expect(out).toMatch(row);
  // No address is told, and nobody is said to be anything: who assessed it under which law is.
  expect(out).not.toContain('gallery.example');
  expect(out).toContain('assessed as baseline by Hotline DE under DE');
  expect((await readdir(folder)).filter((name) => name.startsWith('caseref-demo-'))).toEqual([]);
}, 180_000);
