import { fold } from './fold.ts';
import { hasDigestLength, hasMixedCaseDigest, isRegular } from './mixed-case.ts';

/** The shortest digest that is looked for: a perceptual hash of 64 bits in hexadecimal. */
const SHORTEST = 16;

/** A UUID, bare or in braces, with a version and variant that somebody issues (RFC 9562), or as SQL Server orders its sequential ones. */
const uuid =
  /(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-(?:[1-8][0-9a-f]{3}|[0-9a-f]{2}1[0-9a-f])-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9a-z])/gi;
/** Stands where a UUID was, and breaks every run: a letter that no digest contains. */
const BREAK = 'ß';

const algorithm =
  'md[245]|sha-?(?:1|2|224|256|384|512)|sha-?3(?:-?\\d{3})?|ripemd-?160|tiger|whirlpool|blake[23][bs]?|crc-?(?:32c?|64)|xxh\\d*|[padw]hash|v?pdqf?|photo-?dna|ssdeep|tlsh|tmk|btih|ed2k|infohash|multihash';
const labelled = new RegExp(`(?:^|[^a-z0-9])(?:${algorithm})[^a-z0-9]{1,3}?([a-z0-9+/_=-]{8,})`, 'gi');
/** In an address a slash does not label: `/md5/…` is a path. */
const labelledInAddress = new RegExp(`(?:^|[^a-z0-9])(?:${algorithm})[:=_-]{1,2}?([a-z0-9+/_=-]{8,})`, 'gi');
/** `3:abc…:def…` of ssdeep: block size three times a power of two, then two base64 signatures. */
const ssdeep = /(?:^|[^0-9])(\d{1,9}):([A-Za-z0-9+/]{3,64}):([A-Za-z0-9+/]{3,64})/;
/** Version 0 and 1 of content identifiers in their usual bases. */
const contentId =
  /\b(?:Qm[1-9A-HJ-NP-Za-km-z]{44}|[bB][aA][a-zA-Z2-7]{50,}|z[1-9A-HJ-NP-Za-km-z]{46,}|k51[0-9a-z]{50,})/;
/** 32 or more hexadecimal digits with nothing between them but punctuation, space or signs. */
const hexRun = /[0-9a-f](?:[^\p{L}\p{N}]*[0-9a-f]){31,}/giu;
/** The same with the letters that pass for a zero or a one. */
const hexLikeRun = /[0-9a-foil](?:[^\p{L}\p{N}]*[0-9a-foil]){31,}/giu;
/** A digest of 128 bits or more as one number, or its bytes as a list of numbers. */
const decimalRun = /[0-9]{38}|(?:[0-9]{1,3}[^\p{L}\p{N}]+){15}[0-9]{1,3}(?![0-9])/u;
/** Lengths of 16 to 64 bytes (and the 24 of Tiger) in base32 without padding; 32 is the info-hash of BitTorrent. */
const base32Lengths = new Set([26, 32, 39, 45, 52, 77, 103]);

/**
 * True when the text is, or contains, what looks like a digest or another fingerprint of content: hexadecimal of 32 or
 * more digits however they are grouped, a bare perceptual hash, base32, base58, base64 and base64url of the lengths of digests,
 * content identifiers, SSDEEP, long decimals, and anything shorter that an algorithm's name labels. UUIDs with their hyphens are not.
 */
export function looksLikeDigest(text: string): boolean {
  if (text.length < 8) return false;
  const folded = fold(text);
  if (folded.length < SHORTEST) return isLabelled(folded);
  const rest = folded.replace(uuid, BREAK);
  return isHexadecimal(rest) || isLabelled(rest) || isBase32(rest) || hasMixedCaseDigest(rest) || isNamedForm(rest);
}

/** True when an algorithm's name stands before a value, as in `sha256-…` or `md5: …`. */
function isLabelled(folded: string): boolean {
  return hasLabelledValue(folded, labelled);
}

/** The same inside a parameter or fragment of an address. */
export function isLabelledInAddress(folded: string): boolean {
  return hasLabelledValue(folded, labelledInAddress);
}

function hasLabelledValue(folded: string, pattern: RegExp): boolean {
  for (const [, value = ''] of folded.matchAll(pattern)) {
    const figures = /\d/.test(value) && /[a-z]/i.test(value);
    if (figures && (/^[0-9a-f]{8,}/i.test(value) || value.length >= SHORTEST)) return true;
    if (hasDigestLength(value.replace(/=+$/, '')) && /[a-z]/.test(value) && /[A-Z]/.test(value)) return true;
  }
  return false;
}

function isHexadecimal(text: string): boolean {
  if (decimalRun.test(text)) return true;
  if (/^[0-9a-f]{16}$/i.test(text.trim()) && isRandomHex(text, 2, 4)) return true;
  for (const [run] of text.matchAll(hexRun)) if (isUnbroken(run) || isRandomHex(run, 3, 4)) return true;
  if (!/[oil]/i.test(text)) return false;
  for (const [run] of text.matchAll(hexLikeRun)) if (isRandomHex(run, 8, 8)) return true;
  return false;
}

/** Nobody writes 32 characters in one piece that only happen to be hexadecimal; figures alone may be a number. */
function isUnbroken(run: string): boolean {
  return /[0-9a-f]{32}/i.test(run) && /[a-f]/i.test(run);
}

/**
 * Letters and digits alternate in random hexadecimal. In a case number they change at its punctuation, which therefore does not
 * count, unless the punctuation stands at a regular distance as between printed bytes.
 */
function isRandomHex(run: string, least: number, changes: number): boolean {
  const letters = run.match(/[a-z]/gi)?.length ?? 0;
  const digits = run.match(/\d/g)?.length ?? 0;
  if (letters < least || digits < least) return false;
  const groups = run.split(/[^0-9a-z]+/i).filter((group) => group !== '');
  const read = isRegular(groups) ? groups.join('') : groups.join(' ');
  return (read.match(/[a-z](?=\d)|\d(?=[a-z])/gi)?.length ?? 0) >= changes;
}

/** One case only, no 0, 1, 8 or 9, an exact length, and digits strewn among the letters or letters that make no word. */
function isBase32(text: string): boolean {
  for (const [run] of text.matchAll(/[a-z2-7]{26,}|[A-Z2-7]{26,}/g)) if (isRandomBase32(run, run)) return true;
  if (!/[^\p{L}\p{N}]/u.test(text)) return false;
  const squeezed = text.replace(/[^\p{L}\p{N}]/gu, '');
  return /^(?:[a-z2-7]+|[A-Z2-7]+)$/.test(squeezed) && isRandomBase32(squeezed, text);
}

function isRandomBase32(run: string, grouped: string): boolean {
  if (!base32Lengths.has(run.length)) return false;
  const strewn = grouped.match(/[a-z](?=\d)|\d(?=[a-z])/gi)?.length ?? 0;
  if (grouped !== run) return strewn >= 2;
  const vowels = run.match(/[aeiou]/gi)?.length ?? 0;
  return strewn >= 1 || vowels / run.length <= 0.25;
}

function isNamedForm(text: string): boolean {
  if (contentId.test(text)) return true;
  const found = ssdeep.exec(text);
  const [, size = '', first = '', second = ''] = found ?? [];
  const signature = first + second;
  const power = Math.log2(Number(size) / 3);
  return signature.length >= SHORTEST && Number.isInteger(power) && /[a-z]/.test(signature) && /[A-Z]/.test(signature);
}
