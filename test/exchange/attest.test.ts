import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { attestDue } from '../../src/exchange/attest.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { addDeny } from '../../src/exchange/denies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { removePartner } from '../../src/exchange/remove-partner.ts';
import { revokeKey } from '../../src/exchange/revoke-key.ts';
import { resumePartner, suspendPartners } from '../../src/exchange/suspend.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { befriend } from '../support/exchange.ts';
import { freshJti } from '../support/foreign-partner.ts';
import {
  deliveries,
  deliveryOf,
  type LeavingBench,
  leavingBench,
  type Pushed,
  references,
} from '../support/leaving.ts';
import { eventually } from '../support/node.ts';
import { claimsOf, HOUR } from '../support/own-keys.ts';
import { honestClaims, honestHeader, makeToken } from '../support/tokens.ts';

// A key of ours was lost. What it really signed is said again under a good one: to whom it was said, as far as policy would
// say it today, and without a change of what the outbox has on record.

let bench: LeavingBench;

beforeAll(async () => {
  bench = await leavingBench();
});
afterAll(() => bench.close());
beforeEach(() => bench.renew());

const MINUTE = 60_000;
const handles = [{ system: 'iccam', id: '4711' }];

/** A reference that the partner took, and what it read. */
async function taken(change = {}): Promise<{ id: string; pushed: Pushed }> {
  await bench.policy({ send: { disclose: { handles: 'always' } } });
  const id = await bench.share(change);
  const [pushed] = await bench.leave();
  if (!pushed) throw new Error('nothing left');
  return { id, pushed };
}

/** Says again what is owed, and gives what was pushed meanwhile. */
async function attest(exchange: Exchange = bench.exchange): Promise<Pushed[]> {
  const before = bench.recipient.pushed.length;
  await attestDue(exchange);
  return bench.recipient.pushed.slice(before);
}

/** How the attestation of the one submission stands. */
async function standing() {
  const { id } = await deliveryOf(bench, 'submitted');
  const query = bench.exchange.store.db.selectFrom('attestation').select(['state', 'code']).where('delivery', '=', id);
  return query.executeTakeFirst();
}

async function record() {
  const { state, outcome, epoch, n, sent_at, settled_at } = await deliveryOf(bench, 'submitted');
  return { state, outcome, epoch, n, sent_at, settled_at };
}

/** The partner's receipt for the one submission. */
async function receive(outcome: string): Promise<void> {
  const { jti, digest, reference_id: sub } = await deliveryOf(bench, 'submitted');
  const { exchange, recipient, signs } = bench;
  const at = new Date(Math.floor(exchange.clock() / 1000) * 1000).toISOString().replace('.000Z', 'Z');
  const payload = honestClaims({
    iss: recipient.issuer,
    aud: exchange.self,
    iat: Math.floor(exchange.clock() / 1000),
    jti: freshJti(),
    sub_id: { format: 'iss_sub', iss: exchange.self, sub },
    events: { 'urn:caseref:event:1:receipt': { for: { jti }, digest, receivedAt: at, outcome } },
  });
  const token = makeToken({ key: signs, header: honestHeader(signs), payload });
  expect(await createReceive(exchange)(Buffer.from(token))).toEqual({ status: 'taken' });
  expect(await deliveryOf(bench, 'submitted')).toMatchObject({ state: 'receipted', outcome });
}

const claimsIn = ({ compact }: Pushed) => compact.split('.')[1];

describe('what a lost key signed', () => {
  test('is said again, the same claims under the key of today, once', async () => {
    const { pushed } = await taken({ handles });
    const lost = await bench.revoke();
    const again = await attest();
    expect(again.map(claimsIn)).toEqual([claimsIn(pushed)]);
    expect([pushed.kid, again[0]?.kid]).toEqual([lost, bench.exchange.keys.signer()?.kid]);
    expect(await standing()).toEqual({ state: 'done', code: null });
    bench.later(HOUR * 1000);
    expect(await attest()).toEqual([]);
  });

  test('stays on record with its state, its outcome and its number', async () => {
    await taken();
    await receive('accepted');
    const before = await record();
    const { digest } = await deliveryOf(bench, 'submitted');
    await bench.revoke();
    expect(await record()).toEqual(before);
    expect(await attest()).toHaveLength(1);
    expect(await record()).toEqual(before);
    expect((await deliveryOf(bench, 'submitted')).former_digests).toEqual([digest]);
  });

  test('stays on record as receipted where the partner refuses to hear it again', async () => {
    await taken();
    await receive('accepted');
    const before = await record();
    await bench.revoke();
    bench.recipient.answer = { status: 400, err: 'invalid_request' };
    expect(await attest()).toHaveLength(1);
    expect(await record()).toEqual(before);
    expect(await standing()).toEqual({ state: 'owed', code: 'invalid_request' });
  });

  test('is said again though its receipt arrives meanwhile', async () => {
    await taken();
    const lost = await bench.revoke();
    await receive('accepted');
    expect(await attest()).toHaveLength(1);
    expect((await deliveryOf(bench, 'submitted')).kid).not.toBe(lost);
    expect(await record()).toMatchObject({ state: 'receipted', outcome: 'accepted' });
  });

  test('is said again where its answer came after the publication', async () => {
    await bench.policy();
    await bench.share();
    const answer = await bench.leaveUnanswered();
    const lost = await bench.revoke();
    expect(await standing()).toBeUndefined();
    await answer();
    bench.later(2 * MINUTE);
    expect(await attest()).toHaveLength(1);
    expect((await deliveryOf(bench, 'submitted')).kid).not.toBe(lost);
  });

  test('is said again by who comes after a process that died as soon as it had published', async () => {
    await taken();
    const { exchange } = bench;
    const kid = exchange.keys.signer()?.kid ?? '';
    const dying = { ...exchange, transport: { ...exchange.transport, postKeySet: () => new Promise<never>(() => {}) } };
    void revokeKey(dying, { kid, reason: 'compromised' });
    await eventually('the publication', async () =>
      (await claimsOf(exchange)).keys.some((key) => key.kid === kid && key.revoked),
    );
    expect((await attest()).map((one) => one.kid)).toEqual([exchange.keys.signer()?.kid]);
  });

  test('waits while the partner is suspended', async () => {
    await taken();
    const { issuer } = bench.recipient;
    await suspendPartners(bench.exchange, { issuer, reason: 'examined' });
    await bench.revoke();
    expect(await attest()).toEqual([]);
    expect(await standing()).toEqual({ state: 'owed', code: 'partner-suspended' });
    await resumePartner(bench.exchange, issuer);
    bench.later(MINUTE);
    expect(await attest()).toHaveLength(1);
  });
});

describe('what policy would not say today is not said again', () => {
  test.each([
    ['where a deny forbids it', { url: 'https://denied.example/1' }, () => deny('denied.example')],
    ['where the rules withhold it', {}, () => bench.policy({ outcome: 'withhold' })],
    ['where less of it is disclosed', { handles }, () => bench.policy({ send: { disclose: { handles: 'never' } } })],
  ])('%s', async (_name, change, narrow) => {
    await taken(change);
    await narrow();
    await bench.revoke();
    expect(await attest()).toEqual([]);
    expect(await standing()).toEqual({ state: 'never', code: 'policy' });
  });

  async function deny(host: string): Promise<void> {
    expect(await addDeny(bench.exchange, { ground: 'legal', hosts: [host] })).toMatchObject({ state: 'active' });
  }
});

describe('a reference that was withdrawn', () => {
  const withdrawal = { reason: 'legal', purge: true };

  test('is not said again, though its withdrawal is', async () => {
    const { id } = await taken();
    await withdraw(bench.exchange, id, withdrawal);
    const [first] = await bench.leave();
    await bench.revoke();
    const again = await attest();
    expect(again.map(({ event, jti }) => [event, jti])).toEqual([['withdrawn', first?.jti]]);
    expect(await standing()).toBeUndefined();
  });

  test('while it is owed is said no more, and stays on record as sent with its number', async () => {
    const { id } = await taken();
    const before = await record();
    await bench.revoke();
    expect(await standing()).toMatchObject({ state: 'owed' });
    await withdraw(bench.exchange, id, withdrawal);
    expect((await bench.leave()).map(({ event }) => event)).toEqual(['withdrawn']);
    expect(references(await attest())).toEqual([]);
    expect(await record()).toEqual(before);
    expect((await deliveries(bench)).map(({ event }) => event)).not.toContain('voided');
  });
});

describe('who comes in the place of a partner that was removed is not told what the former one had', () => {
  const remove = () => removePartner(bench.exchange, { issuer: bench.recipient.issuer, yes: true });
  const revoke = () => bench.revoke();
  const newcomer = async () => {
    bench.later(MINUTE);
    await bench.takeOver('hotline');
  };
  const welcome = async () => {
    bench.later(MINUTE);
    await befriend(bench.exchange, bench.recipient.issuer);
  };

  test.each([
    ['where the key was revoked after it came, and it has no policy', [remove, newcomer, revoke]],
    ['where the key was revoked between, and it has no policy', [remove, revoke, newcomer]],
    ['where the key was revoked after it came, and it is sent everything', [remove, welcome, revoke]],
    ['where the key was revoked between, and it is sent everything', [remove, revoke, welcome]],
    ['where it was owed to the former one, and the new one is sent everything', [revoke, remove, welcome]],
  ])('%s', async (_name, steps) => {
    await taken();
    for (const step of steps) await step();
    expect(await attest()).toEqual([]);
    bench.later(2 * HOUR * 1000);
    expect(await attest()).toEqual([]);
    expect(await bench.leave()).toEqual([]);
  });

  test('nor of a withdrawal that was owed to the former one', async () => {
    const { id } = await taken();
    await withdraw(bench.exchange, id, { reason: 'legal', purge: true });
    await bench.leave();
    for (const step of [revoke, remove, newcomer]) await step();
    expect(await attest()).toEqual([]);
  });
});
