import type { ErrorObject } from 'ajv';
import { isShownName } from '../domain/member-name.ts';

/** What one validation error says to a person, without the value that caused it. */
export interface Told {
  /** RFC 6901 pointer to the member that is wrong, unknown or missing. */
  readonly pointer: string;
  readonly message: string;
  readonly next: string | undefined;
}

type Params = Readonly<Record<string, unknown>>;
type Sentence = (params: Params) => string;

const sentences: Readonly<Record<string, Sentence>> = {
  type: ({ type }) => `The member must be of type ${String(type)}.`,
  enum: () => 'The member is none of the values allowed.',
  const: () => 'The member has not the one value allowed.',
  pattern: () => 'The member does not have the form required.',
  minLength: ({ limit }) => `The member is shorter than ${String(limit)} characters.`,
  maxLength: ({ limit }) => `The member is longer than ${String(limit)} characters.`,
  minimum: ({ limit }) => `The number is below ${String(limit)}.`,
  maximum: ({ limit }) => `The number is above ${String(limit)}.`,
  minItems: ({ limit }) => `The list has fewer than ${String(limit)} entries.`,
  maxItems: ({ limit }) => `The list has more than ${String(limit)} entries.`,
  minProperties: () => 'The object needs at least one member.',
  maxProperties: () => 'The object has more members than allowed.',
  uniqueItems: () => 'The list says the same twice.',
  not: () => 'The member contradicts another one.',
  'false schema': () => 'The member does not belong here.',
};

/** Turns an error of the validator into a pointer and two sentences. */
export function describe(error: ErrorObject): Told {
  const { keyword, params, instancePath } = error;
  if (keyword === 'required') {
    const pointer = `${instancePath}/${token(String(params.missingProperty))}`;
    return { pointer, message: 'The member is missing.', next: missing(error) };
  }
  if (keyword === 'additionalProperties') return unknownMember(instancePath, String(params.additionalProperty));
  if (keyword === 'uniqueItems') return { ...told(error), pointer: `${instancePath}/${Math.max(params.i, params.j)}` };
  return told(error);
}

function missing({ params, parentSchema }: ErrorObject): string {
  const meaning: unknown = parentSchema?.properties?.[String(params.missingProperty)]?.description;
  return `Add the member named by the pointer${typeof meaning === 'string' ? `: ${meaning}` : '.'}`;
}

function told({ keyword, params, instancePath, parentSchema }: ErrorObject): Told {
  const message = sentences[keyword]?.(params) ?? 'The member is not as the schema asks.';
  return { pointer: instancePath, message, next: expectation(keyword, params, parentSchema) };
}

function expectation(keyword: string, params: Params, schema: object | undefined): string | undefined {
  if (keyword === 'enum' && Array.isArray(params.allowedValues))
    return `Use one of: ${params.allowedValues.join(', ')}.`;
  if (keyword === 'false schema') return 'Leave the member out.';
  const meaning = schema !== undefined && 'description' in schema ? schema.description : undefined;
  return typeof meaning === 'string' ? `Expected: ${meaning}` : undefined;
}

function unknownMember(parent: string, name: string): Told {
  const message = 'The member is not part of the contract.';
  const next = 'Leave the member out: the contract is closed and carries no free text.';
  return { pointer: isShownName(name) ? `${parent}/${token(name)}` : parent, message, next };
}

function token(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
