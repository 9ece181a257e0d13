import { isDate } from '../domain/instant.ts';
import type { PortalSearch } from '../exchange/portal/list.ts';
import type { Viewer } from '../exchange/portal/viewer.ts';

const DAY = 86_400_000;
const members = ['jurisdiction', 'category', 'assessment', 'state', 'urgency', 'partner', 'since', 'until'] as const;
type Member = (typeof members)[number];

/** What an address of the search page asks for: codes and days, and opaque ids. */
export interface Asked {
  readonly values: Readonly<Partial<Record<Member, string>>>;
  readonly find: string | undefined;
  readonly fresh: boolean;
  /** Opaque cursor of the page. */
  readonly after: string | undefined;
  /** This search, from its newest page. */
  readonly here: string;
  readonly search: PortalSearch;
}

/** Longest value that a filter can have: the issuer of a partner. */
const LONGEST = 300;

/** What can be a value at all: a control character never is, and the store takes no zero byte. */
function isPlain(value: string): boolean {
  return value !== '' && value.length <= LONGEST && !/\p{Cc}/u.test(value);
}

/** Reads a search from a query string or a form; what is repeated, too long or empty counts as absent. */
export function readSearch(given: unknown, viewer: Pick<Viewer, 'lastVisit'>): Asked {
  const said = (name: string): string | undefined => {
    const value = (given as Readonly<Record<string, unknown>> | undefined)?.[name];
    return typeof value === 'string' && isPlain(value) ? value : undefined;
  };
  const values: Partial<Record<Member, string>> = {};
  for (const member of members) {
    const value = said(member);
    const isDay = member === 'since' || member === 'until';
    if (value !== undefined && (!isDay || isDate(value))) values[member] = value;
  }
  /** Ids and cursors that cannot be ours find nothing, where a filter that says nothing would show everything. */
  const opaque = (name: string): string | undefined => {
    const value = (given as Readonly<Record<string, unknown>> | undefined)?.[name];
    if (value === undefined || value === '') return undefined;
    return typeof value === 'string' && /^[\w-]{1,100}$/.test(value) ? value : '-';
  };
  const find = opaque('find');
  const fresh = said('new') === '1';
  const { since, until, ...codes } = values;
  const first = since === undefined ? undefined : new Date(`${since}T00:00:00Z`);
  const visited = fresh ? viewer.lastVisit : undefined;
  const from = [first, visited].filter((at) => at !== undefined).toSorted((a, b) => b.getTime() - a.getTime())[0];
  const search = {
    ...codes,
    since: from,
    until: until === undefined ? undefined : new Date(Date.parse(`${until}T00:00:00Z`) + DAY),
    find,
  };
  return { values, find, fresh, after: opaque('after'), here: searchPath({ values, find, fresh }), search };
}

/** The address of a search. */
export function searchPath(
  { values, find, fresh }: Pick<Asked, 'values' | 'find' | 'fresh'>,
  after?: string | undefined,
): string {
  const query = new URLSearchParams();
  for (const member of members) if (values[member] !== undefined) query.set(member, values[member]);
  if (find !== undefined) query.set('find', find);
  if (fresh) query.set('new', '1');
  if (after !== undefined) query.set('after', after);
  const text = query.toString();
  return text === '' ? '/references' : `/references?${text}`;
}
