import { looksLikeDigest } from './guard/digest.ts';
import { forms, type GuardForm, type Place } from './guard/forms.ts';
import { refusedAddress } from './guard/location.ts';
import { looksLikeMedia } from './guard/media.ts';
import { refusedName } from './guard/names.ts';
import { isShownName } from './member-name.ts';
import { type Refusal, type RefusalCode, refuse } from './refusal.ts';

/** The longest string that is looked into, in UTF-16 units: as long as a message may be. */
const LONGEST_STRING = 16_384;
/** A compact key set is carried whole inside a card; only its form is looked at here. */
const LONGEST_EXEMPT = 98_304;
const DEEPEST = 32;
/** A list of numbers this long is an encoded picture or hash (a perceptual hash by bytes has 8, PhotoDNA 144). */
const NUMBERS = 16;
/** The longest pointer that a receipt may carry. */
const LONGEST_POINTER = 512;

/** What most members hold and no digest can be: short codes, instants and dates, ids of version 4 and 7. */
const harmless =
  /^(?:[a-z:-]{1,25}|[\p{L}\p{N} .-]{1,4}|\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?|[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/u;

type Content = 'media-refused' | 'fingerprint-refused';

interface Step {
  readonly places: Readonly<Record<string, Place>>;
  /** Where the value stands, and the same with `*` for indices. */
  readonly pointer: string;
  readonly shape: string;
  readonly depth: number;
  /** True below a member that the pointer cannot name: it stays at that member's parent. */
  readonly unnamed: boolean;
}

/**
 * The content guard: looks at every string and every member name of a parsed JSON value, before the schema, at every door alike,
 * and names the first thing that is media (`media-refused`) or a fingerprint of media (`fingerprint-refused`) with its
 * pointer. `form` says which document it is: the few places where the protocol itself puts a digest, a key or an address are
 * exempt by pointer and exact syntax. A pointer never repeats what was refused: a name that is itself a digest, or no plain word, is shown as its parent.
 *
 * It stops mistakes and lazy misuse. It does not stop two partners who agree on a code between them: a digest cut into pieces
 * over several handles, written as a UUID or put into the path of an address looks like what is honest there. Against them
 * stand the contract, the policy and the log.
 */
export function guard(
  value: unknown,
  options: { readonly form: GuardForm; readonly at?: string },
): Refusal | undefined {
  return look(value, { places: forms[options.form], pointer: options.at ?? '', shape: '', depth: 0, unnamed: false });
}

function look(value: unknown, step: Step): Refusal | undefined {
  if (typeof value === 'string') return lookAtText(value, step);
  if (typeof value !== 'object' || value === null) return undefined;
  if (step.depth >= DEEPEST) return refuse('schema-invalid', step.pointer, 'The document is nested too deeply.');
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return refuse('media-refused', step.pointer);
  return Array.isArray(value) ? lookAtList(value, step) : lookAtMembers(value as Record<string, unknown>, step);
}

function lookAtText(text: string, { places, pointer, shape }: Step): Refusal | undefined {
  if (harmless.test(text)) return undefined;
  const place = places[shape];
  if (place !== undefined && place !== 'location' && text.length <= LONGEST_EXEMPT && place.test(text))
    return undefined;
  if (text.length > LONGEST_STRING) return refuse('too-large', pointer, 'The text is longer than any member may be.');
  const found = place === 'location' ? refusedAddress(text) : refusedText(text);
  return found && refuse(found, pointer, ...reason(found, place === 'location'));
}

function refusedText(text: string): Content | undefined {
  if (looksLikeMedia(text)) return 'media-refused';
  return looksLikeDigest(text) ? 'fingerprint-refused' : undefined;
}

function lookAtList(list: readonly unknown[], step: Step): Refusal | undefined {
  if (list.length >= NUMBERS && list.every((entry) => typeof entry === 'number'))
    return refuse('media-refused', step.pointer);
  for (const [index, entry] of list.entries()) {
    const refusal = look(entry, below(step, String(index), '*'));
    if (refusal) return refusal;
  }
  return undefined;
}

function lookAtMembers(members: Readonly<Record<string, unknown>>, step: Step): Refusal | undefined {
  for (const name of Object.keys(members)) {
    const refusal = lookAtName(name, step) ?? look(members[name], below(step, name, name));
    if (refusal) return refusal;
  }
  return undefined;
}

/** A place of the protocol may bear the name `digest`; nothing else may. */
function lookAtName(name: string, step: Step): Refusal | undefined {
  if (step.places[`${step.shape}/${name}`] !== undefined) return undefined;
  const content = name.length > 7 ? refusedText(name) : undefined;
  if (content) return refuse(content, step.pointer, ...reason(content, false));
  const code: RefusalCode | undefined = refusedName(name.slice(0, LONGEST_STRING));
  if (code === undefined) return undefined;
  return refuse(
    code,
    below(step, name, name).pointer,
    'A member is named for media or a fingerprint of media.',
    'Leave the member out: it is never carried.',
  );
}

function below(step: Step, name: string, shape: string): Step {
  const part = /[~/]/.test(name) ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name;
  const pointer = `${step.pointer}/${part}`;
  const unnamed = step.unnamed || !(shape === '*' || isShownName(name)) || pointer.length > LONGEST_POINTER;
  return {
    places: step.places,
    pointer: unnamed ? step.pointer : pointer,
    shape: `${step.shape}/${shape}`,
    depth: step.depth + 1,
    unnamed,
  };
}

function reason(code: Content, address: boolean): [message?: string, next?: string] {
  if (!address) return [];
  return code === 'media-refused'
    ? ['The address carries the content itself.', 'Send the address of the page or file, not what it contains.']
    : [
        'A parameter or fragment of the address names a digest.',
        'Send the address without the labelled digest, if it still leads to the place.',
      ];
}
