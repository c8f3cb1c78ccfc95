/** Tables of text with aligned columns. */

import type { Styles } from './terminal.js';

/** One column. */
export interface Column {
  readonly header: string;
  /** Numbers stand to the right; default `'left'`. */
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/**
 * Lines of a table: a header, then one line for each row; no line ends in spaces.
 * @param rows - one text per column each
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  styles: Styles,
): string[] {
  const widths = columns.map(({ header }, i) =>
    rows.reduce((widest, row) => Math.max(widest, widthOf(row[i])), widthOf(header)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => pad(cell, widths[i], columns[i].align))
      .join(GAP)
      .trimEnd();
  return [styles.bold(line(columns.map(({ header }) => header))), ...rows.map(line)];
}

/** Lines of `name  value` pairs with the values in one column; pairs without a value are left out. */
export function formatPairs(
  pairs: readonly (readonly [name: string, value: string | undefined])[],
  styles: Styles,
): string[] {
  const given = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined);
  const width = Math.max(0, ...given.map(([name]) => widthOf(name)));
  return given.map(([name, value]) => `${styles.dim(pad(name, width))}${GAP}${value}`);
}

function pad(text: string, width: number, align: Column['align'] = 'left'): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? spaces + text : text + spaces;
}

/** Columns on the screen, at one per code point. */
function widthOf(text: string): number {
  return Array.from(text).length;
}
