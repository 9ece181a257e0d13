import type { CodeLists } from '../domain/code-lists.ts';
import type { CaseReference, IndustryReference, Submission } from '../domain/contract.types.ts';
import { guard } from '../domain/guard.ts';
import { checkJurisdiction } from '../domain/jurisdiction.ts';
import { checkIndustryReference, INDUSTRY, isIndustryForm } from '../domain/policy/industry.ts';
import { checkReference } from '../domain/reference.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { gateUrl } from '../domain/url.ts';
import { checkSchema, type SchemaName } from '../wire/schema.ts';

type Recode = (value: string, pointer: string, loopback: boolean) => Refusal | undefined;

/** Members whose malformed text has a code of its own, which tells more than `schema-invalid`. */
const named: readonly (readonly [RegExp, Recode])[] = [
  [/^\/jurisdiction\/(hosting|reporting|concerned\/\d+\/country)$/, (value, at) => checkJurisdiction(value, at)],
  [/^\/hosting\/\d+\/country$/, (value, at) => checkJurisdiction(value, at)],
  [/^\/assessments\/\d+\/law$/, (value, at) => checkJurisdiction(value, at)],
  [
    /^\/(url|access\/referrer)$/,
    (value, at, loopback) => gateUrl(value, { loopback }, at) ?? refuse('url-invalid', at),
  ],
  [/^\/category$/, (_, at) => refuse('category-unknown', at)],
  [/^\/marking\/\w+$/, (_, at) => refuse('marking-invalid', at)],
  [/^\/handles\/\d+\/(system|id)$/, (_, at) => refuse('handle-invalid', at)],
];

/** The value at an RFC 6901 pointer, or undefined. */
function valueAt(root: unknown, pointer: string): unknown {
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return value;
}

function recode(refusal: Refusal, root: unknown, loopback: boolean): Refusal {
  const value = valueAt(root, refusal.pointer);
  if (typeof value !== 'string') return refusal;
  const rule = named.find(([pattern]) => pattern.test(refusal.pointer));
  return rule?.[1](value, refusal.pointer, loopback) ?? refusal;
}

/**
 * The schema of an event that carries a reference. A node whose own organisation type is industry takes the reduced form
 * and nothing more: what it must not have is refused before any of it is stored. Every other node takes whole references.
 */
export function eventSchema(event: 'submitted' | 'revised', ownType: string): GatedSchema {
  if (ownType !== INDUSTRY) return event;
  return event === 'submitted' ? 'industry-reference' : 'industry-revised';
}

type GatedSchema = Extract<
  SchemaName,
  'submission' | 'submitted' | 'revised' | 'industry-reference' | 'industry-revised'
>;

/**
 * Everything a case reference passes at any door, in the order of the protocol: content guard, schema, then the checks
 * that look across members. `listed` refuses codes outside the lists (node API and import: nobody invents codes by
 * accident), `open` keeps them (the wire: the sender may know a newer list).
 * @returns nothing when it may pass, else what is wrong, the first reason first.
 */
export function gateReference(
  value: unknown,
  options: {
    schema: GatedSchema;
    codes: 'listed' | 'open';
    loopback: boolean;
    /** The code lists of this node; absent, those of the release. */
    lists?: CodeLists | undefined;
    /** The reference's own id, where it is known: it cannot be related to itself. */
    id?: string | undefined;
  },
): Refusal[] {
  const guarded = guard(value, { form: 'reference' });
  if (guarded) return [guarded];
  const malformed = checkSchema(options.schema, value);
  if (malformed.length > 0) return malformed.map((refusal) => recode(refusal, value, options.loopback));
  const form = value as CaseReference | IndustryReference | Submission;
  if (isIndustryForm(form)) return checkIndustryReference(form, { loopback: options.loopback });
  return checkReference(form, {
    codes: options.codes,
    lists: options.lists,
    profile: { loopback: options.loopback },
    ...(options.id !== undefined && { id: options.id }),
  });
}
