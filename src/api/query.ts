import type { FastifyInstance } from 'fastify';
import { referenceStates } from '../domain/reference.ts';
import { type RefusalCode, refuse } from '../domain/refusal.ts';
import type { PageRequest } from '../exchange/browse.ts';
import type { ReferenceFilter } from '../store/lists.ts';
import { compileStrict } from '../wire/compile.ts';
import { RefusedCall } from './problem.ts';
import { published, type Schema } from './published.ts';

const format = (name: string, description: string): Schema => ({
  ...published(`formats.schema.json#/$defs/${name}`),
  description,
});

const paging = {
  limit: { type: 'integer', minimum: 1, maximum: 500, description: 'Most entries of a page; 50 where absent.' },
  cursor: { type: 'string', maxLength: 600, description: 'Where to go on: "next" of the page before.' },
};

const filters = {
  direction: { type: 'string', enum: ['in', 'out'], description: 'Received, or our own.' },
  partner: format('issuer', 'Came from this partner, or was decided to go to it.'),
  category: format('category', 'Category code.'),
  jurisdiction: format('jurisdiction', 'Any jurisdiction that it names; DE also finds DE-BY.'),
  state: { type: 'string', enum: referenceStates, description: 'State here.' },
  urgency: format('code', 'Urgency level.'),
  since: format('instant', 'First stored here at this instant or later.'),
  until: format('instant', 'First stored here before this instant.'),
};

function closed(properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  return { type: 'object', additionalProperties: false, properties, ...more };
}

/** A page of references; addresses are never in a query string, they would end in logs. */
export const referenceQuery = closed({ ...filters, ...paging });
export const pageQuery = closed(paging);
export const originatorQuery = closed({
  originator: format('issuer', 'Originator of a partner’s reference; absent: our own.'),
});
export const actionQuery = closed({
  ...(originatorQuery.properties as Record<string, Schema>),
  alsoLinked: {
    type: 'boolean',
    description:
      'Whether removed, unavailable, online and reappeared are said of the other references to the same address too, so that each originator hears of its own; absent: no.',
  },
});
export const originatorPageQuery = closed({ ...(originatorQuery.properties as Record<string, Schema>), ...paging });
export const eventQuery = closed({
  limit: paging.limit,
  after: { type: 'string', maxLength: 600, description: 'Cursor of the last entry seen; absent: from the beginning.' },
});

/** Filters and exactly one of an address or a host, in a body. */
export const searchBody = closed(
  {
    ...filters,
    ...paging,
    url: format('url', 'Address to look for, whole.'),
    host: { type: 'string', minLength: 1, maxLength: 300, description: 'Host to look for, without port.' },
  },
  { minProperties: 1, oneOf: [{ required: ['url'] }, { required: ['host'] }] },
);

export const idParams = closed({ id: format('uuid', 'Id of the reference.') });
export const issuerParams = closed({
  issuer: { type: 'string', maxLength: 300, description: 'Issuer of the partner, percent-encoded.' },
});

export interface PageQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

export interface FilterQuery extends PageQuery {
  readonly direction?: 'in' | 'out';
  readonly partner?: string;
  readonly category?: string;
  readonly jurisdiction?: string;
  readonly state?: string;
  readonly urgency?: string;
  readonly since?: string;
  readonly until?: string;
}

/** Part of a request as fastify names it, with the code that a fault in it has. */
const codeOf: Readonly<Record<string, RefusalCode>> = {
  querystring: 'query-invalid',
  params: 'not-found',
  headers: 'query-invalid',
};

/**
 * One strict validator for what is not a document: query strings (numbers are spelled in text there) and path parameters,
 * where a malformed id is simply not there. Bodies are read strictly and judged by the exchange, never changed here.
 */
export function validateStrictly(app: FastifyInstance): void {
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const code = codeOf[httpPart ?? ''];
    if (code === undefined || httpPart === 'headers') return () => true;
    const check = compileStrict(schema as Schema, { code, coerce: true });
    return (value) => {
      const refusals = check(value);
      if (refusals.length === 0) return true;
      return { error: new RefusedCall(...(code === 'not-found' ? [refuse(code)] : refusals)) };
    };
  });
}

export const checkSearch = compileStrict(searchBody, { code: 'schema-invalid' });

export function pageRequest({ limit, cursor }: PageQuery): PageRequest {
  return { limit: limit ?? 50, cursor };
}

export function filterOf(query: FilterQuery): ReferenceFilter {
  const { direction, partner, category, jurisdiction, state, urgency, since, until } = query;
  return {
    ...{ direction, partner, category, jurisdiction, state, urgency },
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  };
}
