import { purgeDue } from '../../exchange/purge.ts';
import type { Terminal } from '../terminal.ts';
import { type Cast, done, type Player } from './cast.ts';
import type { Expectations } from './story.ts';
import { until } from './voice.ts';

async function messagesAbout(player: Player, id: string) {
  return done(await player.node.operations['reference.show']({ id })).deliveries;
}

async function outcomeOf(player: Player, id: string, event: string): Promise<string | undefined> {
  return (await messagesAbout(player, id)).find((one) => one.event === event)?.receipt?.outcome;
}

/** A person answers what a rule left to a person. */
export async function decideHeld(terminal: Terminal, { hotline, abroad }: Cast, found: Expectations): Promise<void> {
  terminal.heading('7  Held is not lost: a person decides the queue');
  const { operations } = hotline.node;
  const filter = { partner: abroad.issuer, rule: 'textual-by-hand' };
  const { items } = done(await operations['reference.held']({ ...filter, limit: 100 }));
  terminal.step(`${items.length} references wait for Hotline NL under rule textual-by-hand`, 'waiting');
  const [first] = items;
  if (!first) return found.check('something is held for Hotline NL', false);
  done(await operations['reference.decide']({ id: first.id, partner: abroad.issuer, then: 'send' }));
  const { decided } = done(await operations['reference.decide']({ ...filter, then: 'withhold' }));
  terminal.step('the analyst sends the first after reading it', 'good');
  terminal.step(`and withholds the other ${decided} with one command; who decided stands beside each`);
  found.check(
    'what a person released is accepted',
    await until(async () => (await outcomeOf(hotline, first.id, 'submitted')) === 'accepted'),
  );
  found.check('what a person withheld never left', (await messagesAbout(hotline, items.at(-1)?.id ?? '')).length === 0);
}

function hostedInNl(n: number) {
  return {
    url: `https://board.example/outage/${n}`,
    jurisdiction: { hosting: 'NL', reporting: 'DE' },
    category: 'csam',
    marking: { tlp: 'AMBER' },
  };
}

/** A partner is away and comes back: nothing is lost, nothing arrives twice. */
export async function outage(terminal: Terminal, { hotline, abroad }: Cast, found: Expectations): Promise<string[]> {
  terminal.heading('8  A partner is down and comes back');
  const { operations } = hotline.node;
  await abroad.stop();
  terminal.step('Hotline NL is switched off; Hotline DE goes on working', 'bad');
  const ids: string[] = [];
  for (let n = 1; n <= 3; n += 1) {
    ids.push(done(await operations['reference.submit']({ reference: hostedInNl(n) })).reference.id);
  }
  const waiting = async () => (await Promise.all(ids.map((id) => messagesAbout(hotline, id)))).flat();
  const tried = await until(async () =>
    (await waiting()).every(({ attempts, lastCode }) => attempts > 0 && lastCode !== undefined),
  );
  const [one] = await waiting();
  terminal.step(
    `3 references are taken and wait: ${one?.lastCode ?? 'not tried yet'}, next attempt ${one?.nextAttemptAt ?? 'soon'}`,
    'waiting',
  );
  found.check('what could not be delivered waits and says why', tried && one?.state === 'queued');
  await abroad.start();
  for (const { id } of await waiting()) done(await operations['delivery.retry']({ id }));
  const arrived = await until(async () => (await waiting()).every(({ state }) => state === 'receipted'));
  terminal.step(
    'Hotline NL is back; the same signed messages are sent again, and all 3 are receipted',
    arrived ? 'good' : 'bad',
  );
  found.check('everything that waited is receipted once', arrived && (await waiting()).length === 3);
  return ids;
}

/** A reference is taken back: sealed at once, erased, and proven by the recipient's signature. */
export async function recall(
  terminal: Terminal,
  { hotline, abroad }: Cast,
  id: string,
  found: Expectations,
): Promise<void> {
  terminal.heading('9  Recall: a reference must not be kept any longer (reason: legal)');
  const { recipients } = done(
    await hotline.node.operations['reference.withdraw']({ id, reason: 'legal', purge: true }),
  );
  terminal.step(`sealed at Hotline DE at once; ${recipients.length} recipient is asked to seal and erase it`);
  const sealed = await until(async () =>
    ['sealed', 'purged'].includes((await outcomeOf(hotline, id, 'withdrawn')) ?? ''),
  );
  terminal.step(
    'Hotline NL answers, signed: sealed; no page, list or search there shows it any more',
    sealed ? 'good' : 'bad',
  );
  await Promise.all([purgeDue(abroad.node.exchange), purgeDue(hotline.node.exchange)]);
  const purged = await until(async () => (await outcomeOf(hotline, id, 'withdrawn')) === 'purged');
  terminal.step(
    'then, signed: purged; its data key is destroyed, and with it the address (backups: 35 days at most)',
    purged ? 'good' : 'bad',
  );
  const shown = done(await abroad.node.operations['reference.show']({ id, originator: hotline.issuer }));
  found.check('the recall is proven by a receipt', sealed && purged);
  found.check(
    'nothing of the recalled reference can be read at the recipient',
    !('url' in shown) && shown.state === 'purged',
  );
  const messages = await messagesAbout(hotline, id);
  for (const message of messages.toReversed())
    terminal.say(`    ${message.event.padEnd(9)} to Hotline NL: ${message.receipt?.outcome ?? message.state}`);
}
