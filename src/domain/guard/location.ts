import { isLabelledInAddress, looksLikeDigest } from './digest.ts';
import { fold } from './fold.ts';
import { carriesContent, looksLikeMedia, startsEmbedded } from './media.ts';
import { labelOf } from './names.ts';

/** A value that a named algorithm labels: as short as a perceptual hash, and not a plain word or number. */
const labelledValue = /^[a-z0-9+/_=:-]{16,}$/i;
const FIELD_SEPARATORS = /[&;?]/;
const LONGEST_FIELD = 4096;
const blob = new RegExp(`[a-z0-9+/_-]{${LONGEST_FIELD},}`, 'i');
/** Schemes that the URL gate names, content-addressed ones among them. What else has a colon (`md5:…`, `18:cb:…`) is text. */
const ofOtherScheme =
  /^(?:magnet|ed2k|ipfs|ipns|urn|cid|mid|dweb|bzz|file|javascript|vbscript|about|mailto|tel|sms|wss?|sftp|ssh|rtsp|rtmp|ldap|nntp|news|irc|xmpp|gopher|view-source|filesystem|intent|chrome|android-app|geo|git|svn|telnet|tg|skype|whatsapp|bitcoin)$/;

/**
 * What is wrong with an address, or undefined. Hosts name things by digests, and without that name nothing is found or taken
 * down: a digest in a path segment, host label, unlabelled parameter or fragment stays. Where a label says what it is (`?md5=…`,
 * `;sha1=…`, `#sha256-…`, also percent-encoded or inside an address given as parameter) it is a fingerprint, not a place. Other
 * schemes are left to the URL gate, which names them, but for `data:` and `blob:`.
 */
export function refusedAddress(text: string): 'media-refused' | 'fingerprint-refused' | undefined {
  const folded = fold(text);
  if (/^\s*(?:data|blob):/i.test(folded) || startsEmbedded(folded) || carriesContent(folded)) return 'media-refused';
  const scheme = /^\s*([a-z][a-z0-9+.-]*):/i.exec(folded)?.[1]?.toLowerCase();
  if (scheme === undefined) return asText(text);
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 'ftp')
    return ofOtherScheme.test(scheme) ? undefined : asText(text);
  const fields = fieldsOf(text);
  if (text.length > LONGEST_FIELD && fields.some(isBlob)) return 'media-refused';
  return fields.some(isLabelledField) ? 'fingerprint-refused' : undefined;
}

/** Signatures and tokens are shorter; three kilobytes are a small picture. */
function isBlob(field: string): boolean {
  return field.length > LONGEST_FIELD && blob.test(fold(field));
}

function asText(text: string): 'media-refused' | 'fingerprint-refused' | undefined {
  if (looksLikeMedia(text)) return 'media-refused';
  return looksLikeDigest(text) ? 'fingerprint-refused' : undefined;
}

/** Parameters of path, query and fragment; split before decoding, as a reader of the address splits them. */
function fieldsOf(url: string): string[] {
  const [beforeFragment = '', ...fragment] = url.split('#');
  const [path = '', ...query] = beforeFragment.split('?');
  const inPath = path.includes(';') ? path.split(/[;/]/).filter((part) => part.includes('=')) : [];
  return [...inPath, ...[...query, ...fragment].flatMap((part) => part.split(FIELD_SEPARATORS))].filter(
    (field) => field.length >= 8,
  );
}

function isLabelledField(field: string): boolean {
  if (isLabelledInAddress(fold(field))) return true;
  const equals = field.indexOf('=');
  const label = equals < 0 ? undefined : labelOf(field.slice(0, equals));
  if (label === undefined) return false;
  const value = fold(field.slice(equals + 1));
  const coded = label === 'algorithm' && labelledValue.test(value) && /\d/.test(value) && /[a-z]/i.test(value);
  return coded || looksLikeDigest(value);
}
