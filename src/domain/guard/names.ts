import { fold } from './fold.ts';

/** Algorithms whose name in a member or parameter says that its value is a fingerprint. */
const algorithms =
  'md[245](?!\\d)|sha(?:1|2|3|224|256|384|512)|ripemd|whirlpool|blake[23]|murmur|xxh|crc(?:32|64)|[padw]hash|pdq|photodna|ssdeep|tlsh|tmk|btih|infohash|multihash|ed2k';
const fingerprints = 'hash|digest|checksum|fingerprint|^(?:sha|crc|cid|magnet|csum|integrity)$';
const media =
  'thumb|screen(?:shot|cap|grab)|attach(?:ment|ed)|image|picture|photo|video|audio|base64|blob|binary|preview|snapshot|multimedia|^media(?!t(?:or|ion|e))|jpe?g|^(?:imgs?|pics?|png|gif|mp4|clip|frames?|stills?)$';
const ofAlgorithm = new RegExp(algorithms);
const ofFingerprint = new RegExp(`${algorithms}|${fingerprints}`);
const ofAny = new RegExp(`${algorithms}|${fingerprints}|${media}`);

/**
 * The code under which a member of this name is refused, or undefined. The name is read without case, separators and
 * disguise: `fileHash`, `SHA-256` and `Thumb_nail` are found, and so are names that contain one.
 */
export function refusedName(name: string): 'media-refused' | 'fingerprint-refused' | undefined {
  const bare = bareName(name);
  if (!ofAny.test(bare)) return undefined;
  return ofFingerprint.test(bare) ? 'fingerprint-refused' : 'media-refused';
}

/** How a parameter's name labels its value: with an algorithm, with a general word such as `hash`, or not at all. */
export function labelOf(name: string): 'algorithm' | 'general' | undefined {
  const bare = bareName(name);
  if (ofAlgorithm.test(bare)) return 'algorithm';
  return ofFingerprint.test(bare) ? 'general' : undefined;
}

function bareName(name: string): string {
  if (/^[a-z]*$/.test(name)) return name;
  return fold(name)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
