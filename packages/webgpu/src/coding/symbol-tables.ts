/** Frequency tables as rows of words for the kernels. */

import type { IndexAlphabet, TableDescription } from '@featherwire/codec';
import { indicesPerSymbol, symbolAlphabet, tableOfDescription } from '@featherwire/codec/parts';
import { TABLE_ENTRIES } from '../shaders/records.js';

/** What symbols are: indices, or several of them at once (bitstream.md §5.1). */
export type SymbolKind = 'rans' | 'rans-packed';

/** A start beyond all slots: no slot belongs to the entry. */
const NO_START = 0xffff;

/** Tables as the kernels read them. */
export interface SymbolTables {
  /** A row of 256 for each table: the start of each symbol in the low half, its frequency in the high one. */
  readonly words: Uint32Array<ArrayBuffer>;
  readonly precisionBits: readonly number[];
}

/** Rows of tables of one alphabet. */
export function symbolTables(
  tables: readonly { readonly kind: SymbolKind; readonly table: TableDescription }[],
  alphabet: IndexAlphabet,
): SymbolTables {
  const words = new Uint32Array(tables.length * TABLE_ENTRIES).fill(NO_START);
  const precisionBits = tables.map(({ kind, table: description }, row) => {
    const table = tableOfDescription(symbolAlphabet(kind, alphabet), description);
    table.frequencies.forEach((frequency, symbol) => {
      words[row * TABLE_ENTRIES + symbol] = frequency * 2 ** 16 + table.starts[symbol];
    });
    return table.precisionBits;
  });
  return { words, precisionBits };
}

/** Indices of a symbol. */
export function indicesOfSymbol(kind: SymbolKind, { levelCount }: IndexAlphabet): number {
  return kind === 'rans' ? 1 : indicesPerSymbol(levelCount);
}
