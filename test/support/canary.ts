import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Something that must be found nowhere, by the name under which a find is told: a find never repeats the text itself. */
export interface Canary {
  readonly name: string;
  readonly text: string;
}

/** Every spelling that a careless path would leave behind: as it is, in other cases, escaped, encoded. */
export function spellingsOf(text: string): Map<string, Buffer> {
  const bytes = Buffer.from(text);
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const escaped = [...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  const plain: [string, string][] = [
    ['raw', text],
    ['lower case', text.toLowerCase()],
    ['upper case', text.toUpperCase()],
    ['JSON-escaped', JSON.stringify(text).slice(1, -1)],
    ['JSON-escaped twice', JSON.stringify(JSON.stringify(text)).slice(3, -3)],
    ['slashes escaped', text.replaceAll('/', '\\/')],
    ['pointer', text.replaceAll('~', '~0').replaceAll('/', '~1')],
    ['\\u-escaped', escaped],
    ['URI component', encodeURIComponent(text)],
    ['percent-encoded', percent],
    ['PERCENT-ENCODED', percent.toUpperCase()],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['masked', text.replaceAll('.', '[.]')],
    ...[0, 1, 2].flatMap((shift): [string, string][] => [
      [`base64, shifted ${shift}`, base64Core(bytes, shift)],
      [`base64url, shifted ${shift}`, base64Core(bytes, shift).replaceAll('+', '-').replaceAll('/', '_')],
    ]),
  ];
  const spelled = plain.map(([name, spelling]) => [name, Buffer.from(spelling)] as const);
  return new Map([...spelled, ['UTF-16', Buffer.from(text, 'utf16le')]]);
}

/** The characters that these bytes have in base64 whatever stands before and after them. */
function base64Core(bytes: Buffer, shift: number): string {
  const whole = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const start = Math.ceil((shift * 8) / 6);
  const end = Math.floor(((shift + bytes.length) * 8) / 6);
  return whole.slice(start, end);
}

export interface Seeker {
  /** What of the canaries stands in this text or these bytes: `name, spelling` each. */
  seek(where: string | Buffer): string[];
}

export function seekerOf(canaries: readonly Canary[]): Seeker {
  // Many spellings of one text are the same bytes: these are looked for once, and told under each of their names.
  const wanted = new Map<string, { readonly bytes: Buffer; readonly told: string[] }>();
  for (const { name, text } of canaries)
    for (const [spelling, bytes] of spellingsOf(text)) {
      const key = bytes.toString('latin1');
      const one = wanted.get(key) ?? { bytes, told: [] };
      one.told.push(`${name}, ${spelling}`);
      wanted.set(key, one);
    }
  return {
    seek(where) {
      const bytes = typeof where === 'string' ? Buffer.from(where) : where;
      return [...wanted.values()].filter((one) => bytes.includes(one.bytes)).flatMap(({ told }) => told);
    },
  };
}

/** Looks through every file below a folder; files that end in the middle of it are looked at as far as they were read. */
export async function seekFiles(folder: string, seeker: Seeker): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    found.push(...seeker.seek(bytes).map((told) => `${path.slice(folder.length)}: ${told}`));
  }
  return found;
}

/** What the machine shows of a process to every account: arguments, names of it and of its threads. */
async function visibleOf(pid: number): Promise<string> {
  const read = (path: string) => readFile(`/proc/${pid}/${path}`, 'utf8').catch(() => '');
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const names = await Promise.all(threads.map((thread) => read(`task/${thread}/comm`)));
  return [await read('cmdline'), await read('comm'), ...names].join('\n');
}

/** Collects what is visible of a process until it ends. */
export async function watchProcess(pid: number, ended: Promise<unknown>): Promise<string> {
  const seen = new Set<string>();
  let over = false;
  const stop = ended.then(() => {
    over = true;
  });
  while (!over) {
    seen.add(await visibleOf(pid));
    await Promise.race([stop, pause(50)]);
  }
  return [...seen].join('\n');
}
