import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, type JSONSchema } from 'json-schema-to-typescript';

/** Writes the types and code lists that are generated from schemas/; with --check it writes nothing and exits 1 on drift. */

interface CodeList {
  readonly list: string;
  readonly codes: readonly { readonly code: string }[];
}
type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

const root = new URL('../../', import.meta.url);
const schemas = new URL('schemas/', root);

/** What no type is made of: token claims and signed requests are read by hand in domain, the others only repeat a form under another name. */
const typeless = new Set([
  ...['formats', 'set', 'submitted', 'policy-draft'],
  ...['poll-request', 'poll-answer', 'replay-request', 'replay-answer', 'replay-refusal'],
]);
/** Keywords that make a type. The rest says more than a type can, and the compiler would mistake it for further types. */
const ofTypes = new Set(['title', 'type', 'enum', 'const', 'items', 'required', 'additionalProperties']);
const heading = '// Generated from schemas/ by `npm run contract`. Change the schemas, not this file.\n';

/** The generated files: path from the root of the checkout, and what must stand in it. */
export async function generate(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['src/domain/contract.types.ts', await types()],
    ['src/domain/codes.ts', await codeLists()],
  ]);
}

/** Paths of generated files that do not say what the schemas say. */
export async function drift(): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [path, wanted] of await generate()) {
    const found = await readFile(new URL(path, root), 'utf8').catch(() => '');
    if (found !== wanted) stale.push(path);
  }
  return stale;
}

async function types(): Promise<string> {
  const files = new Map<string, Json>();
  for (const name of (await namesIn(schemas, '.schema.json')).sort()) {
    files.set(name, (await readJson(new URL(`${name}.schema.json`, schemas))) as Json);
  }
  const wanted = [...files.keys()].filter((name) => !typeless.has(name));
  const $defs = Object.fromEntries(
    wanted.concat('formats').map((name) => [name, reduce(files.get(name), name, files)]),
  );
  const properties = Object.fromEntries(wanted.map((name) => [name, { $ref: `#/$defs/${name}` }]));
  const bundle = { title: 'Contract', type: 'object', additionalProperties: false, properties, $defs } as JSONSchema;
  const source = await compile(bundle, 'Contract', {
    additionalProperties: false,
    bannerComment: '',
    style: { singleQuote: true, printWidth: 120 },
  });
  return `${heading}\n${source.replace(/export interface Contract \{\n[^}]*\}\n/, '').trim()}\n`;
}

/** What a schema says about types, with references into the bundle. */
function reduce(schema: Json | undefined, file: string, files: ReadonlyMap<string, Json>): Json {
  if (!isObject(schema)) return schema ?? {};
  if (typeof schema.$ref === 'string') return resolve(schema.$ref, file, files);
  const kept: Record<string, Json> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (ofTypes.has(keyword)) kept[keyword] = keyword === 'items' ? reduce(value, file, files) : value;
    if ((keyword === 'properties' || keyword === '$defs') && isObject(value)) {
      kept[keyword] = Object.fromEntries(
        Object.entries(value).map(([name, part]) => [name, reduce(part, file, files)]),
      );
    }
  }
  return kept;
}

/** A reference to a member is replaced by the member: the compiler would give each a type of its own. */
function resolve(reference: string, from: string, files: ReadonlyMap<string, Json>): Json {
  const [target = '', path = ''] = reference.split('#');
  const file = target === '' ? from : basename(target, '.schema.json');
  const member = /^\/properties\/(.+)$/.exec(path)?.[1];
  if (member === undefined) return { $ref: `#/$defs/${file}${path}` };
  const schema = files.get(file);
  const members = isObject(schema) ? schema.properties : undefined;
  return reduce(isObject(members) ? members[member] : undefined, file, files);
}

function isObject(value: Json | undefined): value is { readonly [member: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function codeLists(): Promise<string> {
  const lists: CodeList[] = [];
  for (const name of (await namesIn(new URL('codes/', schemas), '.json')).sort()) {
    lists.push((await readJson(new URL(`codes/${name}.json`, schemas))) as CodeList);
  }
  const entries = lists.map(
    ({ list, codes }) => `  ${camelCase(list)}: ${wrapped(codes.map(({ code }) => `'${code}'`))},\n`,
  );
  return `// biome-ignore-all format: long lists are packed\n${heading}
/** The codes of every list of schemas/codes; \`unknown\` stands in each where it is legal. */
export const codes = {\n${entries.join('')}} as const;
`;
}

function wrapped(quoted: readonly string[]): string {
  const lines = [''];
  for (const code of quoted) {
    const line = lines.at(-1) ?? '';
    if (line.length + code.length > 110) lines.push(`${code}, `);
    else lines[lines.length - 1] = `${line}${code}, `;
  }
  const [only = ''] = lines;
  if (lines.length === 1) return `[${only.replace(/, $/, '')}]`;
  return `[\n${lines.map((line) => `    ${line.trimEnd()}\n`).join('')}  ]`;
}

function camelCase(list: string): string {
  return list.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

async function namesIn(folder: URL, ending: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(ending)).map((name) => basename(name, ending));
}

async function readJson(file: URL): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

async function main(checkOnly: boolean): Promise<void> {
  if (!checkOnly) {
    for (const [path, text] of await generate()) await writeFile(new URL(path, root), text);
    return;
  }
  for (const path of await drift()) {
    process.stderr.write(`${path} is not what schemas/ says; run: npm run contract\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--check'));
