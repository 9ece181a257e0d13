const token =
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/uy;
const space = /[ \t\n\r]*/y;

type Wanted = 'value' | 'value or end' | 'name' | 'name or end' | 'colon' | 'comma or end' | 'nothing';

/**
 * The character offset at which a text stops being JSON (RFC 8259); its length where it only ends too early. JSON.parse
 * tells the place in words that quote the text, and not always: what was refused is never repeated here.
 */
export function whereJsonBreaks(text: string): number {
  const open: ('{' | '[')[] = [];
  let wanted: Wanted = 'value';
  let at = 0;
  for (;;) {
    const start = skip(text, at);
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null) return start;
    const next = step(wanted, found, open);
    if (next === undefined) return start;
    wanted = next;
    at = token.lastIndex;
  }
}

function skip(text: string, from: number): number {
  space.lastIndex = from;
  space.exec(text);
  return space.lastIndex;
}

function step(wanted: Wanted, [, mark, string]: RegExpExecArray, open: ('{' | '[')[]): Wanted | undefined {
  const after = () => (open.length === 0 ? 'nothing' : 'comma or end');
  const wantsValue = wanted === 'value' || wanted === 'value or end';
  if (mark === '{' || mark === '[') {
    if (!wantsValue) return undefined;
    open.push(mark);
    return mark === '{' ? 'name or end' : 'value or end';
  }
  if (mark === '}' || mark === ']') {
    const opened = mark === '}' ? '{' : '[';
    const may = wanted === 'comma or end' || wanted === (mark === '}' ? 'name or end' : 'value or end');
    if (!may || open.at(-1) !== opened) return undefined;
    open.pop();
    return after();
  }
  if (mark === ':') return wanted === 'colon' ? 'value' : undefined;
  if (mark === ',') {
    if (wanted !== 'comma or end') return undefined;
    return open.at(-1) === '{' ? 'name' : 'value';
  }
  if (wanted === 'name' || wanted === 'name or end') return string === undefined ? undefined : 'colon';
  return wantsValue ? after() : undefined;
}

/** A character offset as a person finds it: line and column from 1 where there are lines, else the column alone. */
export function placeIn(text: string, at: number): string {
  const before = text.slice(0, at).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  return text.includes('\n') ? `line ${before.length}, column ${column}` : `character ${column}`;
}
