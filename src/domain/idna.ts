/**
 * A-labels (RFC 5890). The global URL turns U-labels into A-labels, but accepts an `xn--` label without decoding it, so
 * that one host would have several spellings, or none that exists. Here such a label is decoded and must encode back to itself.
 */

/** Bootstring parameters of Punycode (RFC 3492, section 5). */
const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
const LARGEST_CODE_POINT = 0x10ffff;

/** True when the label, lower case and starting with `xn--`, is what its own Unicode form encodes to. */
export function isALabel(label: string): boolean {
  const unicode = decodePunycode(label.slice(4));
  return unicode !== undefined && hostToAscii(unicode) === label;
}

/** The lower-case A-label form of a host name (UTS 46 as the WHATWG URL standard applies it), or undefined. */
export function hostToAscii(host: string): string | undefined {
  try {
    return new URL(`http://${host}/`).hostname;
  } catch {
    return undefined;
  }
}

function decodePunycode(text: string): string | undefined {
  const delimiter = text.lastIndexOf('-');
  const points = delimiter > 0 ? [...text.slice(0, delimiter)].map(codePoint) : [];
  let n = 128;
  let i = 0;
  let bias = 72;
  let at = delimiter > 0 ? delimiter + 1 : 0;
  if (at === text.length) return undefined;
  while (at < text.length) {
    const before = i;
    let weight = 1;
    for (let k = BASE; ; k += BASE) {
      const digit = digitValue(text.charCodeAt(at));
      at += 1;
      if (digit === undefined) return undefined;
      i += digit * weight;
      const threshold = Math.min(Math.max(k - bias, T_MIN), T_MAX);
      if (digit < threshold) break;
      weight *= BASE - threshold;
    }
    const length = points.length + 1;
    bias = adapt(i - before, length, before === 0);
    n += Math.floor(i / length);
    i %= length;
    if (n > LARGEST_CODE_POINT || (n >= 0xd800 && n <= 0xdfff)) return undefined;
    points.splice(i, 0, n);
    i += 1;
  }
  return String.fromCodePoint(...points);
}

function adapt(delta: number, length: number, first: boolean): number {
  let rest = first ? Math.floor(delta / DAMP) : Math.floor(delta / 2);
  rest += Math.floor(rest / length);
  let k = 0;
  while (rest > ((BASE - T_MIN) * T_MAX) / 2) {
    rest = Math.floor(rest / (BASE - T_MIN));
    k += BASE;
  }
  return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + SKEW));
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

/** a to z are 0 to 25, 0 to 9 are 26 to 35; NaN past the end of the text falls through to undefined. */
function digitValue(code: number): number | undefined {
  if (code >= 0x61 && code <= 0x7a) return code - 0x61;
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 26;
  return undefined;
}
