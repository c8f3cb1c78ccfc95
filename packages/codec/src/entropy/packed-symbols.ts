/**
 * Several consecutive indices as one symbol (bitstream.md §5.1), so that small alphabets take fewer symbols, which
 * know of neighbors too: 8 indices of 2 levels, 4 of 3 or 4, 2 of up to 16. The last symbol is filled up with the
 * background.
 */

import type { IndexAlphabet, SymbolAlphabet } from '../stages.js';

/** Most levels: two indices of them are a symbol of a byte. */
export const MAX_PACKED_LEVELS = 16;

/** Indices of a symbol. @param levelCount - 2 to 16 */
export function indicesPerSymbol(levelCount: number): number {
  if (levelCount === 2) return 8;
  return levelCount <= 4 ? 4 : 2;
}

/** Symbols that `count` indices take. */
export function packedSymbolCount(count: number, levelCount: number): number {
  return Math.ceil(count / indicesPerSymbol(levelCount));
}

/** The symbols; the peak stands for the background alone. @param alphabet - of up to 16 levels */
export function packedAlphabet({ levelCount, background }: IndexAlphabet): SymbolAlphabet {
  const size = levelCount ** indicesPerSymbol(levelCount);
  return { size, peak: (background * (size - 1)) / (levelCount - 1) };
}

/** Packs indices; the first of a symbol is its lowest digit to the base `levelCount`. */
export function packSymbols(indices: Uint8Array, { levelCount, background }: IndexAlphabet): Uint8Array {
  const perSymbol = indicesPerSymbol(levelCount);
  const symbols = new Uint8Array(packedSymbolCount(indices.length, levelCount));
  for (let symbol = 0; symbol < symbols.length; symbol++) {
    let value = 0;
    for (let i = (symbol + 1) * perSymbol - 1; i >= symbol * perSymbol; i--) {
      value = value * levelCount + (i < indices.length ? indices[i] : background);
    }
    symbols[symbol] = value;
  }
  return symbols;
}

/**
 * Inverse of `packSymbols`.
 * @param symbols - each below the size of the packed alphabet
 * @returns `count` indices, or the reason for which the symbols are not such
 */
export function unpackSymbols(
  symbols: Uint8Array,
  count: number,
  { levelCount, background }: IndexAlphabet,
): Uint8Array | string {
  const perSymbol = indicesPerSymbol(levelCount);
  const indices = new Uint8Array(count);
  for (let symbol = 0; symbol < symbols.length; symbol++) {
    let rest = symbols[symbol];
    for (let i = symbol * perSymbol; i < (symbol + 1) * perSymbol; i++) {
      const index = rest % levelCount;
      rest = (rest - index) / levelCount;
      if (i < count) indices[i] = index;
      else if (index !== background) return PADDING_REASON;
    }
  }
  return indices;
}

/** Why a last symbol is refused. */
export const PADDING_REASON = 'padding of the last packed symbol is not the background';
