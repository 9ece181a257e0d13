// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { describe, expect, test } from 'vitest';
import { reviewPolicy, setPolicy } from '../../src/exchange/policies.ts';
import { befriend, testExchange } from '../support/exchange.ts';

const partner = 'http://127.0.0.1:9440';
const policy = {
  partner,
  legal: { basis: 'Invented act, section 1', transfer: 'none' },
  send: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'hold' }] },
  receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'hold' }] },
};

describe('a policy that asks for plain messages', () => {
  const plain = (issuer: string) => ({ ...policy, partner: issuer, security: { encryption: 'none' } });
  const pointers = (warnings: readonly { pointer: string }[]) => warnings.map(({ pointer }) => pointer);

  test('is warned of where the partner is elsewhere: the stricter side wins', () => {
    expect(pointers(reviewPolicy(plain('https://a.example')).warnings)).toContain('/security/encryption');
    expect(pointers(reviewPolicy(plain(partner)).warnings)).not.toContain('/security/encryption');
    const required = { ...plain('https://a.example'), security: { encryption: 'required' } };
    expect(pointers(reviewPolicy(required).warnings)).not.toContain('/security/encryption');
  });

  test('is set without a warning for a foreign client', async () => {
    const away = await testExchange({ issuer: 'https://node.hotline-own.example' });
    try {
      await befriend(away.exchange, 'https://client.example');
      const issuer = 'https://client.example';
      const set = async () => {
        const answer = await setPolicy(away.exchange, issuer, plain(issuer));
        if (!('warnings' in answer)) throw new Error('refused');
        return pointers(answer.warnings);
      };
      expect(await set()).not.toContain('/security/encryption');
      await away.exchange.store.db.updateTable('partner').set({ foreign_client: false }).execute();
      expect(await set()).toContain('/security/encryption');
    } finally {
      await away.close();
    }
  });
});

test('a legal review that is overdue today is warned of when the policy is checked', () => {
  const overdue = { ...policy, legal: { ...policy.legal, reviewBy: '2026-01-01' } };
  const warned = (now: string) => reviewPolicy(overdue, Date.parse(now)).warnings.map(({ pointer }) => pointer);
  expect(warned('2026-01-02T00:00:00Z')).toContain('/legal/reviewBy');
  expect(warned('2026-01-01T23:59:59Z')).not.toContain('/legal/reviewBy');
});
