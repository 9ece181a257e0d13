import { isoInstant } from '../../domain/instant.ts';
import { createVisitor, type Visitor } from '../../transport/visitor.ts';
import type { Terminal } from '../terminal.ts';
import { type Cast, done, type Player } from './cast.ts';
import { newPasskey } from './device.ts';
import type { Expectations } from './story.ts';
import { type Case, hence, say, seenBy, sees, until } from './voice.ts';

const DAY = 86_400_000;

/** Accredits somebody at Police DE for a month; gives the address that is told once. */
async function invite({ node }: Player, name: string): Promise<URL> {
  const now = node.exchange.clock();
  const day = (at: number) => isoInstant(at).slice(0, 10);
  const { invitation } = done(
    await node.operations['liaison.invite']({
      name,
      agency: 'Police DE',
      unit: 'Child protection',
      jurisdictions: ['DE'],
      legalBasis: 'invented order of the demonstration',
      trained: day(now - 30 * DAY),
      until: day(now + 30 * DAY),
    }),
  );
  if (invitation?.address === undefined) throw new Error('the demonstration got no invitation');
  return new URL(invitation.address);
}

/** For whoever wants to look around. */
export async function inviteVisitor({ police }: Cast): Promise<string> {
  return (await invite(police, 'Visitor of the demonstration')).href;
}

const common = { category: 'livestream', jurisdiction: { hosting: 'DE', reporting: 'DE' } };
const marking = { tlp: 'AMBER', notifyHost: 'after-clearance', portal: 'concerned' };
const concerned = [{ country: 'DE', basis: 'victim' }];

type SampleCases = Readonly<Record<'emergency' | 'waiting' | 'closed', Case>>;

async function submit({ hotline }: Cast, reference: object): Promise<Case> {
  const { reference: made } = done(await hotline.node.operations['reference.submit']({ reference }));
  return { originator: hotline.issuer, id: made.id };
}

/** What an officer on duty should find first: an emergency, a clearance that waits, a hold; and one that no portal may show. */
async function sampleCases(cast: Cast): Promise<SampleCases> {
  const { hotline, police } = cast;
  const jurisdiction = { ...common.jurisdiction, concerned };
  const at = hence(hotline, -1);
  const assessments = [{ scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at }];
  const urgency = { level: 'emergency', code: 'imminent-danger' };
  const handles = [{ system: 'own', id: 'DE-2026/90001' }];
  const all = { ...common, jurisdiction, assessments };
  const cases = {
    emergency: await submit(cast, { ...all, url: 'https://live.example/room/7', urgency, handles, marking }),
    waiting: await submit(cast, { ...all, url: 'https://files.example/album/90002', category: 'csam', marking }),
    closed: await submit(cast, { ...all, url: 'https://board.example/90003', marking: { ...marking, portal: 'none' } }),
  };
  for (const about of Object.values(cases)) await until(async () => (await seenBy(police, about)) !== undefined);
  const { waiting } = cases;
  const hold = { step: 'placed', until: hence(police, 40), ground: 'evidence-preservation', authority: 'police' };
  await say(hotline, waiting, 'clearance', { step: 'requested', deadline: hence(hotline, 6) });
  await sees(police, waiting, ({ clearance }) => clearance.status === 'open');
  await say(police, waiting, 'hold', hold);
  return cases;
}

/** An officer is invited, makes a passkey, and reads: urgent first, addresses masked, nothing that no portal may show. */
export async function officerReads(terminal: Terminal, cast: Cast, found: Expectations): Promise<SampleCases> {
  terminal.heading('14  An officer reads the portal of Police DE');
  const cases = await sampleCases(cast);
  terminal.step(
    'Hotline DE sends an emergency; in another case it waits for clearance, and Police DE has placed a hold',
  );
  const invitation = await invite(cast.police, 'A. Officer');
  terminal.step('the operator of Police DE accredits A. Officer for DE: an invitation that works once, for 72 hours');
  const officer = createVisitor(invitation.origin);
  const stranger = createVisitor(invitation.origin);
  try {
    const shut = (await stranger.get('/references')).location === '/sign-in';
    const welcome = await redeem(officer, invitation);
    terminal.step(
      'A. Officer opens it, makes a passkey and is signed in; no password anywhere',
      welcome ? 'good' : 'bad',
    );
    const again = await stranger.post('/invitation', { code: invitation.hash.slice(1) });
    terminal.step('the same invitation a second time is refused', again.status === 403 ? 'good' : 'bad');
    found.check('nobody reads the portal without signing in', shut);
    found.check('an invitation opens the portal', welcome);
    found.check('an invitation works once', again.status === 403);
    await look(terminal, officer, cases, found);
    return cases;
  } finally {
    await Promise.all([officer.close(), stranger.close()]);
  }
}

/** From the address of an invitation to a session. */
async function redeem(officer: Visitor, { origin, hash, pathname }: URL): Promise<boolean> {
  const page = await officer.get(pathname);
  const opened = await officer.post(pathname, { code: hash.slice(1) });
  const enrol = await officer.get(opened.location ?? '/');
  if (page.status !== 200 || !enrol.body.includes('A. Officer')) return false;
  const made = await officer.post('/invitation/passkey', { response: newPasskey(origin, enrol.body) });
  return made.location === '/';
}

async function look(terminal: Terminal, officer: Visitor, cases: SampleCases, found: Expectations): Promise<void> {
  const pathOf = ({ originator, id }: Case) => `/references/${encodeURIComponent(originator)}/${id}`;
  const overview = await officer.get('/');
  const first = overview.body.indexOf(cases.emergency.id);
  const page = await officer.get(pathOf(cases.emergency));
  const masked = page.status === 200 && !page.body.includes('room/7');
  const purpose = (await officer.get(`${pathOf(cases.emergency)}/address`)).location ?? '';
  const closed = (await officer.get(pathOf(cases.closed))).status;
  terminal.step('the overview begins with the emergency and says: call first', first > 0 ? 'good' : 'bad');
  terminal.step('its page shows who says what under which law; the address is masked until a purpose is stated');
  terminal.step('a case that its sender closed to portals is not found, not even by its exact address');
  found.check('the portal shows the emergency', first > 0 && page.status === 200);
  found.check('addresses are masked until a purpose is stated', masked && purpose.endsWith('/purpose'));
  found.check('what no portal may show is not found', closed === 404);
}
