/** Tables that frames share: finding one from its description takes a fifth of the time of a whole frame. */

import { tableOfDescription } from '../../entropy/frequency-table.js';
import type { FrequencyTable, SymbolAlphabet, TableDescription } from '../../stages.js';

/** As `tableOfDescription`. @param description - not to be changed after the call */
export type TableOf = (alphabet: SymbolAlphabet, description: TableDescription) => FrequencyTable;

/** Makes a cache that holds a table as long as its description lives. */
export function createTableCache(): TableOf {
  const tables = new WeakMap<TableDescription, { alphabet: SymbolAlphabet; table: FrequencyTable }>();
  return (alphabet, description) => {
    const known = tables.get(description);
    if (known?.alphabet.size === alphabet.size && known.alphabet.peak === alphabet.peak) return known.table;
    const table = tableOfDescription(alphabet, description);
    tables.set(description, { alphabet, table });
    return table;
  };
}
