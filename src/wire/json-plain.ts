const QUOTE = 0x22;
const DOT = 0x2e;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Longest run of digits that is a safe integer whatever the digits are. */
const SAFE_DIGITS = 15;

/**
 * Whether `scanJson` would find nothing in a text that JSON.parse made `value` of, as far as that can be told cheaply:
 * true is certain, false only sends the text to the exact scan. Nearly every honest message is plain, and this half of
 * the gate is what it costs. A name that occurs twice is not looked for but counted: the text has it twice, the value once.
 */
export function isPlainJson(text: string, value: unknown, maxDepth = 8): boolean {
  // Without escapes a string ends at the next quote, a name has one spelling, and no half of a surrogate pair can hide.
  if (text.includes('\\') || text.includes('__proto__') || !text.isWellFormed()) return false;
  const names = countNames(text, maxDepth);
  return names !== undefined && names === countMembers(value);
}

/** Member names in the text; nothing where it is too deep or has a number that might be no safe integer. */
function countNames(text: string, maxDepth: number): number | undefined {
  let names = 0;
  let depth = 0;
  let digits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char >= 0x30 && char <= 0x39) {
      digits += 1;
      if (digits > SAFE_DIGITS) return undefined;
      continue;
    }
    // An "e" after a digit is an exponent; all others stand in true and false.
    if (char === DOT || (digits > 0 && (char | 0x20) === 0x65)) return undefined;
    digits = 0;
    if (char === QUOTE) at = text.indexOf('"', at + 1);
    else if (char === COLON) names += 1;
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      depth += 1;
      if (depth > maxDepth) return undefined;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth -= 1;
  }
  return names;
}

/** Members of all objects of a value that is known not to be deep. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const entry of value) members += countMembers(entry);
    return members;
  }
  const inside = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(inside)) members += 1 + countMembers(inside[name]);
  return members;
}
