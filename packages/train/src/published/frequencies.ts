/** Frequency tables of published units: how often each symbol was seen, and what coding by that takes. */

import { type PickleOptions, readPickle, refused } from './pickle.js';

/** Alphabets beyond are not of this form. */
const MAX_SYMBOL = 255;

/** Tables are dictionaries, or Python's counters of the same content. */
const OPTIONS: PickleOptions = {
  globals: new Map([
    ['collections.Counter', (content: unknown) => (content instanceof Map ? content : new Map())],
  ]),
};

/**
 * Reads a pickled table from symbols to counts.
 * @returns counts by symbol, from 0
 * @throws {TrainError} `bad-weights` if a symbol is no integer from 0 to 255, or a count is none
 */
export function readFrequencies(bytes: Uint8Array): number[] {
  const content = readPickle(bytes, OPTIONS);
  if (!(content instanceof Map) || content.size === 0)
    throw refused('frequency table expected a dictionary with symbols, got something else');
  const counts: number[] = [];
  for (const [symbol, count] of content) {
    if (typeof symbol !== 'number' || !Number.isInteger(symbol) || symbol < 0 || symbol > MAX_SYMBOL)
      throw refused(`frequency table expected symbols from 0 to ${MAX_SYMBOL}, got ${String(symbol)}`);
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0)
      throw refused(`frequency table expected counts, got ${String(count)} of symbol ${symbol}`);
    counts[symbol] = count;
  }
  const complete = Array.from(counts, (count) => count ?? 0);
  if (complete.every((count) => count === 0))
    throw refused('frequency table expected counts, got none above 0');
  return complete;
}

/** Bits of a symbol at least, on average: the entropy of the table. */
export function entropyBits(counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce(
    (sum, count) => (count > 0 ? sum - (count / total) * Math.log2(count / total) : sum),
    0,
  );
}

/**
 * Bits of a symbol on average under the best prefix code (Huffman, 1952): the sum of all merged shares. A single symbol
 * takes a bit.
 */
export function huffmanBits(counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const weights = counts.filter((count) => count > 0);
  if (weights.length === 1) return 1;
  let merged = 0;
  while (weights.length > 1) {
    weights.sort((a, b) => b - a);
    const sum = weights.pop()! + weights.pop()!;
    merged += sum;
    weights.push(sum);
  }
  return merged / total;
}
