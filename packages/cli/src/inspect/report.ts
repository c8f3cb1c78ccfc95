/** The form of what `inspect` tells: named values, tables, and the same as a record for JSON. */

import type { Column } from '../terminal/table.js';

/** A report about a file or bundle. */
export interface InspectReport {
  readonly title: string;
  readonly pairs: readonly (readonly [name: string, value: string | undefined])[];
  readonly tables: readonly {
    readonly columns: readonly Column[];
    readonly rows: readonly (readonly string[])[];
  }[];
  /** Printed with `--json`. */
  readonly record: object;
}

/** A column of numbers. */
export function numberColumn(header: string): Column {
  return { header, align: 'right' };
}
