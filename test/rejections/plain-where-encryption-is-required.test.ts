import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Door, openDoor } from '../support/door.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { honestClaims, makeToken } from '../support/tokens.ts';

let door: Door;

beforeAll(async () => {
  door = await openDoor();
  await door.pin({});
});
afterAll(() => door.close());

test.each(['submitted', 'withdrawn'])(
  'a plain %s is refused in a signed receipt and nothing of it is kept',
  async (name) => {
    const payload = name === 'submitted' ? wireReference() : { reason: 'error', purge: true };
    const jti = freshJti();
    const token = makeToken({ payload: honestClaims({ jti, events: { [`urn:caseref:event:1:${name}`]: payload } }) });
    expect((await door.push(token)).status).toBe(202);
    const { db } = door.exchange.store;
    const message = await db.selectFrom('message').selectAll().where('jti', '=', jti).executeTakeFirstOrThrow();
    const nothing = { body: null, plain: null, originator: null, reference_id: null };
    expect(message).toMatchObject({ outcome: 'refused', code: 'encryption-required', ...nothing });
    expect(await db.selectFrom('reference').selectAll().execute()).toEqual([]);
    const receipt = await db
      .selectFrom('delivery')
      .select('payload')
      .where('answers', '=', jti)
      .executeTakeFirstOrThrow();
    expect(receipt.payload).toMatchObject({ content: { outcome: 'refused', code: 'encryption-required' } });
    expect(door.outbound.begun()).toEqual([]);
  },
);
