import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { portalListener } from '../../src/portal/listener.ts';
import { doorOf } from '../../src/portal/sign-in/sign-in.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { invite } from '../support/liaisons.ts';

// An authenticator that says whatever it is told to: what a browser would never send.

const origin = 'http://localhost:8442';
let node: TestExchange;
let app: FastifyInstance;
beforeAll(async () => {
  node = await testExchange({ issuer: 'http://127.0.0.1:8440', clock: () => Date.parse('2026-11-20T12:00:00Z') });
  const { exchange } = node;
  app = await portalListener({ exchange, healthy: async () => true, ...doorOf({ exchange, origin }) });
});
afterAll(async () => {
  await app.close();
  await node.close();
});

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest();
const head = (major: number, n: number) =>
  n < 24
    ? Buffer.from([(major << 5) | n])
    : n < 256
      ? Buffer.from([(major << 5) | 24, n])
      : Buffer.from([(major << 5) | 25, n >> 8, n & 255]);
const bytes = (value: Buffer) => Buffer.concat([head(2, value.length), value]);
const text = (value: string) => Buffer.concat([head(3, value.length), Buffer.from(value)]);
const int = (value: number) => (value < 0 ? head(1, -1 - value) : head(0, value));
const map = (...pairs: Buffer[]) => Buffer.concat([head(5, pairs.length / 2), ...pairs]);

const PRESENT = 1;
const VERIFIED = 4;
const ATTESTED = 64;

interface Lie {
  readonly origin?: string;
  readonly rp?: string;
  readonly type?: string;
  readonly challenge?: string;
  readonly flags?: number;
  readonly counter?: number;
  readonly userHandle?: string;
  readonly transports?: unknown;
}

class Device {
  readonly id = randomBytes(16);
  readonly pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  private client(type: string, challenge: string, lie: Lie) {
    const said = {
      type: lie.type ?? type,
      challenge: lie.challenge ?? challenge,
      origin: lie.origin ?? origin,
      crossOrigin: false,
    };
    return Buffer.from(JSON.stringify(said));
  }

  private authData({ rp = 'localhost', counter = 0 }: Lie, flags: number, rest = Buffer.alloc(0)) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    return Buffer.concat([sha256(rp), Buffer.from([flags]), count, rest]);
  }

  private answer(response: object) {
    const id = this.id.toString('base64url');
    return JSON.stringify({ id, rawId: id, type: 'public-key', response, clientExtensionResults: {} });
  }

  make(challenge: string, lie: Lie = {}) {
    const { x = '', y = '' } = this.pair.publicKey.export({ format: 'jwk' });
    const part = (value: string) => bytes(Buffer.from(value, 'base64url'));
    const cose = map(int(1), int(2), int(3), int(-7), int(-1), int(1), int(-2), part(x), int(-3), part(y));
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, this.id.length]), this.id, cose]);
    const data = this.authData(lie, ATTESTED | (lie.flags ?? PRESENT | VERIFIED), attested);
    const object = map(text('fmt'), text('none'), text('attStmt'), map(), text('authData'), bytes(data));
    return this.answer({
      clientDataJSON: this.client('webauthn.create', challenge, lie).toString('base64url'),
      attestationObject: object.toString('base64url'),
      transports: lie.transports ?? ['usb'],
    });
  }

  sign(challenge: string, lie: Lie = {}) {
    const client = this.client('webauthn.get', challenge, lie);
    const data = this.authData(lie, lie.flags ?? PRESENT | VERIFIED);
    const signature = createSign('sha256')
      .update(Buffer.concat([data, sha256(client)]))
      .sign(this.pair.privateKey);
    return this.answer({
      clientDataJSON: client.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: signature.toString('base64url'),
      ...(lie.userHandle !== undefined && { userHandle: lie.userHandle }),
    });
  }
}

class Browser {
  readonly jar = new Map<string, string>();

  async ask(url: string, form?: Record<string, string>) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const type = 'application/x-www-form-urlencoded';
    const answer = await app.inject({
      url,
      method: form ? 'POST' : 'GET',
      headers: { cookie, ...(form && { origin, 'content-type': type }) },
      ...(form && { payload: new URLSearchParams(form).toString() }),
    });
    for (const { name, value, maxAge } of answer.cookies)
      if (maxAge === 0) this.jar.delete(name);
      else this.jar.set(name, value);
    return answer;
  }

  /** The challenge that a page asks an authenticator with. */
  async challenge(url: string): Promise<string> {
    const { body } = await this.ask(url);
    return /&quot;challenge&quot;:&quot;([\w-]+)&quot;/.exec(body)?.[1] ?? '';
  }

  get isIn() {
    return this.jar.has('__Host-session');
  }
}

async function enrolled(change: object = {}) {
  const browser = new Browser();
  const device = new Device();
  const { id, code } = await invite(node.exchange, change);
  await browser.ask('/invitation', { code });
  const response = device.make(await browser.challenge('/invitation/enrol'));
  expect((await browser.ask('/invitation/passkey', { response })).headers.location).toBe('/');
  return { browser, device, id };
}

const lies: readonly (readonly [string, Lie])[] = [
  ['made for another site', { origin: 'https://evil.example' }],
  ['made for another site of the same name', { origin: 'https://localhost:8442' }],
  ['bound to another relying party', { rp: 'evil.example' }],
  ['to another challenge', { challenge: randomBytes(32).toString('base64url') }],
  ['without its owner being verified', { flags: PRESENT }],
  ['without its owner being there', { flags: VERIFIED }],
];

describe('an invitation is redeemed by no passkey that was', () => {
  test.each([...lies, ['said for a sign-in', { type: 'webauthn.get' }] as const])('%s', async (_name, lie) => {
    const browser = new Browser();
    const { code } = await invite(node.exchange);
    await browser.ask('/invitation', { code });
    const device = new Device();
    const response = device.make(await browser.challenge('/invitation/enrol'), lie);
    expect([(await browser.ask('/invitation/passkey', { response })).statusCode, browser.isIn]).toEqual([403, false]);
    // The invitation is as it was.
    await browser.ask('/invitation', { code });
    const honest = device.make(await browser.challenge('/invitation/enrol'));
    expect((await browser.ask('/invitation/passkey', { response: honest })).statusCode).toBe(303);
  });

  test.each([[[['usb'], 'nfc']], ['usb'], [[{ toString: 'usb' }, null, 5, 'usb\n', 'ble']], [{ length: 3 }]])(
    'what it says of its ways to be reached, %j, breaks nothing',
    async (transports) => {
      const browser = new Browser();
      const { code } = await invite(node.exchange);
      await browser.ask('/invitation', { code });
      const response = new Device().make(await browser.challenge('/invitation/enrol'), { transports });
      expect((await browser.ask('/invitation/passkey', { response })).statusCode).not.toBe(500);
    },
  );
});

describe('nobody signs in with an answer', () => {
  test.each([
    ...lies,
    ['said for a registration', { type: 'webauthn.create' }] as const,
    ['of another’s user handle', { userHandle: randomBytes(16).toString('base64url') }] as const,
  ])('%s', async (_name, lie) => {
    const { device } = await enrolled();
    const browser = new Browser();
    const response = device.sign(await browser.challenge('/sign-in/passkey'), lie);
    expect([(await browser.ask('/sign-in/passkey', { response })).statusCode, browser.isIn]).toEqual([403, false]);
  });

  test('whose counter went back, or that was for another ceremony', async () => {
    const { device } = await enrolled();
    const [one, two] = [new Browser(), new Browser()];
    const first = device.sign(await one.challenge('/sign-in/passkey'), { counter: 5 });
    await two.challenge('/sign-in/passkey');
    expect((await two.ask('/sign-in/passkey', { response: first })).statusCode).toBe(403);
    expect((await one.ask('/sign-in/passkey', { response: first })).statusCode).toBe(303);
    const again = device.sign(await two.challenge('/sign-in/passkey'), { counter: 4 });
    expect((await two.ask('/sign-in/passkey', { response: again })).statusCode).toBe(403);
  });
});

describe('a session signs in anew', () => {
  test('with no other’s passkey, and not by the challenge of a sign-in', async () => {
    const [mine, other] = [await enrolled(), await enrolled()];
    const session = mine.browser.jar.get('__Host-session');
    const foreign = other.device.sign(await mine.browser.challenge('/sign-in/confirm?to=/account'));
    expect((await mine.browser.ask('/sign-in/confirm', { response: foreign })).statusCode).toBe(403);
    const wrong = mine.device.sign(await mine.browser.challenge('/sign-in/passkey'));
    expect((await mine.browser.ask('/sign-in/confirm', { response: wrong })).statusCode).toBe(403);
    expect(mine.browser.jar.get('__Host-session')).toBe(session);
  });

  test('in no other browser than the one that was asked, and nowhere else than here', async () => {
    const [mine, thief] = [await enrolled(), new Browser()];
    thief.jar.set('__Host-session', mine.browser.jar.get('__Host-session') ?? '');
    const challenge = await thief.challenge('/sign-in/confirm?to=//evil.example/');
    const ceremony = thief.jar.get('__Host-ceremony') ?? '';
    // The officer answers what a page of the thief shows: a browser would sign it for that page's origin.
    const phished = mine.device.sign(challenge, { origin: 'https://evil.example' });
    expect((await thief.ask('/sign-in/confirm', { response: phished })).statusCode).toBe(403);
    expect(ceremony).not.toBe('');
    const answer = mine.device.sign(await mine.browser.challenge('/sign-in/confirm?to=//evil.example/'));
    const done = await mine.browser.ask('/sign-in/confirm', { response: answer });
    expect([done.statusCode, done.headers.refresh]).toEqual([200, '0; url=/']);
    // The secret that the thief has is worth nothing from then on.
    expect((await thief.ask('/')).headers.location).toBe('/sign-in');
  });
});
