import { columnsOf, cut, pad, printable } from './printable.ts';

/** How a cell is coloured; colour only repeats what the words say. */
export type Tone = 'plain' | 'strong' | 'quiet' | 'good' | 'bad' | 'waiting';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly tone?: (row: Row) => Tone;
  /** May be cut where the terminal is too narrow; identifiers never are, since they are copied. */
  readonly shrinks?: boolean;
}

export interface TableLayout {
  /** Columns of the terminal; undefined where nothing is cut, as in a pipe. */
  readonly width: number | undefined;
  readonly paint: (tone: Tone, text: string) => string;
}

const GAP = 2;
/** A column that shrinks keeps at least this many columns. */
const NARROWEST = 8;

/** A table as lines: a heading and one line a row. Every cell is made printable here. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, paint }: TableLayout,
): string[] {
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row))));
  const natural = columns.map((column, at) => widest(column.title, cells, at));
  const widths = width === undefined ? natural : narrow(columns, natural, width);
  const line = (texts: readonly string[], tone: (at: number) => Tone) =>
    texts
      .map((text, at) => ({ text, at, width: widths[at] ?? 0 }))
      .map((cell) => ({ ...cell, text: cut(cell.text, cell.width) }))
      .map(({ text, at, width: room }) => paint(tone(at), at === texts.length - 1 ? text : pad(text, room)))
      .join(' '.repeat(GAP))
      .trimEnd();
  const heading = line(
    columns.map(({ title }) => title),
    () => 'quiet',
  );
  return [heading, ...rows.map((row, index) => line(cells[index] ?? [], (at) => columns[at]?.tone?.(row) ?? 'plain'))];
}

function widest(title: string, cells: readonly (readonly string[])[], at: number): number {
  return cells.reduce((most, row) => Math.max(most, columnsOf(row[at] ?? '')), columnsOf(title));
}

/** Takes what is too much from the columns that shrink, the widest first. */
function narrow<Row>(columns: readonly Column<Row>[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, one) => sum + one, GAP * (widths.length - 1)) - width;
  const order = [...widths.keys()]
    .filter((at) => columns[at]?.shrinks)
    .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
  for (const at of order) {
    const now = widths[at] ?? 0;
    const taken = Math.max(0, Math.min(excess, now - NARROWEST));
    widths[at] = now - taken;
    excess -= taken;
  }
  return widths;
}
