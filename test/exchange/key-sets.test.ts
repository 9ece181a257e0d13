import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { takeKeySet } from '../../src/exchange/key-sets.ts';
import { showPartner } from '../../src/exchange/partner-directory.ts';
import { endCleared } from '../../src/exchange/refresh.ts';
import { lockPartner } from '../../src/store/partners.ts';
import { insertRows } from '../../src/store/rows.ts';
import { isTokenRefusal } from '../../src/wire/token-refusal.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti } from '../support/foreign-partner.ts';
import { keyEntry, makeKeySet } from '../support/introductions.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { type Json, now, type TestKey, testKey } from '../support/tokens.ts';
import {
  type AskedPartner,
  askedPartner,
  eventsOf,
  look,
  openAlertsOf,
  rowOf,
  standingClock,
} from './asked-partner.ts';

// Key sets as they are pushed, on PostgreSQL: nothing here depends on the listener that takes them.

const HOUR = 3600;
const DAY = 24 * HOUR;
const clock = standingClock();
const partners: AskedPartner[] = [];
let database: FreshDatabase;
let own: TestExchange;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  const store = { kind: 'postgres', url: database.url, schema: 'caseref' } as const;
  own = await testExchange({ issuer: 'http://127.0.0.1:9', clock, store });
});
afterEach(async () => {
  for (const partner of partners.splice(0)) {
    await partner.close();
    // Nobody is asked any more where somebody else may listen by then: an answer that never comes would outlast a test.
    const { db } = own.exchange.store;
    await db.updateTable('partner').set({ state: 'removed' }).where('issuer', '=', partner.issuer).execute();
  }
});
afterAll(async () => {
  await own.close();
  await database.drop();
});

async function met(keys?: readonly Json[]): Promise<AskedPartner> {
  const partner = await askedPartner(own.exchange, keys && { keys });
  partners.push(partner);
  return partner;
}

async function pushed(token: string): Promise<string> {
  const taken = await takeKeySet(own.exchange, token);
  return isTokenRefusal(taken) ? taken.reason : 'taken';
}

function keysOf(issuer: string) {
  return own.exchange.store.db.selectFrom('partner_key').selectAll().where('issuer', '=', issuer).execute();
}

async function keyOf(issuer: string, { kid }: TestKey) {
  return (await keysOf(issuer)).find((row) => row.kid === kid);
}

const revoked = (at: number): Json => ({ revoked: { revoked_at: at, reason: 'compromised' } });

describe('the keys of a newer key set', () => {
  test('keep when they were first seen; one that left stays as history and verifies nothing', async () => {
    const [first, second] = [testKey(), testKey()];
    const partner = await met([keyEntry(first), keyEntry(second)]);
    const seen = new Date(clock());
    clock.forward(HOUR);
    expect(await pushed(partner.keySet({ seq: partner.seq + 1, keys: [keyEntry(second)] }))).toBe('taken');
    expect(await keyOf(partner.issuer, first)).toMatchObject({ first_seen_at: seen, exp: Math.floor(clock() / 1000) });
    expect(await keyOf(partner.issuer, second)).toMatchObject({ first_seen_at: seen, exp: now + 90 * DAY });
  });

  test('remember when a revocation became known, over later key sets', async () => {
    const key = testKey();
    const partner = await met([keyEntry(key)]);
    clock.forward(HOUR);
    const learned = new Date(clock());
    const lost = keyEntry(key, revoked(now + 60));
    await pushed(partner.keySet({ seq: partner.seq + 1, keys: [lost] }));
    clock.forward(HOUR);
    await pushed(partner.keySet({ seq: partner.seq + 2, keys: [lost] }));
    expect(await keyOf(partner.issuer, key)).toMatchObject({ revoked_at: now + 60, revocation_seen_at: learned });
  });

  test('never bring a revoked key back, and say so to a person', async () => {
    const key = testKey();
    const partner = await met([keyEntry(key, revoked(now - 60))]);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
    expect(await pushed(partner.keySet({ seq: partner.seq + 1, keys: [keyEntry(key)] }))).toBe('taken');
    expect(await keyOf(partner.issuer, key)).toMatchObject({ revoked_at: now - 60, revoked_reason: 'compromised' });
    await pushed(partner.keySet({ seq: partner.seq + 2, keys: [keyEntry(testKey())] }));
    await pushed(partner.keySet({ seq: partner.seq + 3, keys: [keyEntry(key)] }));
    expect(await keyOf(partner.issuer, key)).toMatchObject({ revoked_at: now - 60 });
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual(['key-unrevoked']);
  });

  test('may move a revocation back in time and never forward', async () => {
    const key = testKey();
    const partner = await met([keyEntry(key)]);
    const at = async (seq: number, instant: number) => {
      await pushed(partner.keySet({ seq: partner.seq + seq, keys: [keyEntry(key, revoked(instant))] }));
      return (await keyOf(partner.issuer, key))?.revoked_at;
    };
    expect([await at(1, now - 60), await at(2, now - 600), await at(3, now)]).toEqual([now - 60, now - 600, now - 600]);
  });
});

describe('a revocation that is news', () => {
  async function message(issuer: string, kid: string, receivedAt: number): Promise<string> {
    const jti = freshJti();
    const digest = `S256:${jti}`;
    const kind = { event: 'urn:caseref:event:1:verify', outcome: 'accepted' };
    await insertRows(own.exchange.store.db, 'message', [
      { issuer, jti, digest, payload_digest: digest, kid, ...kind, received_at: new Date(receivedAt * 1000) },
    ]);
    return jti;
  }

  test('puts what came by that key after its instant in doubt, once, until it was said again, and nothing else', async () => {
    const [lost, kept] = [testKey(), testKey()];
    const partner = await met([keyEntry(lost), keyEntry(kept)]);
    const before = await message(partner.issuer, lost.kid, now - 100);
    const after = await message(partner.issuer, lost.kid, now + 10);
    const other = await message(partner.issuer, kept.kid, now + 10);
    const set = partner.keySet({ seq: partner.seq + 1, keys: [keyEntry(lost, revoked(now)), keyEntry(kept)] });
    expect([await pushed(set), await pushed(set)]).toEqual(['taken', 'taken']);
    const rows = await own.exchange.store.db
      .selectFrom('message')
      .select(['jti', 'suspect_at'])
      .where('issuer', '=', partner.issuer)
      .execute();
    const suspect = Object.fromEntries(rows.map(({ jti, suspect_at }) => [jti, suspect_at !== null]));
    expect(suspect).toEqual({ [before]: false, [after]: true, [other]: false });
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual(['messages-suspect']);
    expect(await eventsOf(own.exchange, partner.issuer, 'message.suspect')).toHaveLength(1);
    await endCleared(own.exchange);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual(['messages-suspect']);
    const said = { attested_at: new Date(clock()), attested_kid: kept.kid };
    await own.exchange.store.db.updateTable('message').set(said).where('jti', '=', after).execute();
    await endCleared(own.exchange);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
    expect(await eventsOf(own.exchange, partner.issuer, 'alert.closed')).toHaveLength(1);
  });
});

describe('a key set under another identity than the pinned one', () => {
  const foreign = ({ issuer, seq, operational }: AskedPartner) =>
    makeKeySet(
      { iss: issuer, seq: seq + 1, iat: seq, exp: seq + DAY, keys: [keyEntry(operational)] },
      { key: testKey() },
    );

  test('raises nothing where it was posted: anybody can do that', async () => {
    const partner = await met();
    expect(await pushed(foreign(partner))).toBe('not-identity-key');
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
  });

  test('is told once where the partner’s own host gives it out, and over when the pinned one signs again', async () => {
    const partner = await met();
    const asked = { issuer: partner.issuer, askedAt: new Date(clock()) };
    for (const _ of [1, 2]) await takeKeySet(own.exchange, foreign(partner), asked);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual(['identity-unknown']);
    expect(await eventsOf(own.exchange, partner.issuer, 'alert.raised')).toHaveLength(1);
    await takeKeySet(own.exchange, partner.keySet({ seq: partner.seq + 2 }), asked);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
  });
});

describe('a key set that the identity key signed and that must not be taken', () => {
  const refused: Record<string, [(partner: AskedPartner) => string, reason: string, alert: string]> = {
    'rolled back': [(partner) => partner.keySet({ seq: partner.seq - 9 }), 'seq-below-floor', 'key-set-rolled-back'],
    forked: [(partner) => partner.keySet({ refresh: 7200 }), 'key-set-fork', 'key-set-fork'],
    'with a private key': [
      (partner) => partner.keySet({ seq: partner.seq + 1, keys: [keyEntry(testKey(), { d: 'AAAA' })] }),
      'private-member',
      'key-exposed',
    ],
    'with one kid twice': [
      (partner) =>
        partner.keySet({ seq: partner.seq + 1, keys: [keyEntry(partner.operational), keyEntry(partner.operational)] }),
      'kid-duplicate',
      'key-set-invalid',
    ],
    'with the identity key in it': [
      (partner) => partner.keySet({ seq: partner.seq + 1, keys: [keyEntry(partner.identity)] }),
      'key-is-identity',
      'key-set-invalid',
    ],
  };

  test.each(Object.entries(refused))(
    '%s is told once while nobody has looked, however often it comes',
    async (_name, [made, reason, alert]) => {
      const partner = await met();
      const token = made(partner);
      const before = await keysOf(partner.issuer);
      const answers = await Promise.all(Array.from({ length: 8 }, () => pushed(token)));
      for (let n = 0; n < 8; n += 1) answers.push(await pushed(token));
      expect(new Set(answers)).toEqual(new Set([reason]));
      expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([alert]);
      expect(await eventsOf(own.exchange, partner.issuer, 'key-set.refused')).toMatchObject([{ code: reason }]);
      expect(await keysOf(partner.issuer)).toEqual(before);
    },
  );

  test('an old one whose time is over, replayed, is refused and no news', async () => {
    const partner = await met();
    const at = partner.seq - 60 * DAY;
    expect(await pushed(partner.keySet({ seq: at, iat: at, exp: at + DAY }))).toBe('key-set-expired');
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
  });

  test('one that somebody else signed leaves no trace', async () => {
    const [partner, other] = [await met(), await met()];
    expect(await pushed(other.keySet({ iss: partner.issuer, seq: partner.seq + 1 }))).toBe('not-identity-key');
    expect(await eventsOf(own.exchange, partner.issuer, 'key-set.refused')).toEqual([]);
  });
});

test('a key that two partners publish is an alert and no refusal', async () => {
  const key = testKey();
  const [first, second] = [await met([keyEntry(key)]), await met()];
  expect(await openAlertsOf(own.exchange, first.issuer)).toEqual([]);
  expect(await pushed(second.keySet({ seq: second.seq + 1, keys: [keyEntry(key)] }))).toBe('taken');
  expect(await openAlertsOf(own.exchange, second.issuer)).toEqual(['key-shared']);
  expect(await keyOf(second.issuer, key)).toMatchObject({ kid: key.kid });
  const third = await met([keyEntry(first.identity)]);
  expect(await openAlertsOf(own.exchange, third.issuer)).toEqual(['key-shared']);
});

describe('of key sets that the identity key really signed', () => {
  const accepted = async ({ issuer }: AskedPartner) =>
    (await eventsOf(own.exchange, issuer, 'key-set.accepted')).length;

  test('none is taken before somebody has confirmed whose key that is; the one in the card counts', async () => {
    const partner = await askedPartner(own.exchange, { state: 'pending' });
    partners.push(partner);
    const before = [await rowOf(own.exchange, partner.issuer), await keysOf(partner.issuer)];
    const sets = [partner.keySet(), partner.keySet({ seq: partner.seq + 1, keys: [keyEntry(testKey())] })];
    for (const set of sets) expect(await pushed(set)).toBe('partner-pending');
    expect(await pushed(partner.keySet({ seq: partner.seq + 1 }).replace(/.{8}$/, 'AAAAAAAA'))).toBe(
      'signature-invalid',
    );
    expect([await rowOf(own.exchange, partner.issuer), await keysOf(partner.issuer)]).toEqual(before);
    expect(await accepted(partner)).toBe(0);
  });

  test('ten are taken at once, then one a minute', async () => {
    const partner = await met();
    const answers: string[] = [];
    for (let n = 1; n <= 30; n += 1) answers.push(await pushed(partner.keySet({ seq: partner.seq + n })));
    expect(new Set(answers.slice(0, 10))).toEqual(new Set(['taken']));
    expect(new Set(answers.slice(10))).toEqual(new Set(['key-sets-exceeded']));
    expect(await accepted(partner)).toBe(10);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
    clock.forward(60);
    const later = [];
    for (let n = 31; n <= 33; n += 1) later.push(await pushed(partner.keySet({ seq: partner.seq + n })));
    expect(later).toEqual(['taken', 'key-sets-exceeded', 'key-sets-exceeded']);
  });

  test('one more that revokes a key is taken whenever it comes, once for each key', async () => {
    const lost = testKey();
    const partner = await met([keyEntry(lost)]);
    for (let n = 1; n <= 11; n += 1) await pushed(partner.keySet({ seq: partner.seq + n }));
    const revoking = (n: number) =>
      pushed(partner.keySet({ seq: partner.seq + n, keys: [keyEntry(lost, revoked(now - n))] }));
    expect([await revoking(12), await revoking(13)]).toEqual(['taken', 'key-sets-exceeded']);
    expect(await keyOf(partner.issuer, lost)).toMatchObject({ revoked_at: now - 12 });
  });

  test('an answer to a question from before a push is old, and nobody rolled anything back', async () => {
    const partner = await met();
    const { issuer, seq } = partner;
    const newer = partner.keySet({ seq: seq + 9 });
    // Pushed while our question is under way, as it happens at each rotation.
    partner.answers((response) => {
      void pushed(newer).then((said) =>
        response
          .writeHead(200, { 'content-type': 'application/jwk-set+jwt' })
          .end(said === 'taken' ? partner.keySet() : ''),
      );
    });
    expect(await look(own.exchange)).toContain(issuer);
    expect(await openAlertsOf(own.exchange, issuer)).toEqual([]);
    expect(await rowOf(own.exchange, issuer)).toMatchObject({ key_set_seq: seq + 9, refresh_failures: 0 });
    clock.forward(HOUR);
    partner.publishes(partner.keySet());
    await look(own.exchange);
    expect(await openAlertsOf(own.exchange, issuer)).toEqual(['key-set-rolled-back']);
  });
});

describe('an endpoint at another host than the partner’s own', () => {
  const at = (host: string) => ({ endpoints: { push: `${host}/exchange/push`, keys: `${host}/exchange/keys` } });

  test('is taken, told once, and shown', async () => {
    const partner = await met();
    const { issuer, seq } = partner;
    const gateway = 'https://gateway.example';
    expect(await pushed(partner.keySet({ seq: seq + 1, ...at('http://127.0.0.1:1') }))).toBe('taken');
    expect(await openAlertsOf(own.exchange, issuer)).toEqual([]);
    expect(await pushed(partner.keySet({ seq: seq + 2, ...at(gateway) }))).toBe('taken');
    expect(await openAlertsOf(own.exchange, issuer)).toEqual(['endpoint-elsewhere']);
    expect(await showPartner(own.exchange, issuer)).toMatchObject({ endpointsElsewhere: [gateway] });
    await own.exchange.store.db
      .updateTable('alert')
      .set({ acknowledged_at: new Date(clock()) })
      .execute();
    clock.forward(2 * DAY);
    expect(await pushed(partner.keySet({ seq: seq + 3, ...at(gateway) }))).toBe('taken');
    expect(await openAlertsOf(own.exchange, issuer)).toEqual([]);
    expect(await pushed(partner.keySet({ seq: seq + 4, ...at('https://other.example') }))).toBe('taken');
    expect(await openAlertsOf(own.exchange, issuer)).toEqual(['endpoint-elsewhere']);
  });
});

describe('a pushed key set', () => {
  test('that is newer counts as asked for', async () => {
    const partner = await met();
    await pushed(partner.keySet({ seq: partner.seq + 1, refresh: 300 }));
    const { refreshed_at, refresh_due_at } = await rowOf(own.exchange, partner.issuer);
    expect(refreshed_at).toEqual(new Date(clock()));
    const pause = (refresh_due_at?.getTime() ?? 0) - clock();
    expect(pause).toBeGreaterThanOrEqual(240_000);
    expect(pause).toBeLessThanOrEqual(300_000);
  });

  test('that is the same does not: replayed, it would keep us from asking for a newer one', async () => {
    const partner = await met();
    const before = await rowOf(own.exchange, partner.issuer);
    clock.forward(HOUR);
    expect(await pushed(partner.keySet())).toBe('taken');
    expect(await rowOf(own.exchange, partner.issuer)).toEqual(before);
  });

  test('that anybody made up does not wait for the row of the partner, and keeps nobody waiting', async () => {
    const [partner, other] = [await met(), await met()];
    const forged = other.keySet({ iss: partner.issuer, seq: partner.seq + 1 });
    const answers = await own.exchange.store.db.transaction().execute(async (trx) => {
      await lockPartner(trx, partner.issuer);
      return [await pushed(forged), await pushed('noise'), await pushed(partner.keySet())];
    });
    expect(answers).toEqual(['not-identity-key', 'parts-invalid', 'taken']);
  });
});
