/** What JSON.parse takes and this protocol does not, and what neither takes. */
export type JsonViolation =
  | 'too-large'
  | 'not-utf8'
  | 'byte-order-mark'
  | 'not-json'
  | 'duplicate-member'
  | 'prototype-member'
  | 'lone-surrogate'
  | 'number-fractional'
  | 'number-exponent'
  | 'number-unsafe'
  | 'too-deep';

/** One violation and the character offset where it was seen (RFC 8259 text, offset from 0). */
export interface JsonFault {
  readonly violation: JsonViolation;
  readonly at: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Longest run of digits that is a safe integer whatever the digits are. */
const SAFE_DIGITS = 15;

/**
 * Looks in a text that JSON.parse has already taken for what two parsers could read differently: duplicate member
 * names after unescaping, `__proto__`, lone surrogates, numbers that are not safe integers, containers nested deeper
 * than `maxDepth` (protocol, "Verification order", step 3). One pass; the grammar is JSON.parse's business, so the
 * scan only tells names, strings, numbers and nesting apart.
 */
export function scanJson(text: string, maxDepth = 8): JsonFault | undefined {
  if (!text.isWellFormed()) return { violation: 'lone-surrogate', at: 0 };
  /** Names seen in each open object, the innermost apart in `names`; undefined marks an array. */
  const open: (Set<string> | undefined)[] = [];
  let names: Set<string> | undefined;
  let expectName = false;
  let backslash = text.indexOf('\\');
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      const start = at + 1;
      if (backslash !== -1 && backslash < start) backslash = text.indexOf('\\', start);
      const plain = text.indexOf('"', start);
      const escaped = backslash !== -1 && backslash < plain;
      at = escaped ? closingQuote(text, backslash) : plain;
      const violation =
        escaped || expectName ? checkString(text, start, at, escaped, expectName ? names : undefined) : undefined;
      if (violation !== undefined) return { violation, at: start };
      expectName = false;
    } else if (char === COMMA) {
      expectName = names !== undefined;
    } else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (open.length === maxDepth) return { violation: 'too-deep', at };
      open.push(names);
      expectName = char === OPEN_BRACE;
      names = expectName ? new Set() : undefined;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      names = open.pop();
      expectName = false;
    } else if (char === MINUS || isDigit(char)) {
      const end = numberEnd(text, at);
      const violation = checkNumber(text, at, end);
      if (violation !== undefined) return { violation, at };
      at = end - 1;
    }
  }
  return undefined;
}

/** Position of the quote that ends a string whose first backslash stands at `backslash`. */
function closingQuote(text: string, backslash: number): number {
  let at = backslash;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** `names` is given for a member name and absent for a value. */
function checkString(
  text: string,
  start: number,
  end: number,
  escaped: boolean,
  names: Set<string> | undefined,
): JsonViolation | undefined {
  const value = escaped ? (JSON.parse(text.slice(start - 1, end + 1)) as string) : text.slice(start, end);
  if (escaped && !value.isWellFormed()) return 'lone-surrogate';
  if (names === undefined) return undefined;
  if (value === '__proto__') return 'prototype-member';
  if (names.has(value)) return 'duplicate-member';
  names.add(value);
  return undefined;
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

function numberEnd(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length) {
    const char = text.charCodeAt(end);
    // Digits, "+", "-", ".", "E" and "e": nothing else can follow inside a number.
    if (!isDigit(char) && char !== 0x2b && char !== MINUS && char !== 0x2e && (char | 0x20) !== 0x65) break;
    end += 1;
  }
  return end;
}

function checkNumber(text: string, start: number, end: number): JsonViolation | undefined {
  const digits = text.slice(start, end);
  if (/[eE]/.test(digits)) return 'number-exponent';
  if (digits.includes('.')) return 'number-fractional';
  if (digits.length > SAFE_DIGITS && !Number.isSafeInteger(Number(digits))) return 'number-unsafe';
  return undefined;
}
