import { type Refusal, refuse } from '../domain/refusal.ts';
import { placeIn, whereJsonBreaks } from './json-place.ts';
import { isPlainJson } from './json-plain.ts';
import { type JsonFault, type JsonViolation, scanJson } from './json-scan.ts';

/** `bytes` is the longest UTF-8 text taken; `depth` the deepest nesting (8 where absent). */
export interface JsonLimits {
  readonly bytes: number;
  readonly depth?: number;
}

export interface StrictJson {
  readonly value: unknown;
}

/** A JSON object as JSON.parse made it; never an array, never null. */
export type JsonObject = Readonly<Record<string, unknown>>;

// `ignoreBOM` keeps a byte order mark in the text, where it is seen and refused; the default would swallow it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses UTF-8 JSON that every parser must read alike (RFC 8259 narrowed as RFC 7493 advises): fatal UTF-8, no byte
 * order mark, no duplicate or prototype member, no lone surrogate, safe integers only, nesting within the limit.
 */
export function parseStrict(source: Uint8Array | string, limits: JsonLimits): StrictJson | JsonFault {
  const size = typeof source === 'string' ? Buffer.byteLength(source) : source.byteLength;
  if (size > limits.bytes) return { violation: 'too-large', at: limits.bytes };
  const text = typeof source === 'string' ? source : decodeUtf8(source);
  if (text === undefined) return { violation: 'not-utf8', at: 0 };
  if (text.charCodeAt(0) === 0xfeff) return { violation: 'byte-order-mark', at: 0 };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { violation: 'not-json', at: 0 };
  }
  if (isPlainJson(text, value, limits.depth)) return { value };
  return scanJson(text, limits.depth) ?? { value };
}

/** The same gate for an HTTP body: the answer is a refusal `too-large` or `json-invalid` that says what was seen where. */
export function readJson(body: Uint8Array | string, limits: JsonLimits): StrictJson | Refusal {
  const read = parseStrict(body, limits);
  if (!isJsonFault(read)) return read;
  if (read.violation === 'too-large') return refuse('too-large');
  const text = typeof body === 'string' ? body : (decodeUtf8(body) ?? '');
  if (read.violation === 'not-json') return refuse('json-invalid', '', `The body ${whyNoJson(text)}.`);
  const place = located.has(read.violation) ? ` at ${placeIn(text, read.at)}` : '';
  return refuse('json-invalid', '', `The body ${sayings[read.violation]}${place}.`);
}

function whyNoJson(text: string): string {
  return text.trim() === '' ? 'is empty' : `is not JSON at ${placeIn(text, whereJsonBreaks(text))}`;
}

/** Tells what `parseStrict` refused from what it took. */
export function isJsonFault(read: StrictJson | JsonFault): read is JsonFault {
  return 'violation' in read;
}

/** Tells a JSON object from an array, null and scalars. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const sayings: Record<JsonViolation, string> = {
  'too-large': 'is larger than allowed',
  'not-utf8': 'is not UTF-8',
  'byte-order-mark': 'starts with a byte order mark',
  'not-json': 'is not JSON',
  'duplicate-member': 'has the same member name twice in one object,',
  'prototype-member': 'has a member named __proto__,',
  'lone-surrogate': 'has half of a surrogate pair in a string,',
  'number-fractional': 'has a fractional number,',
  'number-exponent': 'has a number with an exponent,',
  'number-unsafe': 'has a number beyond the safe integers,',
  'too-deep': 'is nested too deep,',
};

const located: ReadonlySet<JsonViolation> = new Set<JsonViolation>([
  'duplicate-member',
  'prototype-member',
  'lone-surrogate',
  'number-fractional',
  'number-exponent',
  'number-unsafe',
  'too-deep',
]);
