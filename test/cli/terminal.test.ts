import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { exit, exitOf } from '../../src/cli/exit.ts';
import { createTerminal, type Stream } from '../../src/cli/terminal.ts';
import { refuse } from '../../src/domain/refusal.ts';

/** Clears the screen, sets the title of the window, turns the order of the text, and ends the line. */
const HOSTILE = 'Hotline\u001b[2J\u001b]0;owned\u0007\u202eevil\u2066\r\nfake line\u0085\u009b31m';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
const steering = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

function stream(options: Partial<Stream> = {}) {
  const written: string[] = [];
  return { ...options, write: (text: string) => written.push(text), text: () => written.join('') };
}

function opened(options: Partial<Stream> = {}, clock?: () => number) {
  const stdout = stream(options);
  const stderr = stream(options);
  return { terminal: createTerminal({ stdout, stderr, ...(clock && { clock }) }), stdout, stderr };
}

const colourful = { isTTY: true, columns: 80, hasColors: () => true };

test('data go to one stream and talk to the other', () => {
  const { terminal, stdout, stderr } = opened();
  terminal.line('data');
  terminal.say('talk');
  expect([stdout.text(), stderr.text()]).toEqual(['data\n', 'talk\n']);
});

describe('what a partner named itself steers no terminal', () => {
  test.each([false, true])('in any kind of line (terminal: %s)', (isTTY) => {
    const { terminal, stdout, stderr } = opened({ isTTY, columns: 80 });
    terminal.line(HOSTILE);
    terminal.json({ name: HOSTILE });
    terminal.table([{ title: 'name', cell: (row: string) => row }], [HOSTILE]);
    terminal.fields([['name', HOSTILE]]);
    terminal.say(HOSTILE);
    terminal.warn(HOSTILE);
    terminal.heading(HOSTILE);
    terminal.step(HOSTILE, 'good');
    terminal.next(HOSTILE, [HOSTILE]);
    terminal.refused({ errors: [refuse('schema-invalid', `/${HOSTILE}`, HOSTILE, HOSTILE)] });
    terminal.refusedJson([refuse('schema-invalid', `/${HOSTILE}`, HOSTILE, HOSTILE)]);
    terminal.say(terminal.paint('bad', HOSTILE));
    expect(stdout.text() + stderr.text()).not.toMatch(steering);
    expect(stdout.text() + stderr.text()).not.toMatch(/^fake line/m);
    expect(stdout.text()).toContain('Hotline');
  });

  test('and JSON still says what it was', () => {
    const { terminal, stdout } = opened();
    terminal.json({ name: HOSTILE });
    expect(JSON.parse(stdout.text())).toEqual({ name: HOSTILE });
  });
});

describe('colour', () => {
  test('only repeats what the words say', () => {
    const { terminal, stderr } = opened(colourful);
    terminal.step('sent', 'good');
    expect(stderr.text()).not.toBe(stripVTControlCharacters(stderr.text()));
    expect(stripVTControlCharacters(stderr.text())).toBe('✓ sent\n');
  });

  test.each([
    ['a pipe', { ...colourful, isTTY: false }],
    ['a terminal without colours, as NO_COLOR makes it', { ...colourful, hasColors: () => false }],
  ])('is not in %s', (_name, options) => {
    const { terminal, stderr } = opened(options);
    terminal.step('sent', 'good');
    expect(stderr.text()).toBe('✓ sent\n');
  });
});

describe('a table', () => {
  const columns = [
    { title: 'id', cell: (row: { id: string; name: string }) => row.id },
    { title: 'name', cell: (row: { id: string; name: string }) => row.name, shrinks: true },
  ];
  const rows = [
    { id: 'a', name: 'short' },
    { id: 'bbbb', name: 'a name that is much longer than there is room for' },
  ];

  test('lines its columns up', () => {
    const { terminal, stdout } = opened();
    terminal.table(columns, rows);
    expect(stdout.text()).toBe(`id    name\na     short\nbbbb  ${rows[1]?.name}\n`);
  });

  test('cuts on a narrow terminal what may be cut, never an identifier', () => {
    const { terminal, stdout } = opened({ isTTY: true, columns: 20 });
    terminal.table(columns, rows);
    const lines = stdout.text().trimEnd().split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(20);
    expect(lines[2]).toMatch(/^bbbb {2}a name.*…$/);
  });
});

test('a refusal shows code, pointer, message and next step', () => {
  const { terminal, stderr } = opened();
  terminal.refused({ line: 3, errors: [refuse('category-unknown', '/category')] });
  expect(stderr.text()).toMatch(/category-unknown at line 3 \/category: .+\n {2}next: .+\n/);
});

describe('progress', () => {
  function advanced(options: Partial<Stream>) {
    let now = 0;
    const { terminal, stdout, stderr } = opened(options, () => now);
    const progress = terminal.progress({ label: 'import', unit: 'lines', total: 100 });
    for (let at = 0; at < 100; at += 1) {
      now += 100;
      progress.advance(1);
    }
    progress.end();
    return { stdout: stdout.text(), stderr: stderr.text() };
  }

  test('is one line that is drawn again on a terminal, and cleared at the end', () => {
    const { stdout, stderr } = advanced({ isTTY: true, columns: 80 });
    expect(stderr).not.toContain('\n');
    expect(stderr).toContain('100 %');
    expect(stderr.endsWith('\u001b[2K')).toBe(true);
    expect(stdout).toBe('');
  });

  test('is a quiet line every five seconds elsewhere', () => {
    const { stderr } = advanced({ isTTY: false });
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
    expect(stderr).not.toContain('\u001b');
  });
});

test.each([
  ['nothing refused', [], exit.done],
  ['a refusal', [refuse('schema-invalid')], exit.refused],
  ['an incomplete call', [refuse('usage-invalid')], exit.usage],
  ['a setting', [refuse('setting-invalid')], exit.usage],
  ['a store that cannot be reached', [refuse('store-unavailable')], exit.unreachable],
])('the exit code of %s', (_name, refusals, expected) => expect(exitOf(refusals)).toBe(expected));

test('the exit codes never change', () => expect(exit).toEqual({ done: 0, refused: 1, usage: 2, unreachable: 3 }));
