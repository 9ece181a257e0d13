import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Door, everyTable, openDoor } from '../support/door.ts';
import { wireReference } from '../support/foreign-partner.ts';
import { trap } from '../support/outbound.ts';
import { honestClaims, makeToken } from '../support/tokens.ts';
import { letWitness } from '../support/witness.ts';

// Every file of this folder once more, and each input that it proves forbidden also over TCP to a real node: the exact
// answer with a body that says nothing more, not one row changed in any table, and no connection begun.

let door: Door;
let witnessed = 0;

beforeAll(async () => {
  door = await openDoor();
  const { token, keySet, card } = door.witness;
  letWitness({
    token: (...given) => counted(token(...given)),
    keySet: (...given) => counted(keySet(...given)),
    card: (...given) => counted(card(...given)),
  });
});
afterAll(async () => {
  letWitness(undefined);
  await door.close();
});

function counted(seen: Promise<void>): Promise<void> {
  witnessed += 1;
  return seen;
}

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'));

/** Some open the door themselves. */
function standsAtTheDoor(file: string): boolean {
  return readFileSync(join(import.meta.dirname, file), 'utf8').includes('openDoor(');
}

const again = files.filter((file) => !standsAtTheDoor(file));
for (const file of again) describe(file, () => import(`./${file}`).then(() => undefined));

describe('the door itself', () => {
  test('has seen at least one input a file, and there are more than 70 files', () => {
    expect(files.length).toBeGreaterThanOrEqual(70);
    expect(witnessed).toBeGreaterThanOrEqual(again.length);
  });

  test('takes an honest token, and leaves a message, a reference and a receipt', async () => {
    await door.pin({ foreign: true });
    const token = makeToken({
      payload: honestClaims({ events: { 'urn:caseref:event:1:submitted': wireReference() } }),
    });
    const before = await everyTable(door.exchange);
    expect((await door.push(token)).status).toBe(202);
    expect(await everyTable(door.exchange)).not.toEqual(before);
    const { db } = door.exchange.store;
    expect(await db.selectFrom('message').select(['kid', 'outcome']).execute()).toMatchObject([{ outcome: 'held' }]);
    expect(await db.selectFrom('reference').select('state').execute()).toEqual([{ state: 'held' }]);
    expect(await db.selectFrom('delivery').select('event').execute()).toEqual([{ event: 'receipt' }]);
  });

  test('would notice a connection', async () => {
    const other = await trap();
    await fetch(other.url);
    expect(door.outbound.begun()).toEqual([other.url.slice('http://'.length)]);
    await other.close();
  });
});
