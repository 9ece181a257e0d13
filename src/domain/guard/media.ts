import { fold } from './fold.ts';
import { longestRandomRun } from './mixed-case.ts';

const types =
  'jpe?g|pjpeg|jfif|png|apng|gif|webp|avif|hei[cf]|jxl|jp2|bmp|tiff?|svg(?:\\+xml)?|mp4|m4v|webm|mpeg|mpv|quicktime|ogg|3gpp2?|h26[345]|av1|matroska|wav|flac|aac|opus|midi|vnd\\.[a-z0-9.+-]+|x-[a-z0-9.+-]+|\\*';
const mediaType = new RegExp(`(?:^|[^a-z0-9])(?:image|video|audio)/(?:${types})(?![a-z0-9])`, 'i');
/** RFC 2397: the comma is what makes it one; "data: see annex" is a sentence. */
const embedded =
  /data:(?:[a-z]+\/[a-z0-9.+-]+)?(?:;[a-z0-9=._-]+)*;base64,|data:(?:image|video|audio|application)\/[a-z0-9.+-]+[;,]|blob:(?:https?:|null\/)/i;
/** The first bytes of PNG, JPEG, GIF, WebP, MP4 and its kin (AVIF, HEIC), Matroska and SVG in base64, which tells cases apart. */
const firstBytes =
  /iVBORw0KGgo|[/_]9j[/_]4[A-Za-z0-9+/_-]{8}|R0lGOD[dl]h|UklGR[A-Za-z0-9+/_-]{8}|AAAA[A-Za-z0-9+/_-]{2}Z0eXB|GkXfo[0-9A-Za-z+/_-]{8}|PHN2Zy/;
/** The same in hexadecimal. */
const firstHex =
  /89504e470d0a1a0a|ffd8ffe[0-9a-f]{9}|474946383[79]61|52494646[0-9a-f]{8}57454250|000000[0-9a-f]{2}66747970|1a45dfa3[0-9a-f]{8}/i;
const longHex = /[0-9a-f]{161,}/i;

/** PhotoDNA has 144 bytes: 288 hexadecimal digits, 192 base64 characters. Longer than any digest, and still one. */
const PHOTODNA_HEX = 288;
const PHOTODNA_BASE64 = 192;
const LONGEST_LABELLED_DIGEST = 100;

/** True when the text is or carries content: `data:` and `blob:` URLs, types of image, video and sound, encoded bytes. */
export function looksLikeMedia(text: string): boolean {
  if (text.length < 5) return false;
  const folded = fold(text);
  if (carriesContent(folded) || mediaType.test(folded) || startsEmbedded(folded)) return true;
  const hex = longHex.exec(folded)?.[0].length ?? 0;
  if (hex > 0 && hex !== PHOTODNA_HEX) return true;
  const random = folded.length > LONGEST_LABELLED_DIGEST ? longestRandomRun(folded) : 0;
  return random > LONGEST_LABELLED_DIGEST && random !== PHOTODNA_BASE64;
}

/** An embedded document or the encoded first bytes of a media file anywhere in the text. */
export function carriesContent(folded: string): boolean {
  return embedded.test(folded) || firstBytes.test(folded) || firstHex.test(folded);
}

/** True when the whole is a `data:` or `blob:` URL, as parsers read it: after white space and in any case. */
export function startsEmbedded(folded: string): boolean {
  return /^\s*(?:data:[^,\s]*,|blob:)/i.test(folded);
}
