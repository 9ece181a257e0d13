import { type Node, parseSync } from 'oxc-parser';

/** One small change to a source file that a test should notice. */
export interface Mutant {
  readonly kind: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

type Edit = Pick<Mutant, 'kind' | 'start' | 'end' | 'replacement'>;

const operators: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
};
/** Methods that are put for one another, and those that are left out of their chain. */
const exchanged: Readonly<Record<string, string>> = {
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  startsWith: 'endsWith',
};
const leftOut = new Set(['filter', 'sort', 'slice', 'reverse']);

/** Every mutant of a TypeScript source: types, imports and names of members stay as they are. */
export function mutantsOf(path: string, source: string): Mutant[] {
  const { program, errors } = parseSync(path, source);
  if (errors.length > 0) throw new Error(`${path} does not parse`);
  const found: Mutant[] = [];
  visit(program, undefined, (node, parent) => {
    for (const edit of editsOf(node, parent, source)) {
      found.push({ ...edit, line: source.slice(0, edit.start).split('\n').length });
    }
  });
  return found;
}

/** The source with one mutant in it. */
export function mutate(source: string, { start, end, replacement }: Mutant): string {
  return source.slice(0, start) + replacement + source.slice(end);
}

type Visitor = (node: Node, parent: Node | undefined) => void;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

function visit(node: Node, parent: Node | undefined, see: Visitor): void {
  if (node.type === 'ImportDeclaration' || isType(node)) return;
  see(node, parent);
  for (const [name, value] of Object.entries(node)) {
    if (name === 'key' && !(node as { computed?: boolean }).computed) continue;
    if (name === 'typeAnnotation' || name === 'typeArguments' || name === 'returnType') continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, node, see);
  }
}

function isType({ type }: Node): boolean {
  return type.startsWith('TS') && !['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression'].includes(type);
}

function editsOf(node: Node, parent: Node | undefined, source: string): Edit[] {
  const text = (part: { start: number; end: number }) => source.slice(part.start, part.end);
  const whole = (kind: string, replacement: string): Edit => ({ kind, start: node.start, end: node.end, replacement });
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
      return (operators[node.operator] ?? []).map((operator) =>
        whole('operator', `(${text(node.left)} ${operator} ${text(node.right)})`),
      );
    case 'UnaryExpression':
      return node.operator === '!' ? [whole('negation', `(${text(node.argument)})`)] : [];
    case 'IfStatement':
    case 'ConditionalExpression':
      return ['true', 'false'].map((value) => ({ kind: 'condition', ...span(node.test), replacement: value }));
    case 'Literal':
      return literal(node.value).map((value) => whole('literal', value));
    case 'TemplateLiteral':
      return [whole('literal', "''")];
    case 'ArrayExpression':
      return node.elements.length > 0 ? [whole('list', '[]')] : [];
    case 'ObjectExpression':
      return node.properties.length > 0 ? [whole('object', '({})')] : [];
    case 'BlockStatement':
      return node.body.length > 0 && parent?.type !== 'CatchClause' ? [whole('block', '{}')] : [];
    case 'ArrowFunctionExpression':
      return node.body.type === 'BlockStatement'
        ? []
        : [{ kind: 'arrow', ...span(node.body), replacement: 'undefined' }];
    case 'CallExpression':
      return callEdits(node, text);
    default:
      return [];
  }
}

function span({ start, end }: Node): { start: number; end: number } {
  return { start, end };
}

function literal(value: unknown): string[] {
  if (typeof value === 'string') return [value === '' ? "'mutant'" : "''"];
  if (typeof value === 'boolean') return [String(!value)];
  return typeof value === 'number' ? [String(value + 1)] : [];
}

function callEdits(node: Node & { type: 'CallExpression' }, text: (part: Node) => string): Edit[] {
  const { callee } = node;
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return [];
  const { name } = callee.property;
  if (leftOut.has(name)) return [{ kind: 'method', ...span(node), replacement: text(callee.object) }];
  const other = exchanged[name];
  return other === undefined ? [] : [{ kind: 'method', ...span(callee.property), replacement: other }];
}
