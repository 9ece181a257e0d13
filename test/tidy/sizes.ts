import type { Node } from 'oxc-parser';
import { type Breach, breach, rootOf, type SourceFile, walk } from './source.ts';

const FILE_LINES = 400;
const FUNCTION_LINES = 70;

/** Generated files are as long as what they are generated from. */
const generated = (path: string): boolean => path.endsWith('.types.ts') || path === 'src/domain/codes.ts';

export function sizeBreaches(files: readonly SourceFile[]): Breach[] {
  return files
    .filter(({ path }) => !generated(path))
    .flatMap((file) => {
      const lines = file.text.trimEnd().split('\n').length;
      const tooLong = lines > FILE_LINES ? [breach(file, 0, `${lines} lines, at most ${FILE_LINES}`)] : [];
      return [...tooLong, ...longFunctions(file)];
    });
}

function longFunctions(file: SourceFile): Breach[] {
  const found: Breach[] = [];
  walk(file.program, (node, parent) => {
    if (!isFunction(node) || isHeading(parent)) return;
    const lines = file.text.slice(node.start, node.end).split('\n').length;
    if (lines > FUNCTION_LINES) found.push(breach(file, node.start, `${lines} lines, at most ${FUNCTION_LINES}`));
  });
  return found;
}

function isFunction(node: Node): boolean {
  return ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'].includes(node.type);
}

/** The callback of `describe` is a heading over tests, not a function that somebody has to follow. */
function isHeading(parent: Node | undefined): boolean {
  return parent?.type === 'CallExpression' && rootOf(parent.callee) === 'describe';
}
