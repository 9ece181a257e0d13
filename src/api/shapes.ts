import { published, type Schema } from './published.ts';

// How the members of bodies are written down; each says what it is.

export function format(name: string, description: string): Schema {
  return { ...published(`formats.schema.json#/$defs/${name}`), description };
}

export const text = (description: string): Schema => ({ type: 'string', description });
export const flag = (description: string): Schema => ({ type: 'boolean', description });
export const count = (description: string): Schema => ({ type: 'integer', minimum: 0, description });
export const list = (items: Schema, description: string): Schema => ({ type: 'array', items, description });
export const oneOf = (codes: readonly string[], description: string): Schema => ({
  type: 'string',
  enum: codes,
  description,
});
export const instant = (description: string): Schema => format('instant', description);
export const issuer = (description: string): Schema => format('issuer', description);
export const uuid = (description: string): Schema => format('uuid', description);

/** An object that has these members and no others: what is not named never leaves. */
export function closed(
  description: string,
  required: readonly string[],
  properties: Readonly<Record<string, Schema>>,
): Schema {
  return { type: 'object', description, additionalProperties: false, required, properties };
}
