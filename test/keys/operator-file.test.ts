import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactVerify, importJWK, type JWK } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { lockSecrets } from '../../src/keys/container.ts';
import { createOperatorKey, openOperatorKey } from '../../src/keys/operator-file.ts';

const WORDS = 'seven invented words for a test';
const COST = 2 ** 14;
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-operator-'));
  path = join(folder, 'first.key');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function taken<Answer>(answer: Answer): Exclude<Answer, { refused: true }> {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.code} ${answer.message}`);
  return answer as Exclude<Answer, { refused: true }>;
}

const codeOf = (answer: unknown) => (isRefusal(answer) ? answer.code : 'taken');
const create = () => createOperatorKey(path, 'first', WORDS, COST);

test('an operator key is made, opened and signs approvals', async () => {
  const made = taken(await create());
  const key = taken(await openOperatorKey(path, WORDS));
  expect(key).toMatchObject({ ...made, name: 'first', alg: 'Ed25519', jwk: { kty: 'OKP', crv: 'Ed25519' } });
  const compact = await key.sign('caseref-approval+jwt', Buffer.from('{}'));
  const { protectedHeader } = await compactVerify(compact, await importJWK({ ...made.jwk } as JWK, 'Ed25519'));
  expect(protectedHeader).toEqual({ alg: 'Ed25519', typ: 'caseref-approval+jwt', kid: made.kid });
});

test.each(['secevent+jwt', 'jwk-set+jwt', 'caseref-peer+jwt', ''])('an operator key does not sign %o', async (typ) => {
  await create();
  await expect(taken(await openOperatorKey(path, WORDS)).sign(typ, Buffer.from('{}'))).rejects.toThrow(TypeError);
});

test('the file is for its owner alone, hides its key, and nothing is left beside it', async () => {
  await create();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readFile(path, 'utf8')).not.toMatch(/"d":|"private"/);
  expect(await readdir(folder)).toEqual(['first.key']);
});

test('an existing file is never overwritten', async () => {
  await writeFile(path, 'something else');
  expect(codeOf(await create())).toBe('state-conflict');
  expect(await readFile(path, 'utf8')).toBe('something else');
  expect(await readdir(folder)).toEqual(['first.key']);
});

test('two makings at once give one key', async () => {
  const answers = (await Promise.all([create(), create()])).map(codeOf);
  expect(answers.sort()).toEqual(['state-conflict', 'taken']);
  expect(codeOf(await openOperatorKey(path, WORDS))).toBe('taken');
});

test('a short passphrase is refused, and nothing is written', async () => {
  expect(codeOf(await createOperatorKey(path, 'first', 'elevenchars', COST))).toBe('setting-invalid');
  expect(await readdir(folder)).toEqual([]);
});

test('a missing, lax, foreign or wrongly opened file is refused', async () => {
  expect(codeOf(await openOperatorKey(path, WORDS))).toBe('setting-invalid');
  await create();
  expect(codeOf(await openOperatorKey(path, 'seven wrong words for a test'))).toBe('passphrase-wrong');
  await chmod(path, 0o644);
  expect(codeOf(await openOperatorKey(path, WORDS))).toBe('file-mode-lax');
  const identity = join(folder, 'identity.key');
  await writeFile(identity, await lockSecrets('identity', {}, WORDS, COST), { mode: 0o600 });
  expect(codeOf(await openOperatorKey(identity, WORDS))).toBe('setting-invalid');
});
