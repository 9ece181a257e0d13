import type { Node, Program } from 'oxc-parser';
import { nameOf, walk } from './source.ts';

/** A name that a file declares, and the kind of thing it names. */
export interface Binding {
  readonly name: string;
  readonly at: number;
  readonly kind: 'function' | 'value' | 'type' | 'import';
}

/** Every name that the file declares: variables, parameters, functions, methods, classes, types and imports. */
export function bindingsOf(program: Program): Binding[] {
  const found: Binding[] = [];
  walk(program, (node) => found.push(...declaredBy(node)));
  return found;
}

function declaredBy(node: Node): Binding[] {
  switch (node.type) {
    case 'VariableDeclarator':
      return names(node.id, isFunction(node.init) ? 'function' : 'value');
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'TSDeclareFunction':
    case 'ArrowFunctionExpression':
      return [...names(node.id, 'function'), ...node.params.flatMap((parameter) => names(parameter, 'value'))];
    case 'MethodDefinition':
    case 'TSMethodSignature':
      return node.computed ? [] : names(node.key, 'function');
    case 'Property':
    case 'PropertyDefinition':
      return !node.computed && isFunction(node.value) ? names(node.key, 'function') : [];
    case 'ClassDeclaration':
    case 'ClassExpression':
    case 'TSTypeAliasDeclaration':
    case 'TSInterfaceDeclaration':
      return names(node.id, 'type');
    case 'CatchClause':
      return names(node.param, 'value');
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
      return names(node.local, 'import');
    default:
      return [];
  }
}

function isFunction(node: Node | null | undefined): boolean {
  return node?.type === 'ArrowFunctionExpression' || node?.type === 'FunctionExpression';
}

/** The names that a pattern binds. */
function names(pattern: Node | null | undefined, kind: Binding['kind']): Binding[] {
  switch (pattern?.type) {
    case 'Identifier':
    case 'PrivateIdentifier':
      return [{ name: nameOf(pattern), at: pattern.start, kind }];
    case 'ObjectPattern':
      return pattern.properties.flatMap((part) => names(part.type === 'Property' ? part.value : part, kind));
    case 'ArrayPattern':
      return pattern.elements.flatMap((part) => names(part, kind));
    case 'AssignmentPattern':
      return names(pattern.left, kind);
    case 'RestElement':
      return names(pattern.argument, kind);
    case 'TSParameterProperty':
      return names(pattern.parameter, kind);
    default:
      return [];
  }
}

/** A use of a name that the file does not declare: a global. */
export interface GlobalUse {
  readonly name: string;
  readonly node: Node;
  readonly parent: Node | undefined;
}

/** Every use of a global value. A name that the file declares anywhere counts as its own everywhere in it. */
export function globalsOf(program: Program): GlobalUse[] {
  const declared = new Set(bindingsOf(program).map(({ name }) => name));
  const found: GlobalUse[] = [];
  walk(program, (node, parent) => {
    if (node.type !== 'Identifier' || declared.has(node.name) || !isValueUse(node, parent)) return;
    found.push({ name: node.name, node, parent });
  });
  return found;
}

function isValueUse(node: Node, parent: Node | undefined): boolean {
  switch (parent?.type) {
    case 'MemberExpression':
      return parent.object === node || parent.computed;
    case 'Property':
      return parent.value === node || parent.computed;
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return parent.computed || (parent.type === 'PropertyDefinition' && parent.value === node);
    case 'ExportSpecifier':
    case 'ImportSpecifier':
    case 'MetaProperty':
    case 'LabeledStatement':
      return false;
    default:
      return (
        !parent?.type.startsWith('TS') ||
        parent.type === 'TSAsExpression' ||
        parent.type === 'TSNonNullExpression' ||
        parent.type === 'TSSatisfiesExpression'
      );
  }
}
