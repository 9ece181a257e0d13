import { type Comment, type Node, type Program, parseSync, visitorKeys } from 'oxc-parser';

/** A file of the repository as text; `path` is relative to its root, with forward slashes. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** One import, re-export, dynamic import or `import('…')` type; types count like values. */
export interface Import {
  /** As written; undefined where it is computed. */
  readonly specifier: string | undefined;
  readonly at: number;
  /** Nothing of it is left at run time. */
  readonly typeOnly: boolean;
  /** Imported names; empty for a namespace, a side effect or a dynamic import. */
  readonly names: readonly string[];
}

export interface SourceFile extends TextFile {
  readonly program: Program;
  readonly comments: readonly Comment[];
  readonly imports: readonly Import[];
}

/** One place that breaks a rule. */
export interface Breach {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly says: string;
}

/** A rule is a pure function of files, so that the same function judges the tree and an invented violation. */
export type Rule<File extends TextFile = SourceFile> = (files: readonly File[]) => Breach[];

/** Throws where the text is not TypeScript: then no rule could be trusted about it. */
export function parse({ path, text }: TextFile): SourceFile {
  const { program, comments, errors } = parseSync(path, text, { lang: 'ts', sourceType: 'module' });
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  return { path, text, program, comments, imports: importsOf(program) };
}

export function breach(file: TextFile, at: number, says: string): Breach {
  return { path: file.path, line: file.text.slice(0, at).split('\n').length, says };
}

/** Visits every node below `node`, parents first. */
export function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  visit(node, parent);
  const members = node as unknown as Readonly<Record<string, Node | readonly (Node | null)[] | null | undefined>>;
  for (const key of visitorKeys[node.type] ?? []) {
    const below = members[key];
    for (const child of Array.isArray(below) ? below : [below]) {
      if (child) walk(child, visit, node);
    }
  }
}

function importsOf(program: Program): Import[] {
  const found: Import[] = [];
  walk(program, (node) => {
    const one = importOf(node);
    if (one) found.push({ ...one, at: node.start });
  });
  return found;
}

function importOf(node: Node): Omit<Import, 'at'> | undefined {
  switch (node.type) {
    case 'ImportDeclaration': {
      const names = node.specifiers.flatMap((s) => (s.type === 'ImportSpecifier' ? [nameOf(s.imported)] : []));
      const inlineTypes = node.specifiers.every((s) => s.type === 'ImportSpecifier' && s.importKind === 'type');
      const typeOnly = node.importKind === 'type' || (node.specifiers.length > 0 && inlineTypes);
      return { specifier: node.source.value, typeOnly, names };
    }
    case 'ExportNamedDeclaration':
      if (!node.source) return undefined;
      return { specifier: node.source.value, typeOnly: node.exportKind === 'type', names: [] };
    case 'ExportAllDeclaration':
      return { specifier: node.source.value, typeOnly: node.exportKind === 'type', names: [] };
    case 'ImportExpression':
      return { specifier: literal(node.source), typeOnly: false, names: [] };
    case 'TSImportType':
      return { specifier: literal(node.source), typeOnly: true, names: [] };
    default:
      return undefined;
  }
}

function literal(node: Node): string | undefined {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}

/** The name of an identifier, or the text of a string used in its place. */
export function nameOf(node: Node): string {
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') return node.name;
  return literal(node) ?? '';
}

/** `a` of `a.b.c(…).d`: what a chain of members and calls starts from. */
export function rootOf(node: Node): string {
  if (node.type === 'MemberExpression') return rootOf(node.object);
  if (node.type === 'CallExpression') return rootOf(node.callee);
  if (node.type === 'TaggedTemplateExpression') return rootOf(node.tag);
  return nameOf(node);
}
