import acknowledged from '../../schemas/acknowledged.schema.json' with { type: 'json' };
import acted from '../../schemas/acted.schema.json' with { type: 'json' };
import assessed from '../../schemas/assessed.schema.json' with { type: 'json' };
import clearance from '../../schemas/clearance.schema.json' with { type: 'json' };
import feedback from '../../schemas/feedback.schema.json' with { type: 'json' };
import formats from '../../schemas/formats.schema.json' with { type: 'json' };
import handover from '../../schemas/handover.schema.json' with { type: 'json' };
import hold from '../../schemas/hold.schema.json' with { type: 'json' };
import peerCard from '../../schemas/peer-card.schema.json' with { type: 'json' };
import problem from '../../schemas/problem.schema.json' with { type: 'json' };
import reference from '../../schemas/reference.schema.json' with { type: 'json' };
import submission from '../../schemas/submission.schema.json' with { type: 'json' };
import toldBy from '../../schemas/told-by.schema.json' with { type: 'json' };

/** A JSON Schema as a plain object. */
export type Schema = Readonly<Record<string, unknown>>;

const files: Readonly<Record<string, unknown>> = {
  'acknowledged.schema.json': acknowledged,
  'acted.schema.json': acted,
  'assessed.schema.json': assessed,
  'clearance.schema.json': clearance,
  'feedback.schema.json': feedback,
  'handover.schema.json': handover,
  'hold.schema.json': hold,
  'told-by.schema.json': toldBy,
  'formats.schema.json': formats,
  'peer-card.schema.json': peerCard,
  'problem.schema.json': problem,
  'reference.schema.json': reference,
  'submission.schema.json': submission,
};

/** What identifies a document, and what holds between members: neither has a place inside another document. */
const left = new Set(['$schema', '$id', '$defs', 'allOf', 'if', 'then', 'else', 'not']);

/**
 * A published schema, or a part of it (`reference.schema.json#/properties/url`), with every reference replaced by what it
 * leads to, so that it stands alone. Conditions between members are left out: they bind what comes in, and that is
 * checked against the published schema itself.
 */
export function published(reference: string): Schema {
  const [file = '', path = ''] = reference.split('#');
  let found: unknown = files[file];
  for (const name of path.split('/').slice(1)) found = isSchema(found) ? found[name] : undefined;
  if (!isSchema(found)) throw new Error(`no schema ${reference}`);
  return inlined(found, file) as Schema;
}

function inlined(node: unknown, file: string): unknown {
  if (Array.isArray(node)) return node.map((one) => inlined(one, file));
  if (!isSchema(node)) return node;
  const { $ref, ...own } = node;
  const kept = Object.entries(own).filter(([name]) => !left.has(name));
  const members = Object.fromEntries(kept.map(([name, value]) => [name, inlined(value, file)]));
  if (typeof $ref !== 'string') return members;
  return { ...published($ref.startsWith('#') ? `${file}${$ref}` : $ref), ...members };
}

function isSchema(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
