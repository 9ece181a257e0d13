import type { FastifyReply } from 'fastify';
import { html } from 'hono/html';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { wholeAddress } from '../exchange/portal/address.ts';
import { openShown, showCase } from '../exchange/portal/case.ts';
import { listSaved } from '../exchange/portal/find.ts';
import { checkGenuine } from '../exchange/portal/genuine.ts';
import { listCases } from '../exchange/portal/list.ts';
import { overviewFor, partnersFor, statisticsFor } from '../exchange/portal/overview.ts';
import { ownExposure, recordLook } from '../exchange/portal/views.ts';
import type { ReferenceName } from '../exchange/record.ts';
import type { Markup } from './layout.ts';
import { casePath } from './lines.ts';
import { accountPage } from './pages/account.ts';
import { addressPage, purposePage } from './pages/address.ts';
import { casePage } from './pages/case.ts';
import { partnersPage, statisticsPage } from './pages/directory.ts';
import { genuinePage } from './pages/genuine.ts';
import { type Known, overviewPage } from './pages/overview.ts';
import { type SearchView, searchPage } from './pages/search.ts';
import type { SignIn, Visit } from './parts.ts';
import { type Asked, readSearch, searchPath } from './query.ts';

/** What a page answers: markup; a refusal, which is told as not found; or nothing, where it has sent the reader elsewhere. */
export type Page = (visit: Visit, reply: FastifyReply) => Promise<Markup | Refusal | undefined>;

/** Registers a page for who is signed in. */
export type Route = (path: string, page: Page) => void;

/** Every page that is read. Each is a GET that changes nothing but the record of looks. */
export function readingPages(route: Route, signIn: SignIn | undefined): void {
  route('/', async (visit) => {
    const overview = await overviewFor(visit.exchange, visit.viewer);
    return overviewPage(visit, overview, await knownTo(visit), await breakHint(visit));
  });
  route('/references', (visit) => searchResult(visit, readSearch(visit.request.query, visit.viewer)));
  // Where a form was answered its page has this address: who goes there anew means the page that the form stands on.
  route('/references/find', async (_visit, reply) => elsewhere(reply, '/references'));
  route('/account/saved', async (_visit, reply) => elsewhere(reply, '/account'));
  route('/partners', async (visit) => partnersPage(visit, await partnersFor(visit.exchange)));
  route('/statistics', async (visit) =>
    statisticsPage(visit, await statisticsFor(visit.exchange, visit.viewer), await namesOf(visit)),
  );
  route('/account', (visit) => accountResult(visit));
  casePages(route, signIn);
}

function casePages(route: Route, signIn: SignIn | undefined): void {
  route('/references/:originator/:id', async (visit) => {
    const shown = await showCase(visit.exchange, visit.viewer, nameIn(visit));
    return isRefusal(shown) ? shown : casePage(visit, shown, await breakHint(visit));
  });
  route('/references/:originator/:id/purpose', async (visit, reply) => {
    const name = nameIn(visit);
    const shown = await openShown(visit.exchange, visit.viewer, name);
    if (isRefusal(shown)) return shown;
    const first = await signIn?.stepUp(visit.request, visit.viewer);
    return first === undefined ? purposePage(visit, { name }) : elsewhere(reply, first);
  });
  route('/references/:originator/:id/address', async (visit, reply) => {
    const name = nameIn(visit);
    const whole = await wholeAddress(visit.exchange, visit.viewer, name);
    if (whole === undefined) return elsewhere(reply, `${casePath(name)}/purpose`);
    return isRefusal(whole) ? whole : addressPage(visit, whole, await breakHint(visit));
  });
  route('/references/:originator/:id/genuine', async (visit) => {
    const name = nameIn(visit);
    const checked = await checkGenuine(visit.exchange, visit.viewer, name);
    return isRefusal(checked) ? checked : genuinePage(visit, name, checked.genuine);
  });
}

function elsewhere(reply: FastifyReply, path: string): undefined {
  void reply.redirect(path, 303);
}

const nobody = '00000000-0000-0000-0000-000000000000';

/** The case that a path names; what cannot be a name finds nothing. */
export function nameIn({ request }: Visit): ReferenceName {
  const { originator = '', id = '' } = request.params as Readonly<Record<string, string>>;
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
  return isId && !/\p{Cc}/u.test(originator) ? { originator, id } : { originator: '', id: nobody };
}

/** A page of results, recorded as a look. */
export async function searchResult(
  visit: Visit,
  asked: Asked,
  say: Pick<SearchView, 'said' | 'wrong'> = {},
): Promise<Markup | Refusal> {
  const { exchange, viewer } = visit;
  const page = await listCases(exchange, viewer, asked.search, { cursor: asked.after });
  if (isRefusal(page)) return page;
  await recordLook(exchange, viewer, { kind: 'list' });
  const next = page.next === undefined ? undefined : searchPath(asked, page.next);
  return searchPage(visit, { asked, page, next, names: await namesOf(visit), ...say });
}

export async function accountResult(visit: Visit, said?: string): Promise<Markup> {
  const { exchange, viewer } = visit;
  const [saved, exposure] = [await listSaved(exchange, viewer), await ownExposure(exchange, viewer)];
  return accountPage(visit, { saved, exposure, names: await namesOf(visit), said });
}

/** What organisations are called, our own among them, and how they are called up. */
async function knownTo({ exchange }: Visit): Promise<Known> {
  const partners = await partnersFor(exchange);
  return {
    names: new Map(partners.map(({ issuer, name }) => [issuer, name])),
    contacts: new Map(partners.flatMap(({ issuer, contact }) => (contact ? [[issuer, contact]] : []))),
  };
}

const namesOf = async (visit: Visit) => (await knownTo(visit)).names;

/** After this many cases within an hour a break is worth a word. */
const MANY_CASES = 20;

async function breakHint({ exchange, viewer, texts }: Visit): Promise<Markup | ''> {
  const { lastHour, care } = await ownExposure(exchange, viewer);
  return care.breakHint && lastHour >= MANY_CASES
    ? html`<p class="inset" role="note">${texts.breakHint(lastHour)}</p>`
    : '';
}
