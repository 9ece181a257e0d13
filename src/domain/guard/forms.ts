/** Which document is looked at; each has its own few places where the protocol itself puts a digest, key or address. */
export type GuardForm = 'reference' | 'receipt' | 'event' | 'policy' | 'card' | 'key-set';

/** `location`: an address, judged as one. A pattern: what the protocol puts there; a string that fits it exactly passes. */
export type Place = 'location' | RegExp;

const messageDigest = /^S256:[A-Za-z0-9_-]{43}$/;
/** 22 characters from a node, up to 64 from a foreign client: only where a message is named, never in a reference. */
const jti = /^[A-Za-z0-9_-]{1,64}$/;
const thumbprint = /^[A-Za-z0-9_-]{43}$/;
/** 32 bytes: a coordinate of Ed25519, X25519 or P-256 (RFC 7518, section 6.2.1; RFC 8037, section 2). */
const coordinate = /^[A-Za-z0-9_-]{43}$/;
/** 1,952 bytes: the public key of ML-DSA-65 (RFC 9964). */
const latticeKey = /^[A-Za-z0-9_-]{2603}$/;
const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

const reference = {
  '/url': 'location',
  '/access/referrer': 'location',
  '/assignee': 'location',
  '/assessments/*/by': 'location',
  '/source/iss': 'location',
  '/supersedes': messageDigest,
} as const;

/**
 * The places of each form by JSON pointer, `*` for any index of an array. The pointer is relative to the guarded value: a
 * reference or payload, the claims of a card or key set, a policy document.
 */
export const forms: Readonly<Record<GuardForm, Readonly<Record<string, Place>>>> = {
  reference,
  receipt: { '/digest': messageDigest, '/for/jti': jti },
  event: {
    '/to': 'location',
    '/by': 'location',
    '/digest': messageDigest,
    '/jti': jti,
    '/accepts': jti,
    '/body/to': 'location',
    '/body/by': 'location',
    '/body/accepts': jti,
  },
  policy: { '/partner': 'location' },
  card: {
    '/iss': 'location',
    '/identity_key/kid': thumbprint,
    '/identity_key/x': coordinate,
    '/identity_key/y': coordinate,
    '/identity_key/pub': latticeKey,
    '/key_set': compactJws,
  },
  'key-set': {
    '/iss': 'location',
    '/endpoints/push': 'location',
    '/endpoints/poll': 'location',
    '/endpoints/replay': 'location',
    '/endpoints/keys': 'location',
    '/keys/*/kid': thumbprint,
    '/keys/*/x': coordinate,
    '/keys/*/y': coordinate,
    '/keys/*/pub': latticeKey,
  },
};
