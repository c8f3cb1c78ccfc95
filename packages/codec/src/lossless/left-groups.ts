/**
 * Symbols of a plane parted by the symbol before them (bitstream.md §17.4): what follows a large exponent has other odds
 * than what follows a zero, so each group of preceding symbols has an array, and a table, of its own.
 */

/** Most symbols that are parted so. */
export const MAX_GROUPED_ALPHABET = 64;

/** Counts of pairs: `counts[before * alphabetSize + symbol]`; before the first symbol stands 0. Encoding only. */
export function countPairs(symbols: Uint8Array, alphabetSize: number): Uint32Array {
  const counts = new Uint32Array(alphabetSize * alphabetSize);
  let before = 0;
  for (let i = 0; i < symbols.length; i++) {
    counts[before * alphabetSize + symbols[i]]++;
    before = symbols[i];
  }
  return counts;
}

/** The symbols of each group in order. Encoding only. @param lengths - symbols of each group */
export function splitByLeft(
  symbols: Uint8Array,
  groupOfSymbol: Uint8Array,
  lengths: readonly number[],
): Uint8Array[] {
  const parted = new Uint8Array(symbols.length);
  const starts = startsOf(lengths);
  const next = Uint32Array.from(starts);
  let group = groupOfSymbol[0];
  for (let i = 0; i < symbols.length; i++) {
    parted[next[group]++] = symbols[i];
    group = groupOfSymbol[symbols[i]];
  }
  return lengths.map((length, g) => parted.subarray(starts[g], starts[g] + length));
}

/**
 * Inverse of `splitByLeft`.
 * @param parted - the symbols of all groups, one after the other
 * @param lengths - symbols of each group; they sum to all
 * @returns the symbols, or the reason for which there are none
 */
export function joinByLeft(
  parted: Uint8Array,
  groupOfSymbol: Uint8Array,
  lengths: readonly number[],
): Uint8Array | string {
  const symbols = new Uint8Array(parted.length);
  const starts = startsOf(lengths);
  const next = Uint32Array.from(starts);
  let group = groupOfSymbol[0];
  for (let i = 0; i < symbols.length; i++) {
    symbols[i] = parted[next[group]++]; // beyond a group or all of them, found below
    group = groupOfSymbol[symbols[i]];
  }
  const wrong = lengths.findIndex((length, g) => next[g] !== starts[g] + length);
  return wrong < 0
    ? symbols
    : `group ${wrong} holds ${lengths[wrong]} symbols, not those that follow its own`;
}

function startsOf(lengths: readonly number[]): number[] {
  let sum = 0;
  return lengths.map((length) => {
    sum += length;
    return sum - length;
  });
}
