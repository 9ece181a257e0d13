import { setTimeout as pause } from 'node:timers/promises';
import { explainDecision } from '../../domain/explain.ts';
import type { ImportResult } from '../../exchange/import.ts';
import { tallyDecisions, tallyDeliveries } from '../../store/counts.ts';
import type { Terminal } from '../terminal.ts';
import { agreeAll, type Cast, done, meet, type Player } from './cast.ts';
import { type SampleLine, sampleLines } from './sample.ts';

/** What the story found out: each expectation with whether it held. */
export interface Expectations {
  check(what: string, held: boolean): void;
  readonly broken: readonly string[];
  readonly count: number;
}

export function expectations(): Expectations {
  const broken: string[] = [];
  let count = 0;
  return {
    broken,
    get count() {
      return count;
    },
    check(what, held) {
      count += 1;
      if (!held) broken.push(what);
    },
  };
}

const REFERENCES = 240;

export async function introductions(terminal: Terminal, cast: Cast): Promise<void> {
  terminal.heading('1  Introductions: cards are exchanged, fingerprints are compared by telephone');
  const { hotline, abroad, police } = cast;
  for (const other of [abroad, police]) {
    const spoken = await meet(hotline, other);
    await meet(other, hotline);
    terminal.step(`${hotline.name} and ${other.name} know each other`, 'good');
    terminal.say(`    ${other.name} read out: ${spoken}`);
  }
  await agreeAll(cast);
  terminal.heading('2  Trust policies: what Hotline DE may send, by partner');
  terminal.step('to Hotline NL: what is hosted in NL; textual material only by hand; own case numbers never');
  terminal.step('to Police DE: what concerns DE or may show a new victim; trafficking only by hand; case numbers too');
  terminal.step('over all of it a deny that no policy overrides: drawn material not to NL (ground: legal)');
}

export async function importSample(terminal: Terminal, cast: Cast, found: Expectations): Promise<ImportResult[]> {
  const sample = sampleLines(REFERENCES);
  terminal.heading(`3  Import: ${sample.length} lines of invented references, some of which must not pass`);
  const lines = sample.map(({ text }, index) => ({ line: index + 1, text }));
  const { results } = done(await cast.hotline.node.operations['reference.import']({ lines }));
  const refused = results.filter((result) => result.status === 'refused');
  terminal.step(`${results.length - refused.length} references taken`, 'good');
  terminal.step(`${refused.length} lines refused; of these nothing was kept but their number`, 'bad');
  for (const { line, errors } of refused) {
    const [first] = errors;
    if (first) terminal.say(`    line ${line}: ${first.code} at ${first.pointer || 'the line'}: ${first.message}`);
  }
  checkResults(sample, results, found);
  return results;
}

function checkResults(sample: readonly SampleLine[], results: readonly ImportResult[], found: Expectations): void {
  for (const [index, { expected }] of sample.entries()) {
    const result = results[index];
    const line = index + 1;
    if ('refused' in expected) {
      const code = result?.status === 'refused' ? result.errors[0]?.code : undefined;
      found.check(`line ${line} is refused with ${expected.refused} (was: ${code})`, code === expected.refused);
      continue;
    }
    const wanted = { send: 0, hold: 0, withhold: 0 };
    for (const effect of [expected.hotline, expected.police]) wanted[effect] += 1;
    const same = result?.status === 'shared' && JSON.stringify(result.effects) === JSON.stringify(wanted);
    found.check(`line ${line} is decided as its author expected`, same);
  }
}

function expectedCount(partner: 'hotline' | 'police', effect: string): number {
  return sampleLines(REFERENCES).filter(({ expected }) => !('refused' in expected) && expected[partner] === effect)
    .length;
}

/** In the order of the names: which port a node was given must not turn the table round. */
function sortedByName<Row extends { readonly partner: string }>(
  tally: readonly Row[],
  names: ReadonlyMap<string, string>,
): Row[] {
  const nameOf = ({ partner }: Row) => names.get(partner) ?? partner;
  return tally.toSorted((one, other) => nameOf(one).localeCompare(nameOf(other)));
}

export async function tellDecisions(terminal: Terminal, cast: Cast, found: Expectations): Promise<void> {
  terminal.heading('4  What went, what did not, and why');
  const tally = await tallyDecisions(cast.hotline.node.exchange.store.db);
  const names = new Map([cast.abroad, cast.police].map((player) => [player.issuer, player.name]));
  terminal.table(
    [
      { title: 'partner', cell: (row) => names.get(row.partner) ?? row.partner },
      {
        title: 'decision',
        cell: (row) => row.effect,
        tone: (row) => (row.effect === 'send' ? 'good' : row.effect === 'hold' ? 'waiting' : 'quiet'),
      },
      { title: 'decided by', cell: (row) => row.rule },
      { title: 'references', cell: (row) => String(row.n) },
    ],
    sortedByName(tally, names),
  );
  for (const [player, key] of [
    [cast.abroad, 'hotline'],
    [cast.police, 'police'],
  ] as const) {
    for (const effect of ['send', 'hold', 'withhold']) {
      const n = tally
        .filter((row) => row.partner === player.issuer && row.effect === effect)
        .reduce((sum, row) => sum + row.n, 0);
      found.check(`${n} of ${player.name} are ${effect}`, n === expectedCount(key, effect));
    }
  }
}

/** Tells two stored decisions as an operator would read them. */
export async function explainTwo(terminal: Terminal, cast: Cast, results: readonly ImportResult[]): Promise<void> {
  terminal.heading('5  Every decision is stored with its reason; two of them, as an operator reads them');
  const { operations } = cast.hotline.node;
  const names = new Map([cast.abroad, cast.police].map((player) => [player.issuer, player.name]));
  const wanted: ('hold' | 'withhold')[] = ['hold', 'withhold'];
  const shared = results.filter((one) => one.status === 'shared');
  for (const effect of wanted) {
    const result = shared.find(({ effects }) => effects[effect] > 0);
    if (!result) continue;
    const shown = done(await operations['reference.show']({ id: result.id }));
    // Both kinds for the same partner, whatever ports the nodes were given.
    const decision = shown.decisions.find((one) => one.effect === effect && one.partner === cast.abroad.issuer);
    if (!decision) continue;
    const lines = explainDecision(decision as Parameters<typeof explainDecision>[0], {
      partner: names.get(decision.partner) ?? decision.partner,
    });
    for (const [index, line] of lines.entries()) terminal.say(index === 0 ? `  ${line}` : `    ${line}`);
    terminal.say('');
  }
}

async function settled(player: Player): Promise<boolean> {
  const tally = await tallyDeliveries(player.node.exchange.store.db);
  return tally.every(({ state }) => state === 'receipted');
}

export async function tellReceipts(terminal: Terminal, cast: Cast, found: Expectations): Promise<void> {
  terminal.heading('6  Receipts: only a signed receipt counts as evidence of arrival');
  for (let tries = 0; tries < 200 && !(await settled(cast.hotline)); tries += 1) await pause(50);
  const tally = await tallyDeliveries(cast.hotline.node.exchange.store.db);
  const names = new Map([cast.abroad, cast.police].map((player) => [player.issuer, player.name]));
  terminal.table(
    [
      { title: 'partner', cell: (row) => names.get(row.partner) ?? row.partner },
      { title: 'messages', cell: (row) => row.state },
      {
        title: 'receipt says',
        cell: (row) => row.outcome ?? 'nothing yet',
        tone: (row) => (row.outcome === 'accepted' ? 'good' : 'waiting'),
      },
      { title: 'number', cell: (row) => String(row.n) },
    ],
    sortedByName(tally, names),
  );
  const waiting = tally
    .filter((row) => row.partner === cast.abroad.issuer && row.outcome === 'held')
    .reduce((n, row) => n + row.n, 0);
  if (waiting > 0)
    terminal.say(
      `The ${waiting} held by Hotline NL arrived: its own policy has a person look at what is not assessed.`,
    );
  const sum = (issuer: string) =>
    tally.filter((row) => row.partner === issuer && row.state === 'receipted').reduce((n, row) => n + row.n, 0);
  found.check('every message to Hotline NL is receipted', sum(cast.abroad.issuer) === expectedCount('hotline', 'send'));
  found.check('every message to Police DE is receipted', sum(cast.police.issuer) === expectedCount('police', 'send'));
  for (const player of [cast.abroad, cast.police]) {
    const { items } = done(await player.node.operations['reference.list']({ limit: 500 }));
    found.check(`${player.name} holds what was receipted`, items.length === sum(player.issuer));
  }
}
