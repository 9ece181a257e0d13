import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { readEnvironment } from '../../src/config.ts';
import { run } from './run.ts';

const silent = { write: () => true };
const program = createProgram({
  terminal: createTerminal({ stdout: silent, stderr: silent }),
  environment: readEnvironment({}),
  stdin: process.stdin,
  end: () => {},
});

interface Named {
  readonly path: string;
  readonly command: Command;
}

function everyCommand(command: Command, path: string): Named[] {
  const below = command.commands.flatMap((one) => everyCommand(one, `${path} ${one.name()}`));
  return [{ path, command }, ...below];
}

const all = everyCommand(program, 'caseref');
const leaves = all.filter(({ command }) => command.commands.length === 0);

function helpOf(command: Command): string {
  let printed = '';
  command.configureOutput({
    writeOut: (text) => {
      printed += text;
    },
    getOutHelpWidth: () => 100,
  });
  command.outputHelp();
  return printed;
}

test.each([
  ...['init', 'serve', 'card', 'keys list', 'keys generate', 'keys fingerprint', 'keys publish', 'partner add'],
  ...[
    'partner confirm',
    'partner list',
    'partner show',
    'partner suspend',
    'partner resume',
    'policy set',
    'policy show',
    'policy check',
    'policy approve',
  ],
  ...['policy deny add', 'policy deny list', 'policy deny remove', 'client create', 'client list', 'client revoke'],
  ...['reference submit', 'reference import', 'reference list', 'reference show', 'delivery list', 'delivery retry'],
  ...['reference assess', 'reference act', 'reference handover', 'reference hold', 'reference clear'],
  ...['reference acknowledge', 'reference feedback', 'unit add', 'unit list', 'unit remove'],
  ...['delivery drop', 'events', 'doctor'],
])('there is caseref %s', (path) => expect(leaves.map((leaf) => leaf.path)).toContain(`caseref ${path}`));

describe.each(all)('$path', ({ command }) => {
  test('says what it does, and what each argument and option is', () => {
    expect(command.description()).not.toBe('');
    for (const argument of command.registeredArguments) expect(argument.description, argument.name()).not.toBe('');
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
  });
});

/** The demonstration makes its own directories and is told, not answered. */
const onNodes = leaves.filter(({ path }) => path !== 'caseref demo');

describe.each(onNodes)('$path', ({ path, command }) => {
  test('has --data and --json, and an example that calls it', () => {
    expect(command.options.map((option) => option.long)).toEqual(expect.arrayContaining(['--data', '--json']));
    const [, examples] = helpOf(command).split(/^Examples?:$/m);
    expect(examples).toContain(path);
  });
});

test('no option and no argument takes a secret', () => {
  const names = all.flatMap(({ command }) => [
    ...command.options.map((option) => option.long ?? ''),
    ...command.registeredArguments.map((argument) => argument.name()),
  ]);
  expect(names.filter((name) => /pass|secret|token|password/.test(name))).toEqual([]);
});

test('the transcript of every help text', async () => {
  const transcript = all.map(({ path, command }) => `$ ${path} --help\n${helpOf(command)}`).join('\n');
  await expect(transcript).toMatchFileSnapshot('help.transcript.txt');
});

test('help goes to stdout and is done; a group without a command is a usage error', async () => {
  const [whole, one, bare] = await Promise.all([
    run(['--help']),
    run(['partner', 'confirm', '--help']),
    run(['partner']),
  ]);
  expect([whole.code, whole.err, one.code, one.err]).toEqual([0, '', 0, '']);
  expect(one.out).toContain('--fingerprint');
  expect([bare.code, bare.out]).toEqual([2, '']);
  expect(bare.err).toContain('confirm');
});

test('the version is that of the package', async () => {
  const { code, out } = await run(['--version']);
  expect([code, out]).toEqual([0, `${program.version()}\n`]);
  expect(out).toMatch(/^\d+\.\d+\.\d+/);
});
