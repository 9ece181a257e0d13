import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from './run.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-contact-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function init(contact: object) {
  const [data, file] = [join(folder, 'node'), join(folder, 'contact.json')];
  await writeFile(file, JSON.stringify(contact));
  const who = ['--issuer', 'http://127.0.0.1:8440', '--name', 'Hotline A', '--type', 'hotline', '--jurisdiction', 'DE'];
  const environment = { CASEREF_PASSPHRASE: 'invented words for tests only' };
  return run(['init', '--data', data, ...who, '--contact', file], { environment });
}

test('the desk is checked before a node is made, and stands in the card', { timeout: 60_000 }, async () => {
  const wrong = await init({ phone: 'call me' });
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('/contact/phone')]);
  const contact = { desk: 'Duty desk', phone: '+49 30 0000000', emergencyPhone: '+49 30 0000001', languages: ['de'] };
  const made = await init(contact);
  expect([made.code, made.err]).toEqual([0, expect.not.stringContaining('names no telephone')]);
  expect(JSON.parse(await readFile(join(folder, 'node', 'node.json'), 'utf8'))).toMatchObject({ contact });
  const environment = { CASEREF_PASSPHRASE: 'invented words for tests only', CASEREF_DATA: join(folder, 'node') };
  const [, payload = ''] = (await run(['card'], { environment })).out.split('.');
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ contact });
});
