/**
 * Base64, base64url and base58 of digests. A length alone says little: `Hotline-Report-2026-12` has the length of an MD5. What
 * tells is how often the case or kind of character changes inside a word: in a written identifier hardly ever, in random
 * characters at every second step.
 */

/** Characters of 16, 20, 24, 28, 32, 48, 64 and 144 bytes in base64 without padding, and in base58. */
const base64Lengths = [22, 27, 32, 38, 43, 64, 86, 192];
const base58Lengths = [21, 26, 28, 33, 37, 39, 42, 44, 46, 65, 66, 87, 88];
const anyLength = new Set([...base64Lengths, ...base58Lengths]);
const base58 = /^[1-9A-HJ-NP-Za-km-z]+$/;
/** Longer than any word: from here on a random run is refused whatever its length, since something may stand glued to it. */
const LONG = 40;
const SHORTEST = 21;

/** A word as people write it: a capital and small letters, or capitals, or figures. */
const word = /[A-Z]?[a-z]+|[A-Z]+|[0-9]+/g;

/** True when a run of the text, or the whole with its separators taken out, is a digest in one of these encodings. */
export function hasMixedCaseDigest(folded: string): boolean {
  if (folded.length < SHORTEST || !/[a-z]/.test(folded) || !/[A-Z]/.test(folded)) return false;
  for (const [run] of folded.matchAll(/[A-Za-z0-9+/_-]{21,}/g)) {
    if (isDigest(run)) return true;
    if (/[+/_-]/.test(run) && run.split(/[+/_-]+/).some((part) => part.length >= SHORTEST && isDigest(part)))
      return true;
  }
  return isSplit(folded);
}

/** The longest run of base64 characters that reads as random; 0 when there is none. */
export function longestRandomRun(folded: string): number {
  const runs = folded.match(/[A-Za-z0-9+/_-]{64,}/g) ?? [];
  return Math.max(0, ...runs.filter((run) => isRandom(run, run)).map((run) => run.length));
}

function isDigest(run: string): boolean {
  return (run.length >= LONG || hasDigestLength(run)) && isRandom(run, run);
}

/** The whole text with punctuation and spaces strewn into it: once those outside the alphabet, once all. */
function isSplit(folded: string): boolean {
  if (/[^\0-\x7f]/.test(folded.replace(/[^\p{L}\p{N}]/gu, ''))) return false;
  return [/[^A-Za-z0-9+/_-]+/g, /[^A-Za-z0-9]+/g].some((separators) => {
    const squeezed = folded.replace(separators, '');
    return squeezed !== folded && hasDigestLength(squeezed) && !hasOneCaseId(folded) && isRandom(squeezed, folded);
  });
}

/** A long piece in one case, such as a ULID in a sentence, is none of a text that has both throughout. */
function hasOneCaseId(folded: string): boolean {
  return (folded.match(/[A-Za-z0-9]{16,}/g) ?? []).some((piece) => !/[a-z]/.test(piece) || !/[A-Z]/.test(piece));
}

/** The length of a digest. 21 is also the usual length of short random ids; only one in base58's alphabet is taken for a digest. */
export function hasDigestLength(run: string): boolean {
  return anyLength.has(run.length) && (base64Lengths.includes(run.length) || base58.test(run));
}

/**
 * Counts the changes inside groups against what random characters of this many neighbours fall short of once in ten thousand.
 * A text whose words are all three characters or longer is written, whatever its length: names in camel case.
 */
function isRandom(run: string, grouped: string): boolean {
  if (!/[a-z]/.test(run) || !/[A-Z]/.test(run)) return false;
  const groups = groupsAsRead(grouped);
  const words = groups.map((group) => group.match(word) ?? []);
  const changes = words.reduce((sum, group) => sum + Math.max(0, group.length - 1), 0);
  const neighbours = groups.reduce((sum, group) => sum + group.length - 1, 0);
  const short = words.flat().some((part) => part.length <= 2);
  return short && changes >= Math.max(3, Math.round((neighbours - 21) * 0.28) + 3);
}

/** What prints bytes uses one mark; a few more are looked at for those that stand inside base64url itself. */
const MOST_MARKS = 6;

/**
 * The groups of letters and figures that a reader compares: all in one where the same mark stands at one distance
 * throughout, four groups or more, as bytes are printed and case numbers and hours of opening are not.
 */
export function groupsAsRead(text: string): string[] {
  const groups = text.split(/[^A-Za-z0-9]+/).filter((group) => group !== '');
  if (groups.length < 4) return groups;
  const marks = [...new Set(text.match(/[^A-Za-z0-9]+/g))].slice(0, MOST_MARKS);
  return marks.some((mark) => isRegular(text.split(mark))) ? [groups.join('')] : groups;
}

function isRegular(groups: readonly string[]): boolean {
  const length = groups[0]?.length ?? 0;
  return groups.length >= 4 && length > 0 && groups.slice(0, -1).every((group) => group.length === length);
}
