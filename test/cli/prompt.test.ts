import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { askSecret } from '../../src/cli/prompt.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { readEnvironment } from '../../src/config.ts';

/** A keyboard and a screen: what was shown, and what happened in which order. */
function openTerminal({ isTTY = true } = {}) {
  const happened: string[] = [];
  const keyboard = Object.assign(new PassThrough(), {
    isTTY,
    setRawMode: (raw: boolean) => happened.push(raw ? 'echo off' : 'echo on'),
  });
  const screen = { isTTY, write: (text: string) => happened.push(text) };
  const terminal = createTerminal({ stdout: screen, stderr: screen });
  const stdin = keyboard as unknown as NodeJS.ReadStream;
  const asked = askSecret({ terminal, stdin, environment: readEnvironment({}), end: () => {} }, 'Passphrase: ');
  return { happened, asked, type: (keys: string) => keyboard.write(keys) };
}

test('what is typed is not shown, and nothing is shown before echo is off', async () => {
  const { happened, asked, type } = openTerminal();
  type('an invented ');
  type('passphrase\r');
  expect(await asked).toBe('an invented passphrase');
  expect(happened).toEqual(['echo off', 'Passphrase: ', 'echo on', '\n']);
});

test('a backspace takes the last character back, of whatever script', async () => {
  const { asked, type } = openTerminal();
  type('aé😀\u007f\u007fb\n');
  expect(await asked).toBe('ab');
});

test('Ctrl-C gives up, and echo comes back', async () => {
  const { happened, asked, type } = openTerminal();
  type('half\u0003');
  expect(await asked).toBeUndefined();
  expect(happened).toContain('echo on');
});

test('nobody is asked where nobody can answer', async () => {
  const { happened, asked } = openTerminal({ isTTY: false });
  expect(await asked).toBeUndefined();
  expect(happened).toEqual([]);
});
