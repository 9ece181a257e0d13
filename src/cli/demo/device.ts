import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';

// A device of an officer, made of software and forgotten at once: the demonstration enrols it as a browser would (WebAuthn level 3).

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest();

/** Present, verified, with a credential (WebAuthn, section 6.1). */
const FLAGS = 0x45;

/** An ES256 public key as a COSE key (RFC 9053, section 7.1.1): a map of five members, in CBOR. */
function coseKey(x: string, y: string): Buffer {
  const head = Buffer.from('a5010203262001215820', 'hex');
  return Buffer.concat([head, Buffer.from(x, 'base64url'), Buffer.from('225820', 'hex'), Buffer.from(y, 'base64url')]);
}

/** Answers the options that stand in the page of an invitation: a new passkey, without attestation, as JSON. */
export function newPasskey(origin: string, page: string): string {
  const { challenge, rp } = optionsIn(page);
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const id = randomBytes(32);
  const length = Buffer.from([id.length >> 8, id.length & 0xff]);
  const head = Buffer.concat([sha256(rp.id), Buffer.from([FLAGS]), Buffer.alloc(4 + 16)]);
  const authenticator = Buffer.concat([head, length, id, coseKey(x, y)]);
  const attestation = Buffer.concat([
    Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746158', 'hex'),
    Buffer.from([authenticator.length]),
    authenticator,
  ]);
  const client = JSON.stringify({ type: 'webauthn.create', challenge, origin, crossOrigin: false });
  const named = id.toString('base64url');
  return JSON.stringify({
    id: named,
    rawId: named,
    type: 'public-key',
    response: {
      clientDataJSON: Buffer.from(client).toString('base64url'),
      attestationObject: attestation.toString('base64url'),
      transports: ['internal'],
    },
    clientExtensionResults: {},
  });
}

function optionsIn(page: string): { readonly challenge: string; readonly rp: { readonly id: string } } {
  const written = /data-options="([^"]*)"/.exec(page)?.[1] ?? '{}';
  return JSON.parse(written.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&'));
}
