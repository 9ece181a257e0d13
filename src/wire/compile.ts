import { Ajv2020 } from 'ajv/dist/2020.js';
import { type Refusal, type RefusalCode, refuse } from '../domain/refusal.ts';
import { describe } from './schema-message.ts';

/**
 * Compiles a self-contained schema (JSON Schema 2020-12) that belongs to a face and is not published as a document. The
 * check answers with one refusal `code` for each member that is wrong, unknown or missing, and never repeats a value.
 * With `coerce` text becomes the number that it spells, in place: for query strings only, where everything is text.
 */
export function compileStrict(
  schema: Readonly<Record<string, unknown>>,
  { code, coerce = false }: { readonly code: RefusalCode; readonly coerce?: boolean },
): (value: unknown) => Refusal[] {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true, verbose: true, coerceTypes: coerce });
  const valid = ajv.compile(schema);
  return (value) => {
    if (valid(value)) return [];
    const refusals = new Map<string, Refusal>();
    for (const error of valid.errors ?? []) {
      const { pointer, message, next } = describe(error);
      if (!refusals.has(pointer)) refusals.set(pointer, refuse(code, pointer, message, next));
    }
    return [...refusals.values()].slice(0, 20);
  };
}
