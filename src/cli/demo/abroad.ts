import { createRevise } from '../../exchange/revise.ts';
import type { Terminal } from '../terminal.ts';
import { type Cast, done, type Player } from './cast.ts';
import { caseReference, providerHas } from './host.ts';
import type { Expectations } from './story.ts';
import { act, type Case, hence, say, seenBy, sees } from './voice.ts';

/** The content moves, and the pen with it; what the new holder does is relayed to everybody whom it concerns. */
export async function moveAbroad(terminal: Terminal, cast: Cast, about: Case, found: Expectations): Promise<void> {
  const { hotline, abroad } = cast;
  terminal.heading('12  The content moves abroad: the pen is offered, accepted and confirmed');
  await say(hotline, about, 'acted', act(hotline, 'moved', 'observed', { movedTo: 'NL' }));
  const revised = await createRevise(hotline.node.exchange)(about.id, 1, caseReference('NL'));
  if (Array.isArray(revised)) throw new Error(`the demonstration was refused: ${revised[0]?.code}`);
  const arrived = await sees(abroad, about, ({ actions }) => actions.length > 0);
  terminal.step(
    'Hotline DE sees it in NL now: the rule "hosted there" sends it to Hotline NL, with what was said so far',
  );
  await duplicate(terminal, cast, found);
  await say(hotline, about, 'handover', { step: 'offered', to: abroad.issuer });
  const offered = await sees(abroad, about, ({ pen }) => pen.offers.length === 1);
  await say(abroad, about, 'handover', { step: 'accepted' });
  const accepted = await sees(hotline, about, ({ pen }) => pen.offers[0]?.state === 'accepted');
  await say(hotline, about, 'handover', { step: 'confirmed' });
  const holds = ({ pen }: { readonly pen: { readonly holders: readonly string[] } }) =>
    pen.holders.join() === abroad.issuer;
  const moved = (await sees(abroad, about, holds)) && (await sees(cast.police, about, holds));
  terminal.step('offered, accepted, confirmed: Hotline NL holds the pen, and everybody knows', moved ? 'good' : 'bad');
  found.check('the hand-over moves the pen everywhere', arrived && offered && accepted && moved);
}

async function duplicate(terminal: Terminal, { abroad }: Cast, found: Expectations): Promise<void> {
  const { jurisdiction: _, ...reported } = caseReference('NL');
  const own = { ...reported, jurisdiction: { hosting: 'NL', reporting: 'NL' } };
  const { duplicates } = done(await abroad.node.operations['reference.submit']({ reference: own }));
  const [first] = duplicates;
  terminal.step('the public reports the same address to Hotline NL, whose own node answers before work starts:');
  terminal.say(`    ${first?.match ?? 'new'}, ${first?.open ? 'open' : 'closed'}, submitted by Hotline DE`);
  found.check('the second report is answered as known', first?.match === 'known' && first.open);
}

/** Removed, reappeared, removed; and what came of it goes back to who reported it. */
export async function outcomes(terminal: Terminal, cast: Cast, about: Case, found: Expectations): Promise<void> {
  const { hotline, abroad, police } = cast;
  terminal.heading('13  Removed, reappeared, removed; and the outcome comes back');
  const claim = { scheme: 'iccam', version: '3', code: 'national', law: 'NL', method: 'viewed' };
  await say(abroad, about, 'assessed', { ...claim, at: hence(abroad, 0) });
  terminal.step('assessed as national by Hotline NL under NL: both claims stand side by side');
  await say(abroad, about, 'acted', act(abroad, 'removed', 'final'));
  const first = await sees(hotline, about, ({ state }) => state === 'removed');
  terminal.step('Hotline NL has it removed; Hotline DE may not decide that, and sees it');
  found.check(
    'only the holder of the pen sets an outcome',
    (await say(hotline, about, 'acted', act(hotline, 'not-illegal', 'final'))) === 'not-assignee',
  );
  cast.later(6);
  await say(hotline, about, 'acted', act(hotline, 'reappeared', 'observed'));
  const again = await sees(abroad, about, ({ state }) => state === 'open');
  terminal.step('6 hours later Hotline DE sees it online again: the case is open once more', 'bad');
  // What happened in one second counts as a reappearance.
  cast.later(1);
  await say(abroad, about, 'acted', act(abroad, 'removed', 'final'));
  const last = await sees(police, about, ({ outcomes: turns }) => turns.length === 3);
  terminal.step(
    'an hour later Hotline NL has it removed again; the first removal and the return stay in the history',
    'good',
  );
  found.check('the case opens again and closes again', first && again && last);
  await say(police, about, 'feedback', { code: 'investigation-opened' });
  const heard = await sees(hotline, about, ({ feedback }) => feedback.length === 1);
  terminal.step('Police DE tells Hotline DE, and nobody else: investigation-opened', heard ? 'good' : 'bad');
  await table(terminal, cast, about, found);
}

async function table(terminal: Terminal, cast: Cast, about: Case, found: Expectations): Promise<void> {
  const { hotline, abroad, police, provider } = cast;
  const rows = await Promise.all([hotline, abroad, police].map((player) => standing(cast, player, about)));
  const reduced = (await providerHas(cast, about)).length;
  const nothing = { pen: '-', laws: '-', history: '-', holds: '-', feedback: '-' };
  terminal.table(
    [
      { title: 'organisation', cell: (row) => row.name },
      { title: 'pen', cell: (row) => row.pen },
      { title: 'assessed under', cell: (row) => row.laws },
      { title: 'history', cell: (row) => row.history },
      { title: 'hold known', cell: (row) => row.holds },
      { title: 'feedback', cell: (row) => row.feedback },
    ],
    [...rows, { name: provider.name, ...nothing, history: `reduced form (${reduced} members)` }],
  );
  const [first, ...others] = rows;
  const same = others.every(
    (row) => row.pen === first?.pen && row.laws === first.laws && row.history === first.history,
  );
  found.check(
    'everybody who may see the case sees the same',
    same && first?.history === 'removed, reappeared, removed',
  );
  const [atHotline, atAbroad] = rows;
  found.check('feedback went to the originator alone', atHotline?.feedback === '1' && atAbroad?.feedback === '0');
}

async function standing(cast: Cast, player: Player, about: Case) {
  const seen = await seenBy(player, about);
  const names = new Map([cast.hotline, cast.abroad, cast.police].map(({ issuer, name }) => [issuer, name]));
  return {
    name: player.name,
    pen: (seen?.pen.holders ?? []).map((issuer) => names.get(issuer) ?? issuer).join(),
    laws: [...new Set(seen?.assessments.map(({ law }) => law ?? '?'))].sort().join(', '),
    history: (seen?.outcomes ?? []).map(({ action }) => action).join(', '),
    holds: String(seen?.holds.length ?? 0),
    feedback: String(seen?.feedback.length ?? 0),
  };
}
