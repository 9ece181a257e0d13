import { type Binding, bindingsOf } from './bindings.ts';
import { partOf } from './ranks.ts';
import { type Breach, breach, type SourceFile, type TextFile } from './source.ts';

const kinds = ['util', 'helper', 'service', 'manager', 'model', 'type', 'interface', 'lib', 'misc', 'constant', 'core'];
const kindNames = new Set([...kinds.flatMap((kind) => [kind, `${kind}s`]), 'utilities', 'common', 'shared']);

/** A folder or file is named for its subject, never for the kind of thing that it holds. */
export function pathBreaches(files: readonly TextFile[]): Breach[] {
  return files.flatMap((file) =>
    file.path
      .split('/')
      .map((segment) => segment.replace(/(\.test)?\.[a-z]+$/, ''))
      .filter((segment) => kindNames.has(segment.toLowerCase()))
      .map((segment) => breach(file, 0, `"${segment}" names a kind, not a subject`)),
  );
}

/** A file that only passes on what others export hides where things are. */
export function barrelBreaches(files: readonly SourceFile[]): Breach[] {
  return files.flatMap((file) => {
    const passedOn = file.program.body.filter(
      (statement) =>
        statement.type === 'ExportAllDeclaration' ||
        (statement.type === 'ExportNamedDeclaration' && statement.source !== null),
    );
    const barrel = passedOn.some(({ type }) => type === 'ExportAllDeclaration') || onlyPasses(file, passedOn.length);
    return barrel || /(^|\/)index\.ts$/.test(file.path) ? [breach(file, passedOn[0]?.start ?? 0, 'no barrels')] : [];
  });
}

function onlyPasses({ program }: SourceFile, passedOn: number): boolean {
  return passedOn > 0 && passedOn === program.body.length;
}

const hollow = new Set(['data', 'info', 'item', 'obj']);

/** Words that say nothing, or say it of everything: only what `src` itself declares, imports keep their names. */
export function wordBreaches(files: readonly SourceFile[]): Breach[] {
  return files
    .filter(({ path }) => partOf(path) !== undefined)
    .flatMap((file) =>
      bindingsOf(file.program)
        .filter(({ kind }) => kind !== 'import')
        .flatMap((binding) => {
          const says = wrongWord(binding);
          return says ? [breach(file, binding.at, says)] : [];
        }),
    );
}

function wrongWord({ name, kind }: Binding): string | undefined {
  const words = name.split(/(?=[A-Z])|_/).map((word) => word.toLowerCase());
  if (words.some((word) => /^(manag(e[rsd]?|ers|ing|ement))$/.test(word))) return `${name}: manage what, how?`;
  if (words.some((word) => word === 'processor' || word === 'processing')) return `${name}: say what is done`;
  if (kind === 'function' && words[0] === 'process') return `${name}: say what is done`;
  if (kind === 'function' && isHandleVerb(words)) return `${name}: a handle is a noun here`;
  // A method may be called so by what others wrote: `info` is a level of every logger.
  if (kind !== 'function' && hollow.has(name.toLowerCase())) return `${name}: say what it holds`;
  return undefined;
}

const handled = /^(requests?|responses?|events?|messages?|errors?|failures?|commands?|signals?|push|poll|one|all|it)$/;

/** `handle` is also the domain's noun, so only what reads as the verb counts: alone, or before what one "handles". */
function isHandleVerb([first, second]: readonly string[]): boolean {
  return first === 'handle' && (second === undefined || handled.test(second));
}
