import type { FastifyContextConfig, FastifySchema } from 'fastify';
import type { RefusalCode } from '../domain/refusal.ts';
import type { Scope } from '../exchange/clients.ts';
import { statusOf } from './problem.ts';
import type { Schema } from './published.ts';

/** What a route says of itself, for the API description, for who may call it and for what may leave by it. */
export interface RouteTexts {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly scope: Scope | 'open';
  readonly params?: Schema;
  readonly querystring?: Schema;
  readonly headers?: Schema;
  readonly body?: Schema;
  readonly consumes?: string;
  /** Bodies of success by status; each is the filter of what leaves. */
  readonly answers: Readonly<Record<number, Schema>>;
  /** Refusals that this route has beside those of every route. */
  readonly refuses?: readonly RefusalCode[];
}

/** A body of success. */
export function json(description: string, schema: Schema, headers?: Readonly<Record<string, Schema>>): Schema {
  return { description, ...(headers && { headers }), content: { 'application/json': { schema } } };
}

/** A reference to a component. */
export function component(name: string): Schema {
  return { $ref: `${name}#` };
}

/** One page of a list; `next` is null on the last page. */
export function pageOf(name: string): Schema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['items', 'next'],
    properties: {
      items: { type: 'array', items: component(name) },
      next: { type: ['string', 'null'], description: 'Cursor of the next page; null on the last.' },
    },
  };
}

const problem = { 'application/problem+json': { schema: component('Problem') } };

/** Fastify's options of a route: schema of every answer, description, and the scope that a call needs. */
export function route(texts: RouteTexts): { schema: FastifySchema; config: FastifyContextConfig } {
  const { operationId, summary, description, scope, params, querystring, headers, body, consumes, answers, refuses } =
    texts;
  const always: readonly RefusalCode[] =
    scope === 'open' ? ['internal'] : ['unauthenticated', 'scope-missing', 'internal'];
  const codes = Map.groupBy([...always, ...(refuses ?? [])], statusOf);
  const problems = [...codes].map(([status, found]) => [
    status,
    { description: [...new Set(found)].join(', '), content: problem },
  ]);
  const schema = {
    operationId,
    summary,
    ...(description && { description }),
    ...(scope !== 'open' && { security: [{ bearer: [scope] }] }),
    ...(params && { params }),
    ...(querystring && { querystring }),
    ...(headers && { headers }),
    ...(body && { body: consumes ? { content: { [consumes]: { schema: body } } } : body }),
    response: { ...Object.fromEntries(problems), ...answers },
  };
  return { schema: schema as FastifySchema, config: { scope } };
}
