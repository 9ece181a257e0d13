import pc from 'picocolors';
import { type Refusal, refusals as titles } from '../domain/refusal.ts';
import { cut, pad, printable, printableJson, wrap } from './printable.ts';
import { type Progress, type ProgressLine, type ProgressOptions, trackProgress } from './progress.ts';
import { type Column, type Tone, tableLines } from './table.ts';

/** The part of a stream of the process that printing needs. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  /** Node's own judgement of the terminal; it honours NO_COLOR, FORCE_COLOR and TERM=dumb. */
  hasColors?(): boolean;
}

/** A name and its value; without a value it is left out. */
export type Field = readonly [name: string, value: string | number | undefined, tone?: Tone];

/** One thing that was refused, and where: the line of a file, where there are several. */
export interface Refused {
  readonly line?: number;
  readonly errors: readonly Refusal[];
}

/**
 * The only place that prints. Data go to one stream and talk to the other, so that a pipe carries data alone; every
 * value is made printable on the way, since names come from partners.
 */
export interface Terminal {
  /** Data: one line as it is. */
  line(text: string): void;
  /** Data: one JSON value on one line. */
  json(value: unknown): void;
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void;
  /** Data: names and values, one pair a line; pairs without a value are left out. */
  fields(pairs: readonly Field[]): void;
  /** Data: a word in its colour and a sentence behind it, with the next step on a line of its own. */
  verdict(word: string, tone: Tone, sentence: string, next?: string): void;
  /** Talk. */
  say(text: string): void;
  /** Talk: a question, the cursor left behind it. False where nobody would read it. */
  prompt(question: string): boolean;
  /** Talk that must not be overlooked. */
  warn(text: string): void;
  /** Talk: what to do next, commands one a line. */
  next(title: string, steps: readonly string[]): void;
  /** Talk: the title of a chapter, with a rule under it. */
  heading(text: string): void;
  rule(): void;
  /** Talk: one thing that happened, with a sign in front; `tone` says how it went. */
  step(text: string, tone?: Tone): void;
  /** Talk: what was refused, by code, pointer, message and next step. */
  refused(refused: Refused): void;
  /** Talk: the same as one line of JSON, the members of the API's problem body. */
  refusedJson(refusals: readonly Refusal[]): void;
  progress(options: ProgressOptions): Progress;
  /** Text in the colours of the talk stream; made printable. */
  paint(tone: Tone, text: string): string;
}

export interface TerminalOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** The environment asks for no colour, whatever the streams can do. */
  readonly noColor?: boolean;
  /** Milliseconds; only progress looks at it. */
  readonly clock?: () => number;
}

const DEFAULT_WIDTH = 80;
const WIDEST_RULE = 100;
/** Room for the word of a verdict. */
const VERDICT = 4;
const signs: Readonly<Record<Tone, string>> = {
  plain: '·',
  strong: '▸',
  quiet: '·',
  good: '✓',
  bad: '✗',
  waiting: '…',
};

/** A terminal that does not know its width says 0. */
function widthOf({ columns }: Stream): number {
  return columns !== undefined && columns > 0 ? columns : DEFAULT_WIDTH;
}

type Paint = (tone: Tone, text: string) => string;

function painter(stream: Stream, noColor: boolean): Paint {
  const colours = pc.createColors(!noColor && stream.isTTY === true && stream.hasColors?.() === true);
  const { bold, dim, green, red, yellow } = colours;
  const plain = (text: string) => text;
  const tones = { plain, strong: bold, quiet: dim, good: green, bad: red, waiting: yellow };
  return (tone, text) => (text === '' ? '' : tones[tone](text));
}

/** Prints on two streams; a demonstration may give the same one twice. */
export function createTerminal({ stdout, stderr, noColor = false, clock = Date.now }: TerminalOptions): Terminal {
  const ofData = painter(stdout, noColor);
  const ofTalk = painter(stderr, noColor);
  const updating = updatingLine(stderr, clock);
  // An updating line gives way to what is printed, and comes back with the next progress.
  const put = (text: string) => {
    updating.clear();
    stdout.write(`${text}\n`);
  };
  const talk = (text: string) => {
    updating.clear();
    stderr.write(`${text}\n`);
  };
  // A pipe or file keeps its sentences whole: who reads it breaks lines as it likes.
  const prose = (text: string, deeper = 0) =>
    stderr.isTTY === true
      ? wrap(printable(text), widthOf(stderr) - deeper).replaceAll('\n', `\n${' '.repeat(deeper)}`)
      : printable(text);
  const rule = () => talk(ofTalk('quiet', '─'.repeat(Math.min(widthOf(stderr), WIDEST_RULE))));
  return {
    line: (text) => put(printable(text)),
    json: (value) => put(printableJson(value)),
    table(columns, rows) {
      const width = stdout.isTTY ? widthOf(stdout) : undefined;
      for (const line of tableLines(columns, rows, { width, paint: ofData })) put(line);
    },
    fields: (pairs) => printFields(pairs, put, ofData),
    verdict(word, tone, sentence, next) {
      put(`${ofData(tone, pad(printable(word), VERDICT))}  ${printable(sentence)}`);
      if (next !== undefined) put(`${' '.repeat(VERDICT + 2)}${ofData('quiet', 'next:')} ${printable(next)}`);
    },
    say: (text) => talk(prose(text)),
    prompt(question) {
      if (stderr.isTTY === true) stderr.write(printable(question));
      return stderr.isTTY === true;
    },
    warn: (text) => talk(`${ofTalk('waiting', '!')} ${prose(text, 2)}`),
    next(title, steps) {
      talk(ofTalk('quiet', printable(title)));
      for (const step of steps) talk(`  ${printable(step)}`);
    },
    heading(text) {
      talk('');
      talk(ofTalk('strong', printable(text)));
      rule();
    },
    rule,
    step: (text, tone = 'plain') => talk(`${ofTalk(tone, signs[tone])} ${prose(text, 2)}`),
    refused: (refused) => printRefused(refused, talk, ofTalk),
    refusedJson: (refusals) => talk(printableJson(problemOf(refusals))),
    progress: (options) => trackProgress(options, updating),
    paint: (tone, text) => ofTalk(tone, printable(text)),
  };
}

function printFields(pairs: readonly Field[], put: (text: string) => void, paint: Paint): void {
  const present = pairs.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(0, ...present.map(([name]) => name.length));
  for (const [name, value, tone = 'plain'] of present) {
    put(`${paint('quiet', pad(name, width))}  ${paint(tone, printable(String(value)))}`);
  }
}

function printRefused({ line, errors }: Refused, talk: (text: string) => void, paint: Paint): void {
  for (const { code, pointer, message, next } of errors) {
    const where = [line === undefined ? '' : `line ${line}`, pointer].filter((part) => part !== '').join(' ');
    const at = where === '' ? '' : ` at ${printable(where)}`;
    talk(`${paint('bad', '✗')} ${paint('bad', code)}${at}: ${printable(message)}`);
    talk(`  next: ${printable(next)}`);
  }
}

/** The problem body of the API without the members that only HTTP knows. */
function problemOf(refusals: readonly Refusal[]) {
  const [first] = refusals;
  const errors = refusals.map(({ pointer, code, message, next }) => ({ pointer, code, message, next }));
  if (first === undefined) return { errors };
  const { code, message } = first;
  return { type: `urn:caseref:problem:${code}`, title: titles[code][0], detail: message, code, errors };
}

function updatingLine(stream: Stream, clock: () => number): ProgressLine {
  const updating = stream.isTTY === true;
  const erase = '\r\u001b[2K';
  let drawn = false;
  return {
    updating,
    clock,
    draw(text) {
      if (!updating) return void stream.write(`${printable(text)}\n`);
      drawn = true;
      stream.write(`${erase}${cut(printable(text), widthOf(stream) - 1)}`);
    },
    clear() {
      if (drawn) stream.write(erase);
      drawn = false;
    },
  };
}
