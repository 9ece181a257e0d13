import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkCaseEvent } from '../../src/domain/authority/check.ts';
import type { Statement } from '../../src/domain/authority/statement.ts';
import { utter } from '../../src/domain/authority/utterance.ts';
import { guard } from '../../src/domain/guard.ts';
import { caseEventNames } from '../../src/domain/message.ts';
import { isRefusal } from '../../src/domain/refusal.ts';
import { caseEventOf, openStatement } from '../../src/wire/case-event.ts';
import { type Envelope, relayedClaims, statedClaims } from '../../src/wire/event.ts';
import { signSet } from '../../src/wire/sign.ts';
import { epoch, jti, now, operational, referenceId, self, sender, signerOf, taken } from '../support/tokens.ts';

const salt = 'Dw4NDAsKCQgHBgUEAwIBAA';
const envelope: Envelope = { iss: sender, aud: self, iat: now, jti, seq: { epoch, n: 7 }, salt };
const said = (now - 60) * 1000;
const acted: Statement = {
  event: 'acted',
  payload: { action: 'removed', at: '2026-11-20T10:00:00Z', standing: 'final' },
  by: sender,
  jtis: [jti],
  said,
  relayed: false,
};
const recipient = { issuer: self, type: 'hotline' };
const other = 'https://node.hotline-c.example';
const digest = `S256:${'A'.repeat(43)}`;

async function arrived(claims: Parameters<typeof signSet>[0]) {
  const { compact } = await signSet(claims, signerOf(operational));
  const verified = await taken(compact);
  const name = caseEventOf(verified);
  if (name === undefined) throw new Error('the event is none about a case');
  return { verified, name, opened: openStatement(verified, name) };
}

describe('an event about a case', () => {
  test('is opened to the statement that was made, with the instant at which it was said', async () => {
    const reference = { iss: self, sub: referenceId };
    const { verified, opened } = await arrived(statedClaims(envelope, reference, utter(acted, recipient)));
    expect(opened).toEqual({ reference, statement: acted, sender, digest: verified.digest });
  });

  test('is opened to the speaker’s own words where the originator relays it', async () => {
    const told = utter({ ...acted, by: other }, recipient);
    const inner = 'AAECAwQFBgcICQoLDA0ODw';
    const { name, opened } = await arrived(relayedClaims(envelope, referenceId, told, { jti: inner, digest }));
    expect(name).toBe('relayed');
    expect(opened).toEqual({
      reference: { iss: sender, sub: referenceId },
      statement: { ...acted, by: other, jtis: [inner], relayed: true },
      sender,
      digest,
    });
  });

  test('was never said after it was signed', async () => {
    const ahead = utter({ ...acted, said: (now + 60) * 1000 }, recipient);
    const claims = statedClaims(envelope, { iss: sender, sub: referenceId }, ahead);
    expect(claims.toe).toBe(now);
  });

  test('is told from every other event', () => {
    const named = (name: string) => caseEventOf({ event: { name, payload: {} } });
    for (const name of caseEventNames) expect(named(`urn:caseref:event:1:${name}`)).toBe(name);
    for (const name of ['urn:caseref:event:1:submitted', 'urn:caseref:event:2:acted', 'acted'])
      expect(named(name)).toBeUndefined();
  });

  test('is refused with the pointer of what is wrong, below /body where it is relayed', async () => {
    const wrong = { ...acted, payload: { ...acted.payload, seenFrom: 'QZ' } } as Statement;
    const reference = { iss: sender, sub: referenceId };
    const stated = await arrived(statedClaims(envelope, reference, utter(wrong, recipient)));
    expect(stated.opened).toMatchObject({ code: 'jurisdiction-invalid', pointer: '/seenFrom' });
    const told = utter({ ...wrong, by: other }, recipient);
    const relayed = await arrived(relayedClaims(envelope, referenceId, told, { jti, digest }));
    expect(relayed.opened).toMatchObject({ code: 'jurisdiction-invalid', pointer: '/body/seenFrom' });
    const surplus = { ...acted, payload: { ...acted.payload, remark: 'x' } } as Statement;
    const closed = await arrived(statedClaims(envelope, reference, utter(surplus, recipient)));
    expect(closed.opened).toMatchObject({ code: 'schema-invalid', pointer: '/remark' });
  });

  test('is about a reference', () => {
    const claims = { ...envelope, sub_id: { format: 'opaque', id: jti }, events: {} } as const;
    const event = { name: 'urn:caseref:event:1:acted', payload: { ...acted.payload } };
    expect(isRefusal(openStatement({ claims, event, digest }, 'acted'))).toBe(true);
  });
});

describe('the vectors of events about a case', () => {
  const folder = new URL('../../schemas/vectors/', import.meta.url);
  const read = (kind: string) =>
    readdirSync(new URL(`${kind}/`, folder)).map(
      (name) => [name, JSON.parse(readFileSync(new URL(`${kind}/${name}`, folder), 'utf8'))] as const,
    );
  const names = [...caseEventNames, 'relayed'] as const;
  const judge = (schema: (typeof names)[number], value: Record<string, never>) => {
    const claims = { ...envelope, sub_id: { format: 'iss_sub', iss: sender, sub: referenceId }, events: {} } as const;
    const event = { name: `urn:caseref:event:1:${schema}`, payload: value };
    return guard(value, { form: 'event' }) ?? openStatement({ claims, event, digest }, schema);
  };
  const ofCases = (kind: string) => read(kind).filter(([, { schema }]) => names.includes(schema));

  test.each(ofCases('valid'))('%s is opened', (_, { schema, value }) => {
    expect(isRefusal(judge(schema, value))).toBe(false);
  });

  test.each(ofCases('invalid'))('%s is refused', (_, { schema, value, code, pointer }) => {
    expect(judge(schema, value)).toMatchObject({ code, pointer });
  });
});

test('at the node API only codes of the lists are taken', () => {
  const refused = (...[name, payload]: Parameters<typeof checkCaseEvent>) => {
    expect(checkCaseEvent(name, payload, 'open')).toEqual([]);
    return checkCaseEvent(name, payload, 'listed').map(({ code, pointer }) => [code, pointer]);
  };
  const at = '2026-11-20T10:00:00Z';
  const tomorrow = 'of-tomorrow';
  const toldBy = { channel: tomorrow, unit: 'Kripo' };
  expect(refused('acted', { action: tomorrow, reason: tomorrow, at, standing: 'observed', toldBy }, 'open')).toEqual([
    ['code-unknown', '/action'],
    ['code-unknown', '/reason'],
    ['code-unknown', '/toldBy/channel'],
  ]);
  expect(refused('handover', { step: 'declined', code: tomorrow }, 'open')).toEqual([['code-unknown', '/code']]);
  expect(refused('hold', { step: 'placed', until: at, ground: tomorrow, authority: tomorrow }, 'open')).toEqual([
    ['code-unknown', '/ground'],
    ['code-unknown', '/authority'],
  ]);
  expect(refused('feedback', { code: tomorrow }, 'open')).toEqual([['code-unknown', '/code']]);
  const ownReference = { system: tomorrow, id: '1' };
  expect(refused('acknowledged', { at, ownReference }, 'open')).toEqual([['handle-invalid', '/ownReference/system']]);
  const claim = { scheme: tomorrow, version: '1', code: 'a', method: 'viewed', at };
  expect(refused('assessed', claim, 'open')).toEqual([['code-unknown', '/scheme']]);
});
