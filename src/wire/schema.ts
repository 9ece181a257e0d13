import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import acknowledged from '../../schemas/acknowledged.schema.json' with { type: 'json' };
import acted from '../../schemas/acted.schema.json' with { type: 'json' };
import assessed from '../../schemas/assessed.schema.json' with { type: 'json' };
import clearance from '../../schemas/clearance.schema.json' with { type: 'json' };
import deny from '../../schemas/deny.schema.json' with { type: 'json' };
import feedback from '../../schemas/feedback.schema.json' with { type: 'json' };
import formats from '../../schemas/formats.schema.json' with { type: 'json' };
import handover from '../../schemas/handover.schema.json' with { type: 'json' };
import hold from '../../schemas/hold.schema.json' with { type: 'json' };
import industryReference from '../../schemas/industry-reference.schema.json' with { type: 'json' };
import industryRevised from '../../schemas/industry-revised.schema.json' with { type: 'json' };
import keySet from '../../schemas/key-set.schema.json' with { type: 'json' };
import peerCard from '../../schemas/peer-card.schema.json' with { type: 'json' };
import policy from '../../schemas/policy.schema.json' with { type: 'json' };
import policyDraft from '../../schemas/policy-draft.schema.json' with { type: 'json' };
import pollAnswer from '../../schemas/poll-answer.schema.json' with { type: 'json' };
import pollRequest from '../../schemas/poll-request.schema.json' with { type: 'json' };
import problem from '../../schemas/problem.schema.json' with { type: 'json' };
import receipt from '../../schemas/receipt.schema.json' with { type: 'json' };
import reference from '../../schemas/reference.schema.json' with { type: 'json' };
import relayed from '../../schemas/relayed.schema.json' with { type: 'json' };
import replayAnswer from '../../schemas/replay-answer.schema.json' with { type: 'json' };
import replayRefusal from '../../schemas/replay-refusal.schema.json' with { type: 'json' };
import replayRequest from '../../schemas/replay-request.schema.json' with { type: 'json' };
import revised from '../../schemas/revised.schema.json' with { type: 'json' };
import set from '../../schemas/set.schema.json' with { type: 'json' };
import submission from '../../schemas/submission.schema.json' with { type: 'json' };
import submitted from '../../schemas/submitted.schema.json' with { type: 'json' };
import toldBy from '../../schemas/told-by.schema.json' with { type: 'json' };
import verify from '../../schemas/verify.schema.json' with { type: 'json' };
import voided from '../../schemas/voided.schema.json' with { type: 'json' };
import withdrawn from '../../schemas/withdrawn.schema.json' with { type: 'json' };
import { type Refusal, refuse } from '../domain/refusal.ts';
import { describe } from './schema-message.ts';

/** The published schemas that a value can be checked against, named as their files are. */
const schemas = {
  acknowledged,
  acted,
  assessed,
  clearance,
  deny,
  feedback,
  handover,
  hold,
  'industry-reference': industryReference,
  'industry-revised': industryRevised,
  'key-set': keySet,
  'peer-card': peerCard,
  policy,
  'policy-draft': policyDraft,
  'poll-answer': pollAnswer,
  'poll-request': pollRequest,
  problem,
  receipt,
  reference,
  relayed,
  'replay-answer': replayAnswer,
  'replay-refusal': replayRefusal,
  'replay-request': replayRequest,
  revised,
  set,
  submission,
  submitted,
  'told-by': toldBy,
  verify,
  voided,
  withdrawn,
};
export type SchemaName = keyof typeof schemas;

/** More refusals than this help nobody, and cost whoever answers. */
export const MAX_REFUSALS = 20;
/** Above so many nodes only the first error is looked for: what is hostile must not choose how much work it makes. */
const MAX_NODES = 4000;
const base = 'https://caseref.example/schemas/1/';

type Mode = 'first' | 'every';
const compilers = new Map<Mode, Ajv2020>();

/** Compiled once, at first use: a short command of the terminal needs none of it. Nothing is coerced or filled in. */
function validator(mode: Mode, name: SchemaName): ValidateFunction {
  const known = compilers.get(mode);
  const ajv =
    known ??
    new Ajv2020({ strict: true, allErrors: mode === 'every', verbose: mode === 'every', strictRequired: false });
  if (known === undefined) {
    for (const schema of [formats, ...Object.values(schemas)]) ajv.addSchema(schema);
    compilers.set(mode, ajv);
  }
  const compiled = ajv.getSchema(`${base}${name}.schema.json`);
  if (compiled === undefined) throw new Error(`no schema ${name}`);
  return compiled;
}

/**
 * Checks a value against a published schema (JSON Schema 2020-12): no refusal when it is valid, else at most 20
 * `schema-invalid`, each with the RFC 6901 pointer of the member that is wrong, unknown or missing. Texts never repeat
 * the value. `at` is put before each pointer.
 */
export function checkSchema(name: SchemaName, value: unknown, at = ''): Refusal[] {
  const first = validator('first', name);
  if (first(value)) return [];
  if (countNodes(value, MAX_NODES) >= MAX_NODES) return refusalsOf(first.errors, at);
  const every = validator('every', name);
  every(value);
  return refusalsOf(every.errors, at);
}

function refusalsOf(errors: readonly ErrorObject[] | null | undefined, at: string): Refusal[] {
  const found = new Map<string, Refusal>();
  for (const error of errors ?? []) {
    // The condition that led to a requirement is no fault of its own.
    if (error.keyword === 'if') continue;
    const { pointer, message, next } = describe(error);
    if (!found.has(pointer)) found.set(pointer, refuse('schema-invalid', at + pointer, message, next));
    if (found.size === MAX_REFUSALS) break;
  }
  return [...found.values()];
}

function countNodes(value: unknown, limit: number): number {
  const waiting: unknown[] = [value];
  let count = 0;
  while (waiting.length > 0 && count < limit) {
    const next = waiting.pop();
    count += 1;
    if (typeof next === 'object' && next !== null) {
      for (const part of Object.values(next)) waiting.push(part);
    }
  }
  return count;
}
