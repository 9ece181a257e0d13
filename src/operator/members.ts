import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';

/** A value that was read, in a box of its own: what a caller gives may look like anything, a refusal too. */
interface Taken<T> {
  readonly read: T;
}

/** Reads one value of a call; a refusal points to it. */
export type Reader<T> = (value: unknown, pointer: string) => Taken<T> | Refusal;

export type Members = Readonly<Record<string, Reader<unknown>>>;

type ReadOf<R> = R extends Reader<infer T> ? T : never;
type Optional<Shape> = { [Name in keyof Shape]: undefined extends ReadOf<Shape[Name]> ? Name : never }[keyof Shape];

/** What a call with these members gives; those that may be undefined may be left out. */
export type MembersRead<Shape> = { readonly [Name in Exclude<keyof Shape, Optional<Shape>>]: ReadOf<Shape[Name]> } & {
  readonly [Name in Optional<Shape>]?: ReadOf<Shape[Name]>;
};

function wrong(pointer: string, message: string, next: string): Refusal {
  return refuse('usage-invalid', pointer, message, next);
}

/** Reads an object that has these members and no others. */
export function readMembers<Shape extends Members>(
  shape: Shape,
  given: unknown,
  at = '',
): Taken<MembersRead<Shape>> | Refusal {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return wrong(at, 'This is not an object with members.', 'Give the members by name.');
  }
  const names = Object.keys(shape);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(shape, name));
  if (unknown !== undefined)
    return wrong(`${at}/${unknown}`, 'There is no such member.', `Known are: ${names.join(', ')}.`);
  const read: Record<string, unknown> = {};
  for (const [name, reader] of Object.entries(shape)) {
    const one = reader((given as Record<string, unknown>)[name], `${at}/${name}`);
    if (isRefusal(one)) return one;
    if (one.read !== undefined) read[name] = one.read;
  }
  return { read: read as MembersRead<Shape> };
}

/** Text of `shortest` to `longest` characters. */
export function text(longest: number, shortest = 1): Reader<string> {
  return (value, pointer) =>
    typeof value === 'string' && value.length >= shortest && value.length <= longest
      ? { read: value }
      : wrong(pointer, 'This is missing or no text of the right length.', `Give ${shortest} to ${longest} characters.`);
}

/** One word of a closed list. */
export function oneOf<const Word extends string>(words: readonly Word[]): Reader<Word> {
  return (value, pointer) => {
    const word = words.find((one) => one === value);
    return word === undefined
      ? wrong(pointer, 'The word is not known here.', `Use one of: ${words.join(', ')}.`)
      : { read: word };
  };
}

export function wholeNumber(lowest: number, highest: number): Reader<number> {
  return (value, pointer) =>
    Number.isInteger(value) && Number(value) >= lowest && Number(value) <= highest
      ? { read: Number(value) }
      : wrong(pointer, 'This is no whole number in range.', `Give ${lowest} to ${highest}.`);
}

export const yesOrNo: Reader<boolean> = (value, pointer) =>
  typeof value === 'boolean'
    ? { read: value }
    : wrong(pointer, 'This is neither true nor false.', 'Give true or false.');

const instantForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

/** An RFC 3339 instant in UTC, as text. */
export const instant: Reader<string> = (value, pointer) =>
  typeof value === 'string' && instantForm.test(value) && !Number.isNaN(Date.parse(value))
    ? { read: value }
    : wrong(pointer, 'This is no instant.', 'Write it in UTC, such as 2026-11-20T10:00:00Z.');

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A UUID in lower case, as ids of this node and its partners are. */
export const uuid: Reader<string> = (value, pointer) =>
  typeof value === 'string' && uuidForm.test(value)
    ? { read: value }
    : wrong(pointer, 'This is no id.', 'Give the id as it is listed: a lower-case UUID with its hyphens.');

/** A document that rules of its own look into. */
export const document: Reader<object> = (value, pointer) =>
  typeof value === 'object' && value !== null
    ? { read: value }
    : wrong(pointer, 'The document is missing or no JSON object.', 'Give a JSON object.');

export function listOf<T>(reader: Reader<T>, most: number): Reader<readonly T[]> {
  return (value, pointer) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > most) {
      return wrong(pointer, 'This is no list of the right length.', `Give a list of 1 to ${most}.`);
    }
    const read: T[] = [];
    for (const [index, one] of value.entries()) {
      const taken = reader(one, `${pointer}/${index}`);
      if (isRefusal(taken)) return taken;
      read.push(taken.read);
    }
    return { read };
  };
}

export function membersOf<Shape extends Members>(shape: Shape): Reader<MembersRead<Shape>> {
  return (value, pointer) => readMembers(shape, value, pointer);
}

export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (value, pointer) => (value === undefined ? { read: undefined } : reader(value, pointer));
}
