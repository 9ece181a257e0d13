import type { Terminal } from '../terminal.ts';
import { agreeWithHost, type Cast, done, meet, type Player } from './cast.ts';
import type { Expectations } from './story.ts';
import { act, type Case, hence, say, seenBy, sees, until } from './voice.ts';

const ADDRESS = 'https://gallery.example/life/1';

export function caseReference(hosting: string) {
  return {
    url: ADDRESS,
    jurisdiction: { hosting, reporting: 'DE', concerned: [{ country: 'DE', basis: 'victim' }] },
    category: 'csam',
    marking: { tlp: 'AMBER', notifyHost: 'after-clearance', portal: 'concerned' },
  };
}

/** What the provider has of the case: nothing, or the members of the reduced form. */
export async function providerHas({ provider }: Cast, { id, originator }: Case): Promise<string[]> {
  const shown = await provider.node.operations['reference.show']({ id, originator });
  if (!shown.ok) return [];
  const form: readonly string[] = ['url', 'category', 'requested', 'legalBasis', 'marking'];
  return Object.keys(shown.value).filter((name) => form.includes(name));
}

async function openAlert(player: Player, code: string): Promise<boolean> {
  const { items } = done(await player.node.operations['alert.list']({}));
  return items.some((alert) => alert.code === code);
}

async function release({ hotline, provider }: Cast, { id }: Case): Promise<number> {
  const wanted = { id, partner: provider.issuer, then: 'send' } as const;
  const answer = await hotline.node.operations['reference.decide'](wanted);
  return answer.ok ? answer.value.decided : 0;
}

/** A hosting provider is the fourth party: it is told when police have cleared it, nobody holds it back, and a person says so. */
export async function tellHost(terminal: Terminal, cast: Cast, found: Expectations): Promise<Case> {
  const { hotline, police, provider } = cast;
  terminal.heading('11  A hosting provider joins: clearance and hold come before its notice');
  await meet(hotline, provider);
  await meet(provider, hotline);
  await agreeWithHost(cast);
  terminal.step(`${hotline.name} and ${provider.name} know each other; a person releases what goes there`, 'good');
  const submitted = done(await hotline.node.operations['reference.submit']({ reference: caseReference('DE') }));
  const about: Case = { originator: hotline.issuer, id: submitted.reference.id };
  const arrived = await until(async () => (await seenBy(police, about)) !== undefined);
  terminal.step('Hotline DE submits a reference: hosted in DE, a victim in DE. Police DE has it, nobody else');
  const claim = { scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed' };
  await say(hotline, about, 'assessed', { ...claim, at: hence(hotline, 0) });
  terminal.step('assessed as baseline by Hotline DE under DE');
  found.check(
    'police hold the reference and the provider nothing',
    arrived && (await providerHas(cast, about)).length === 0,
  );
  await lateClearance(terminal, cast, about, found);
  await holdAndRelease(terminal, cast, about, found);
  return about;
}

async function lateClearance(terminal: Terminal, cast: Cast, about: Case, found: Expectations): Promise<void> {
  const { hotline, police } = cast;
  await say(hotline, about, 'clearance', { step: 'requested', deadline: hence(hotline, 4) });
  const asked = await sees(police, about, ({ clearance }) => clearance.status === 'open');
  terminal.step('Hotline DE asks Police DE for clearance, with a deadline in 4 hours', 'waiting');
  cast.later(5);
  const overdue = await until(() => openAlert(hotline, 'clearance-overdue'));
  terminal.step('5 hours later nobody has answered: an alert at Hotline DE, and the host stays untold', 'bad');
  await say(police, about, 'clearance', { step: 'granted' });
  const late = await sees(hotline, about, ({ clearance }) => clearance.status === 'granted' && clearance.late);
  terminal.step('Police DE grants it, and it is counted as late', late ? 'good' : 'bad');
  found.check('clearance that nobody answers in time alerts', asked && overdue);
  found.check('clearance that comes late counts, and as late', late);
}

async function holdAndRelease(terminal: Terminal, cast: Cast, about: Case, found: Expectations): Promise<void> {
  const { hotline, police, provider } = cast;
  const hold = { step: 'placed', until: hence(police, 48), ground: 'investigation', authority: 'prosecutor' };
  await say(police, about, 'hold', hold);
  const held = await sees(hotline, about, ({ state }) => state === 'on-hold');
  terminal.step(
    'Police DE places a hold until it has secured evidence; Hotline DE sees it, with the desk to call',
    'bad',
  );
  const refused = await say(hotline, about, 'acted', act(hotline, 'reported-to-isp', 'final'));
  const released = await release(cast, about);
  terminal.step(`a notice to the host is refused meanwhile (${refused}), and a person releases nothing`, 'waiting');
  found.check('a hold stops every notice', held && refused === 'hold-active' && released === 0);
  found.check('nothing went to the provider under the hold', (await providerHas(cast, about)).length === 0);
  cast.later(1);
  await say(police, about, 'hold', { step: 'lifted' });
  const lifted = await sees(hotline, about, ({ state }) => state === 'open');
  const gone = lifted ? await release(cast, about) : 0;
  const told = await until(async () => (await providerHas(cast, about)).length > 0);
  await say(hotline, about, 'acted', act(hotline, 'reported-to-isp', 'final'));
  const members = await providerHas(cast, about);
  terminal.step(`lifted; a person releases it, and ${provider.name} gets ${members.join(', ')}: nothing else`, 'good');
  found.check('the provider gets the reduced form and nothing else', gone === 1 && told && members.length === 5);
}
