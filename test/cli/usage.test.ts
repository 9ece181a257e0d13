import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exit } from '../../src/cli/exit.ts';
import { run } from './run.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-usage-'));
  await writeFile(join(folder, 'reference.json'), '{}');
  await writeFile(join(folder, 'twice.json'), '{"url":"https://a.example/","url":"https://b.example/"}');
  await writeFile(join(folder, 'list.txt'), 'plain text');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const node = ['--issuer', 'http://localhost:8440', '--name', 'A', '--type', 'hotline', '--jurisdiction', 'DE'];

const csv = [
  '--format',
  'scart-csv',
  '--category',
  'not-assessed',
  '--hosting',
  'XX',
  '--reporting',
  'NL',
  '--tlp',
  'AMBER',
];

/** What was called, the code, and a word that the answer must have. */
const wrongCalls: [args: string[], code: string, word: RegExp][] = [
  [['partnr'], 'usage-invalid', /Did you mean partner\?/],
  [['partner', 'lst'], 'usage-invalid', /Did you mean list\?/],
  [['partner', 'suspend', 'https://a.example'], 'usage-invalid', /Give --reason <text>: why/],
  [['reference', 'withdraw', 'ID'], 'usage-invalid', /Give --reason one of: \S+, /],
  [['card', 'extra'], 'usage-invalid', /Too many arguments/],
  [['card', '--jsn'], 'usage-invalid', /Did you mean --json\?/],
  [['card'], 'usage-invalid', /--data DIR/],
  [['card', '--data', 'none'], 'setting-invalid', /caseref init/],
  [['init', '--data', 'n', '--issuer', 'http://localhost:8440'], 'usage-invalid', /--name/],
  [['init', '--data', 'n', ...node.with(5, 'choir')], 'usage-invalid', /hotline, law-enforcement/],
  [['init', '--data', 'n', ...node.with(1, 'https://Node.example/')], 'setting-invalid', /\/issuer/],
  [['init', '--data', 'n', ...node.with(7, 'uk')], 'jurisdiction-invalid', /GB/],
  [['init', '--data', 'n', ...node, '--retain-days', '0'], 'usage-invalid', /1 to 3650/],
  [['init', '--data', 'n', ...node, '--peer', 'everywhere'], 'setting-invalid', /\/peer/],
  [['init', '--data', 'n', ...node, '--schema', 'a'], 'setting-invalid', /--database/],
  [['init', '--data', 'n', ...node, '--database', 'mysql://db.example/a'], 'setting-invalid', /PostgreSQL/],
  [['init', '--data', 'n', ...node], 'setting-invalid', /CASEREF_PASSPHRASE/],
  [['serve', '--data', 'none'], 'setting-invalid', /caseref init/],
  [['keys', 'generate', '--alg', 'RS256'], 'usage-invalid', /Ed25519/],
  [['partner', 'add', 'none.card'], 'usage-invalid', /does not exist/],
  [['partner', 'confirm', 'https://a.example'], 'usage-invalid', /--fingerprint/],
  [['partner', 'confirm', 'https://a.example', '--fingerprint', 'x', '--as', 'friend'], 'usage-invalid', /industry/],
  [['policy', 'set', 'https://a.example'], 'usage-invalid', /file/],
  [['policy', 'check', 'list.txt'], 'json-invalid', /JSON/],
  [['policy', 'approve', 'https://a.example', 'two'], 'usage-invalid', /whole number/],
  [['policy', 'deny', 'add'], 'usage-invalid', /--ground: legal, death-penalty/],
  [['policy', 'deny', 'add', '--ground', 'legal'], 'usage-invalid', /--destination/],
  [['policy', 'deny', 'add', '--ground', 'legal', '--file', '-'], 'usage-invalid', /cannot be used with/],
  [['client', 'create', 'a'], 'usage-invalid', /--scope/],
  [['client', 'create', 'a', '--scope', 'a,,b'], 'usage-invalid', /empty/],
  [['reference', 'submit', '.'], 'usage-invalid', /is a directory/],
  [['reference', 'submit', 'twice.json'], 'json-invalid', /twice|duplicate/i],
  [['reference', 'import', 'none.ndjson'], 'usage-invalid', /does not exist/],
  [['reference', 'import', 'list.txt', '--format', 'xlsx'], 'usage-invalid', /ndjson, scart-csv/],
  [['reference', 'import', 'list.txt', '--format', 'scart-csv'], 'usage-invalid', /--category not-assessed/],
  [['reference', 'import', 'list.txt', ...csv.toSpliced(-2)], 'usage-invalid', /does not say --tlp/],
  [['reference', 'import', 'list.txt', ...csv.with(3, 'picture')], 'usage-invalid', /not-assessed/],
  [['reference', 'import', 'list.txt', ...csv.with(9, 'unknown')], 'usage-invalid', /AMBER\+STRICT/],
  [['reference', 'import', 'list.txt', ...csv.with(5, 'uk')], 'jurisdiction-invalid', /GB/],
  [['reference', 'import', 'list.txt', ...csv], 'schema-invalid', /URL;REFERER;WORKUSER-EMAIL/],
  [['reference', 'import', 'list.txt', '--category', 'csam'], 'usage-invalid', /--format scart-csv/],
  [['reference', 'import', '-', '--resume'], 'usage-invalid', /Save it as a file/],
  [['reference', 'import', 'list.txt', '--results', 'reference.json'], 'usage-invalid', /not overwritten/],
  [['reference', 'list', '--direction', 'up'], 'usage-invalid', /in, out/],
  [['reference', 'list', '--limit', '501'], 'usage-invalid', /1 to 500/],
  [['reference', 'show', 'x', '--reveal'], 'usage-invalid', /--purpose: referral-review, victim-identification/],
  [['reference', 'show', 'x', '--reveal', '--purpose', 'curiosity'], 'usage-invalid', /referral-review/],
  [['reference', 'show', 'x', '--reveal', '--purpose', 'unknown'], 'usage-invalid', /referral-review/],
  [['reference', 'show', 'x', '--purpose', 'audit'], 'usage-invalid', /--reveal/],
  [['delivery', 'list', '--state', 'lost'], 'usage-invalid', /overdue/],
  [['delivery', 'retry'], 'usage-invalid', /--all --partner ISSUER/],
  [['delivery', 'retry', 'x', '--all', '--partner', 'https://a.example'], 'usage-invalid', /an ID/],
  [['delivery', 'retry', '--all', '--partner', 'x', '--state', 'sent'], 'usage-invalid', /dead, overdue/],
  [['delivery', 'drop', 'x'], 'usage-invalid', /--reason/],
  [['delivery', 'drop', 'x', '--reason', 'tired'], 'usage-invalid', /told-otherwise, no-longer-needed/],
  [['delivery', 'drop', 'x', '--reason', 'other'], 'usage-invalid', /Nothing was done\.\n.*--yes/],
  [['events', '--limit', 'all'], 'usage-invalid', /1 to 500/],
  [['alerts'], 'usage-invalid', /That is: caseref doctor\./],
];

const exits: Readonly<Record<string, number>> = {
  'json-invalid': exit.refused,
  'jurisdiction-invalid': exit.refused,
  'schema-invalid': exit.refused,
};

describe('a wrong call', () => {
  test.concurrent.each(wrongCalls)('%j is %s', { timeout: 60_000 }, async (args, code, word) => {
    const { err, out, ...ran } = await run(args, { environment: { INIT_CWD: folder } });
    expect(ran.code, err).toBe(exits[code] ?? exit.usage);
    expect(out).toBe('');
    expect(err.startsWith(`✗ ${code}`), err).toBe(true);
    expect(err).toMatch(/^ {2}next: \S/m);
    expect(err).toMatch(word);
    expect(err).not.toMatch(/^\s+at /m);
  });
});

test('with --json a wrong call is one line of JSON with code and next step', async () => {
  const { code, out, err } = await run(['reference', 'list', '--limit', '0', '--json']);
  expect([code, out]).toEqual([2, '']);
  const problem = JSON.parse(err);
  expect(problem).toMatchObject({ type: 'urn:caseref:problem:usage-invalid', code: 'usage-invalid' });
  expect(problem.errors[0].next).not.toBe('');
});

describe('a database address in an argument', () => {
  test.each(['postgres://a:an-invented-word@db.example/x', 'postgres://a@db.example/x?password=an-invented-word'])(
    'with a password is refused and not repeated: %#',
    async (url) => {
      const { code, out, err } = await run(['init', '--data', join(folder, 'n'), ...node, '--database', url]);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain('CASEREF_DATABASE');
      expect(err).not.toContain('an-invented-word');
    },
  );
});

describe('the passphrase', () => {
  const init = (environment: NodeJS.ProcessEnv) =>
    run(['init', '--data', 'n', ...node], { environment: { INIT_CWD: folder, ...environment } });

  test('that is too short makes no key store', async () => {
    const { code, err } = await init({ CASEREF_PASSPHRASE: 'short' });
    expect([code, err]).toEqual([2, expect.stringContaining('shorter than 12')]);
  });

  test('in a file that others can read is not taken', async () => {
    await writeFile(join(folder, 'lax'), 'an invented passphrase', { mode: 0o644 });
    const { code, err } = await init({ CASEREF_PASSPHRASE_FILE: 'lax' });
    expect([code, err]).toEqual([1, expect.stringContaining('file-mode-lax')]);
  });

  test('in a file that is not there is a setting to mend', async () => {
    const { code, err } = await init({ CASEREF_PASSPHRASE_FILE: 'none' });
    expect([code, err]).toEqual([2, expect.stringContaining('CASEREF_PASSPHRASE_FILE: none does not exist')]);
  });

  test('given twice is a contradiction', async () => {
    const { code, err } = await init({ CASEREF_PASSPHRASE: 'a', CASEREF_PASSPHRASE_FILE: 'b' });
    expect([code, err]).toEqual([2, expect.stringContaining('both set')]);
  });
});
