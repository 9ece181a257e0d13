import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { gateUrl } from '../../domain/url.ts';
import { partnerRow } from '../../store/partners.ts';
import { deleteFinds, deleteSaved, insertFind, insertSaved, savedSearches } from '../../store/portal-finds.ts';
import { inTransaction } from '../../store/transaction.ts';
import { matchKeys } from '../../wire/match.ts';
import type { Exchange } from '../context.ts';
import type { PortalSearch } from './list.ts';
import { numberMac } from './undecided.ts';
import type { Viewer } from './viewer.ts';
import { writeLook } from './views.ts';

export type FindKind = 'address' | 'host' | 'number';

/** A find is usable for as long as a session can last. */
const LIFE_MS = 8 * 3_600_000;

/**
 * Begins a search by exact address, host or case number: kept as blind indexes under an opaque id, which is all that the
 * address bar, the history and a log ever see. What cannot be an address or a number is refused.
 */
export async function beginFind(
  exchange: Exchange,
  viewer: Viewer,
  { kind, text }: { readonly kind: FindKind; readonly text: string },
): Promise<string | Refusal> {
  const macs = macsFor(exchange, kind, text.trim());
  if (isRefusal(macs)) return macs;
  const id = exchange.chance.jti();
  const now = exchange.clock();
  await inTransaction(exchange.store.db, async (trx) => {
    const find = { id, liaison: viewer.id, session: viewer.session, kind, macs, created_at: new Date(now) };
    await insertFind(trx, find);
    await writeLook(exchange, trx, viewer, { kind: 'find', code: kind });
  });
  return id;
}

/** Forgets finds that no session can use any more, whether or not anybody searches again. */
export function forgetFinds({ store, clock }: Pick<Exchange, 'store' | 'clock'>): Promise<void> {
  return deleteFinds(store.db, new Date(clock() - LIFE_MS));
}

function macsFor(exchange: Exchange, kind: FindKind, text: string): Uint8Array[] | Refusal {
  if (kind === 'number') {
    return text.length > 0 && text.length <= 64 ? [numberMac(exchange, text)] : refuse('handle-invalid', '/number');
  }
  const url = kind === 'host' ? `http://${hostIn(armed(text))}/` : armed(text);
  const wrong = gateUrl(url, exchange.profile, '/address');
  if (wrong) return wrong;
  const { K1, K2, K3 } = matchKeys(url);
  const { vault } = exchange;
  return kind === 'host' ? [vault.index('K3', K3)] : [vault.index('K1', K1), vault.index('K2', K2)];
}

/** The host of an address, masked or whole: that is what people have at hand. */
function hostIn(text: string): string {
  return text.replace(/^[a-z]+:\/\//, '').replace(/[/?#].*$/, '');
}

/** People paste what pages and messages show them: disarmed addresses are taken as they are meant. */
function armed(text: string): string {
  const scheme = text.replace(/^(hxxp)(s?:\/\/)/i, 'http$2');
  const [, lead = '', host = '', rest = ''] = /^([a-z]+:\/\/)?([^/?#]*)(.*)$/is.exec(scheme) ?? [];
  return `${lead}${host.replaceAll('[.]', '.').replaceAll('[:]', ':').toLowerCase()}${rest}`;
}

const savable = ['jurisdiction', 'category', 'assessment', 'state', 'urgency', 'partner'] as const;

/** A search that was saved: codes only, never an address, a host or a number. */
export interface SavedSearch {
  readonly id: string;
  readonly filters: Readonly<Record<string, string>>;
}

const MOST_SAVED = 50;

/** How a code is written. A sender is no code: it is one that we know. */
const CODE = /^[A-Za-z0-9:+-]{1,130}$/;

/** Saves what of a search is codes; refuses what would save nothing, and what is no code: it could be an address. */
export async function saveSearch(
  exchange: Exchange,
  viewer: Viewer,
  search: PortalSearch,
): Promise<Refusal | undefined> {
  const filters = Object.fromEntries(
    savable.flatMap((member) => (search[member] === undefined ? [] : [[member, search[member]]])),
  );
  if (Object.keys(filters).length === 0) return refuse('usage-invalid', '/filters', 'There is nothing to save.');
  const { partner, ...codes } = filters;
  const known = partner === undefined || partner === exchange.self || (await partnerRow(exchange.store.db, partner));
  if (!known || !Object.values(codes).every((code) => CODE.test(code)))
    return refuse('usage-invalid', '/filters', 'What is to be saved is no code.');
  if ((await savedSearches(exchange.store.db, viewer.id)).length >= MOST_SAVED)
    return refuse('usage-invalid', '/filters', 'There are as many saved searches as there can be.');
  const saved = { id: exchange.chance.uuid4(), liaison: viewer.id, filters, at: new Date(exchange.clock()) };
  await inTransaction(exchange.store.db, (trx) => insertSaved(trx, saved));
  return undefined;
}

export async function forgetSearch(exchange: Exchange, viewer: Viewer, id: string): Promise<void> {
  await inTransaction(exchange.store.db, (trx) => deleteSaved(trx, viewer.id, id));
}

export async function listSaved(exchange: Exchange, viewer: Viewer): Promise<SavedSearch[]> {
  const rows = await savedSearches(exchange.store.db, viewer.id);
  return rows.map(({ id, filters }) => ({ id, filters }));
}
