/**
 * Character error rate: edit distance (Levenshtein, 1966) between what was read and the truth, over the number
 * of true characters. `pooledRatio` of many lines is the micro-average.
 */

import type { Ratio } from './ratio.js';

/** Options of `characterErrors`. */
export interface CharacterErrorOptions {
  /** Leave out white space on both sides before comparing; true by default. */
  readonly ignoreSpaces?: boolean;
}

/**
 * Errors of one line and the number of characters of the truth, both in code points.
 * @returns edit distance over length of `truth`; the ratio may exceed 1
 */
export function characterErrors(truth: string, read: string, options: CharacterErrorOptions = {}): Ratio {
  const { ignoreSpaces = true } = options;
  const characters = (text: string): string[] => Array.from(ignoreSpaces ? text.replace(/\s+/gu, '') : text);
  const expected = characters(truth);
  return { numerator: editDistance(expected, characters(read)), denominator: expected.length };
}

/** Smallest number of insertions, deletions and substitutions that turn `a` into `b`. */
export function editDistance(a: readonly string[], b: readonly string[]): number {
  // row[j] is the distance between the first i entries of `a` and the first j of `b`
  const row = Uint32Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0];
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j];
      const substitution = diagonal + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(substitution, above + 1, row[j - 1] + 1);
      diagonal = above;
    }
  }
  return row[b.length];
}
