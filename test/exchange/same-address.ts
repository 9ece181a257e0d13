import type { Refusal } from '../../src/domain/refusal.ts';
import { browseEvents, showReference } from '../../src/exchange/browse.ts';
import { type OwnStatement, type Recorded, recordStatement } from '../../src/exchange/case/say.ts';
import type { DuplicatesFound } from '../../src/exchange/duplicates.ts';
import { createShare } from '../../src/exchange/share.ts';
import type { Shared } from '../../src/exchange/sharing.ts';
import { addUnit } from '../../src/exchange/units.ts';
import { befriend } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { type Json, operational, self, sender, testKey } from '../support/tokens.ts';
import { lostKeyBench } from './lost-key.ts';

export const other = 'https://node.hotline-c.example';
export const instant = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
export const own = ({ id }: { id: string }) => ({ originator: self, id });
export const namesOf = ({ duplicates }: DuplicatesFound) =>
  duplicates.map(({ originator, id }) => ({ originator, id }));

/** A node with two partners, `sender` and `other`, that submits and receives references to the same addresses. */
export async function sameAddressBench() {
  const bench = await lostKeyBench();
  const { exchange } = bench.node;
  const otherKey = testKey();
  await befriend(exchange, other, {}, otherKey);
  await addUnit(exchange, { name: 'Unit 4 of the tests', jurisdiction: 'DE' });
  const share = createShare(exchange);
  let made = 0;

  /** An address on a host of its own. */
  function freshUrl(path = 'album'): string {
    made += 1;
    return `https://host-${made}.example/${path}`;
  }

  async function submit(url: string, changes: Json = {}): Promise<Shared> {
    const { observedAt: _, ...plain } = inventedReference(0);
    const shared = await share({ ...plain, url, category: 'csam', ...changes });
    if (Array.isArray(shared)) throw new Error(`refused: ${(shared[0] as Refusal).code}`);
    return shared as Shared;
  }

  /** A reference that a partner sends; gives its name. */
  async function arrive(url: string, from = sender, changes: Json = {}) {
    const id = crypto.randomUUID();
    await tell(from, 'submitted', wireReference({ url, ...changes }), id);
    return { originator: from, id };
  }

  async function tell(from: string, event: string, payload: Json, id: string) {
    const key = from === other ? otherKey : operational;
    const sub_id = { format: 'iss_sub', iss: from, sub: id };
    return bench.push(event, payload, { id, key, jti: freshJti() }, { iss: from, sub_id });
  }

  async function shown({ originator, id }: { originator: string; id: string }): Promise<DuplicatesFound> {
    const answer = await showReference(exchange, originator, id, 'masked');
    if (!('history' in answer)) throw new Error('not shown');
    return answer as unknown as DuplicatesFound;
  }

  async function events() {
    const page = await browseEvents(exchange, { limit: 10_000 });
    if (!('items' in page)) throw new Error('no feed');
    return page.items;
  }
  const eventOf = async (id: string, type: string) =>
    (await events()).find((one) => one.type === type && one.reference?.id === id);
  const alertsAbout = (id: string) =>
    bench.db.selectFrom('alert').select(['code', 'partner']).where('subject', '=', id).execute();
  const deliveriesOf = (id: string) =>
    bench.db
      .selectFrom('delivery')
      .select(['partner', 'event'])
      .where('reference_id', '=', id)
      .orderBy('position')
      .execute();

  async function act(name: { originator: string; id: string }, payload: Json, more: Partial<OwnStatement> = {}) {
    const whole = { action: 'removed', at: instant(bench.now()), standing: 'observed', ...payload };
    const said = await recordStatement(exchange, { ...name, event: 'acted', payload: whole, ...more });
    if (Array.isArray(said)) throw new Error(`refused: ${said[0]?.code}`);
    return said as Recorded;
  }

  return { bench, exchange, freshUrl, submit, arrive, tell, shown, eventOf, alertsAbout, deliveriesOf, act };
}

export type SameAddressBench = Awaited<ReturnType<typeof sameAddressBench>>;
