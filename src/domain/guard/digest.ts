import { fold } from './fold.ts';
import { groupsAsRead, hasDigestLength, hasMixedCaseDigest } from './mixed-case.ts';

/** The shortest digest that is looked for: a perceptual hash of 64 bits in hexadecimal. */
const SHORTEST = 16;

/** A UUID, bare or in braces, with a version and variant that somebody issues (RFC 9562), or as SQL Server orders its sequential ones. */
const uuid =
  /(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-(?:[1-8][0-9a-f]{3}|[0-9a-f]{2}1[0-9a-f])-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9a-z])/gi;
/** Stands where a UUID was, and breaks every run: a letter that no digest contains. */
const BREAK = 'ß';

const algorithm =
  'md[245]|sha-?(?:1|2|224|256|384|512)|sha-?3(?:-?\\d{3})?|ripemd-?160|tiger|whirlpool|blake[23][bs]?|crc-?(?:32c?|64)|xxh\\d*|[padw]hash|v?pdqf?|photo-?dna|ssdeep|tlsh|tmk|btih|ed2k|infohash|multihash';
const labelled = new RegExp(`(?:^|[^a-z0-9])(?:${algorithm})([^a-z0-9]{1,3}?)([a-z0-9+/_=-]{8,})`, 'gi');
/** In an address a slash does not label: `/md5/…` is a path. */
const labelledInAddress = new RegExp(`(?:^|[^a-z0-9])(?:${algorithm})([:=_-]{1,2}?)([a-z0-9+/_=-]{8,})`, 'gi');
const labelInAddress = new RegExp(`(?:^|[^a-z0-9])(?:${algorithm})[:=_-]`, 'i');
/** `3:abc…:def…` of ssdeep: block size three times a power of two, then two base64 signatures. */
const ssdeep = /(?:^|[^0-9])(\d{1,9}):([A-Za-z0-9+/]{3,64}):([A-Za-z0-9+/]{3,64})/;
/** Version 0 and 1 of content identifiers in their usual bases. */
const contentId =
  /\b(?:Qm[1-9A-HJ-NP-Za-km-z]{44}|[bB][aA][a-zA-Z2-7]{50,}|z[1-9A-HJ-NP-Za-km-z]{46,}|k(?:51|2[a-z])[0-9a-z]{50,})/;
/** 32 or more hexadecimal digits with nothing between them but punctuation, space or signs. */
const hexRun = /[0-9a-f](?:[^\p{L}\p{N}]*[0-9a-f]){31,}/giu;
/** The same with the letters that pass for a zero or a one. */
const hexLikeRun = /[0-9a-foil](?:[^\p{L}\p{N}]*[0-9a-foil]){31,}/giu;
/** Stands before a byte as programs write one: `0x1f`, `\\x1f`. */
const byteMark = /[0\\]x(?=[0-9a-f]{2})/gi;
/** A digest of 128 bits or more as one number, or its bytes as a list of numbers. */
const decimalRun = /[0-9]{38}|(?:[0-9]{1,3}[^\p{L}\p{N}]+){15}[0-9]{1,3}(?![0-9])/u;
/** Lengths of 16 to 64 bytes (and the 24 of Tiger) in base32 without padding; 32 is the info-hash of BitTorrent. */
const base32Lengths = new Set([26, 32, 39, 45, 52, 77, 103]);

/** Share of vowels below which letters make no word: random ones have 0.16, those of words 0.3 to 0.5. */
const FEW_VOWELS = 0.27;

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

/** The same inside a parameter or fragment of an address; what follows the label may be written in any spelling. */
export function isLabelledInAddress(folded: string): boolean {
  const label = labelInAddress.exec(folded);
  if (label === null) return false;
  return hasLabelledValue(folded, labelledInAddress) || looksLikeDigest(folded.slice(label.index + label[0].length));
}

function hasLabelledValue(folded: string, pattern: RegExp): boolean {
  for (const [, mark = '', value = ''] of folded.matchAll(pattern)) {
    const figures = /\d/.test(value) && /[a-z]/i.test(value);
    // Random base64url may begin with `Tmk_`: behind its own marks only a value of the right form counts in an address.
    const anyForm = pattern !== labelledInAddress || !/[_-]/.test(mark);
    if (figures && (/^[0-9a-f]{8,}/i.test(value) || (anyForm && value.length >= SHORTEST))) return true;
    const bare = value.replace(/=+$/, '');
    if (hasDigestLength(bare) && /[a-z]/.test(value) && /[A-Z]/.test(value)) return true;
    if (base32Lengths.has(bare.length) && /^(?:[a-z2-7]+|[A-Z2-7]+)$/.test(bare)) return true;
  }
  return false;
}

function isHexadecimal(given: string): boolean {
  const text = /[0\\]x/i.test(given) ? given.replace(byteMark, ' ') : given;
  if (decimalRun.test(text)) return true;
  if (isPerceptual(text.trim())) return true;
  for (const found of text.matchAll(hexRun))
    if (isUnbroken(found[0]) || isRandomHex(withoutWords(text, found), 3, 4)) return true;
  if (!/[oil]/i.test(text)) return false;
  for (const found of text.matchAll(hexLikeRun)) if (isRandomHex(withoutWords(text, found), 8, 8)) return true;
  return false;
}

/** The run without the end of a word at its beginning and the beginning of one at its end: `…ica 7/2021; …` is a law. */
function withoutWords(text: string, { 0: run, index }: RegExpExecArray): string {
  const begun = /[\p{L}\p{N}]$/u.test(text.slice(0, index)) ? run.replace(/^[a-z]{1,7}(?=[^a-z0-9])/i, '') : run;
  const after = text.slice(index + run.length, index + run.length + 2);
  return /^[\p{L}\p{N}]/u.test(after) ? begun.replace(/(?<=[^a-z0-9])[a-z]{1,7}$/i, '') : begun;
}

/** 64 bits, bare. Case numbers of 16 such characters are written in capitals: a unit, a year, a unit, a serial. */
function isPerceptual(text: string): boolean {
  return /^[0-9a-f]{16}$/i.test(text) && (/[A-F]/.test(text) ? isRandomHex(text, 2, 4) : isRandomHex(text, 1, 3));
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
  if (letters < least || digits < least || (letters + digits < 32 && letters + digits !== SHORTEST)) return false;
  const groups = groupsAsRead(run);
  if (groups.length > 1 && isNumbered(groups)) return false;
  const read = groups.join(' ');
  return (read.match(/[a-z](?=\d)|\d(?=[a-z])/gi)?.length ?? 0) >= changes;
}

/** A document id of 24 hexadecimal digits, as databases give them, among dates and serial numbers. */
function isNumbered(groups: readonly string[]): boolean {
  const coded = groups.filter((group) => !/^\d+$/.test(group));
  return coded.length === 1 && coded[0]?.length === 24;
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
  const groups = groupsAsRead(grouped);
  const strewn = groups.reduce((sum, group) => sum + (group.match(/[a-z](?=\d)|\d(?=[a-z])/gi)?.length ?? 0), 0);
  const vowels = (run.match(/[aeiou]/gi)?.length ?? 0) / run.length;
  return groups.length > 1 ? strewn >= 2 || vowels <= 0.2 : strewn >= 1 || vowels <= FEW_VOWELS;
}

function isNamedForm(text: string): boolean {
  if (contentId.test(text)) return true;
  const found = ssdeep.exec(text);
  const [, size = '', first = '', second = ''] = found ?? [];
  const signature = first + second;
  const power = Math.log2(Number(size) / 3);
  return signature.length >= SHORTEST && Number.isInteger(power) && /[a-z]/.test(signature) && /[A-Z]/.test(signature);
}
