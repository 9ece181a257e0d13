import type { FastifyReply } from 'fastify';
import { isRefusal } from '../domain/refusal.ts';
import { statePurpose } from '../exchange/portal/address.ts';
import { openShown } from '../exchange/portal/case.ts';
import { beginFind, type FindKind, forgetSearch, saveSearch } from '../exchange/portal/find.ts';
import { setCare } from '../exchange/portal/views.ts';
import { field } from './form.ts';
import { casePath } from './lines.ts';
import { purposePage } from './pages/address.ts';
import type { SignIn, Visit } from './parts.ts';
import { readSearch } from './query.ts';
import { accountResult, nameIn, type Page, type Route, searchResult } from './reading.ts';

/** Every form of the portal: none of them can change a reference. */
export function statedForms(post: Route, signIn: SignIn | undefined): void {
  post('/references/find', find);
  post('/references/:originator/:id/purpose', async (visit, reply) => state(visit, reply, signIn));
  post('/account/saved', save);
  post('/account/saved/delete', async (visit, reply) => {
    const id = field(visit.request, 'id');
    if (/^[0-9a-f-]{36}$/.test(id)) await forgetSearch(visit.exchange, visit.viewer, id);
    return to(reply, '/account');
  });
  post('/account/break-hint', async (visit, reply) => {
    await setCare(visit.exchange, visit.viewer, { breakHint: field(visit.request, 'on') === '1' });
    return to(reply, '/account');
  });
  post('/account/end-sessions', async (visit, reply) => {
    await signIn?.endSessions(visit.viewer);
    return to(reply, '/');
  });
}

function to(reply: FastifyReply, path: string): undefined {
  void reply.redirect(path, 303);
}

const kinds: readonly string[] = ['address', 'host', 'number'] satisfies FindKind[];

/** An address, host or number goes in by a form and is never seen again: what follows names it by an opaque id. */
const find: Page = async (visit, reply) => {
  const { exchange, viewer, request, texts } = visit;
  const kind = field(request, 'kind');
  const text = field(request, 'text');
  const id = kinds.includes(kind) ? await beginFind(exchange, viewer, { kind: kind as FindKind, text }) : undefined;
  if (typeof id === 'string') return to(reply, `/references?find=${id}`);
  reply.code(422);
  const { badFind, badHost, badAddress } = texts.search;
  const says = text.trim() === '' || kind === 'number' ? badFind : kind === 'host' ? badHost : badAddress;
  const at = kinds.includes(kind) ? `find-${kind}` : 'find';
  return searchResult(visit, readSearch({}, viewer), { wrong: { says, field: at } });
};

async function state(visit: Visit, reply: FastifyReply, signIn: SignIn | undefined) {
  const { exchange, viewer, request, texts } = visit;
  const name = nameIn(visit);
  const shown = await openShown(exchange, viewer, name);
  if (isRefusal(shown)) return shown;
  const first = await signIn?.stepUp(request, viewer);
  if (first !== undefined) return to(reply, first);
  const purpose = field(request, 'purpose');
  const wrong = await statePurpose(exchange, viewer, name, { purpose, ownReference: field(request, 'ownReference') });
  if (!wrong) return to(reply, `${casePath(name)}/address`);
  reply.code(422);
  const isNumber = wrong.pointer === '/ownReference';
  const says = isNumber ? texts.purpose.badNumber : texts.purpose.missing;
  return purposePage(visit, {
    name,
    chosen: purpose,
    wrong: { says, field: isNumber ? 'ownReference' : 'purpose-referral-review' },
  });
}

const save: Page = async (visit, reply) => {
  const { exchange, viewer, request, texts } = visit;
  const wrong = await saveSearch(exchange, viewer, readSearch(request.body, viewer).search);
  if (wrong) reply.code(422);
  return accountResult(visit, wrong ? texts.search.notSaved : texts.search.saved);
};
