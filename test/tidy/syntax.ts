import type { Node } from 'oxc-parser';
import { globalsOf } from './bindings.ts';
import { type Breach, breach, nameOf, rootOf, type SourceFile, type TextFile, walk } from './source.ts';

/** Code is TypeScript that Node runs by leaving the types out. */
export function languageBreaches(files: readonly TextFile[]): Breach[] {
  return files
    .filter(({ path }) => /^(src|test)\/.*\.[cm]?[jt]sx?$/.test(path) && !path.endsWith('.ts'))
    .map((file) => breach(file, 0, 'code is .ts: no JSX, no plain JavaScript'));
}

/** What cannot be stripped, and what hides a type from the compiler. */
export function syntaxBreaches(files: readonly SourceFile[]): Breach[] {
  return collect(files, (node, file) => {
    switch (node.type) {
      case 'TSAnyKeyword':
        return 'no any: say what it is, or unknown';
      case 'TSEnumDeclaration':
        return 'no enum: it cannot be stripped';
      case 'TSModuleDeclaration':
        return node.kind === 'namespace' ? 'no namespace: it cannot be stripped' : undefined;
      case 'TSParameterProperty':
        return 'no parameter property: it cannot be stripped';
      case 'ExportDefaultDeclaration':
        return file.path.startsWith('src/') ? 'no default export: it has no name to search for' : undefined;
      default:
        return undefined;
    }
  });
}

const suites = new Set(['describe', 'it', 'test', 'suite', 'bench']);

/** A test that is left out, or that leaves out the others; and mocks of modules, which would test the mock. */
export function testBreaches(files: readonly SourceFile[]): Breach[] {
  return collect(files, (node) => {
    if (node.type !== 'MemberExpression') return undefined;
    const [root, member] = [rootOf(node.object), nameOf(node.property)];
    if (suites.has(root) && ['only', 'skip', 'todo', 'fails'].includes(member)) return `no ${root}.${member}`;
    if (['vi', 'vitest'].includes(root) && ['mock', 'doMock', 'hoisted'].includes(member))
      return `no ${root}.${member}`;
    return undefined;
  });
}

export function consoleBreaches(files: readonly SourceFile[]): Breach[] {
  return files.flatMap((file) =>
    globalsOf(file.program)
      .filter(({ name }) => name === 'console')
      .map(({ node }) => breach(file, node.start, 'no console')),
  );
}

function collect(files: readonly SourceFile[], judge: (node: Node, file: SourceFile) => string | undefined): Breach[] {
  const found: Breach[] = [];
  for (const file of files) {
    walk(file.program, (node) => {
      const says = judge(node, file);
      if (says) found.push(breach(file, node.start, says));
    });
  }
  return found;
}
