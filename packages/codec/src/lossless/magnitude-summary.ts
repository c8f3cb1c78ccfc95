/** What an encoder needs to know of magnitudes to choose a split. Encoding only. */

import { type Magnitudes, shiftRight } from './magnitudes.js';

/** What all magnitudes of a tensor have in common. */
export interface MagnitudeSummary {
  /** Elements of magnitude 0. */
  readonly zeroCount: number;
  /** Low bits that are 0 in all; all bits if every magnitude is 0. */
  readonly trailingZeros: number;
  /** Smallest magnitude above 0 and largest one, shifted right by `shift`; 0 if all are 0. */
  smallest(shift: number): number;
  largest(shift: number): number;
}

/** Looks at every magnitude. */
export function summarizeMagnitudes({ low, high }: Magnitudes): MagnitudeSummary {
  let zeroCount = 0;
  let lowUnion = 0;
  let highUnion = 0;
  let least = [0xffff_ffff, 0xffff_ffff];
  let most = [0, 0];
  let leastUpper = 0xffff_ffff;
  let mostUpper = 0;
  const upper = high ?? low;
  for (let i = 0; i < low.length; i++) {
    lowUnion |= low[i];
    if (high) highUnion |= high[i];
    if (low[i] === 0 && upper[i] === 0) {
      zeroCount++;
      continue;
    }
    if (upper[i] < leastUpper || (upper[i] === leastUpper && low[i] < least[0])) {
      leastUpper = upper[i];
      least = [low[i], high ? high[i] : 0];
    }
    if (upper[i] > mostUpper || (upper[i] === mostUpper && low[i] > most[0])) {
      mostUpper = upper[i];
      most = [low[i], high ? high[i] : 0];
    }
  }
  if (zeroCount === low.length) least = [0, 0];
  const lowZeros = countTrailingZeros(lowUnion);
  return {
    zeroCount,
    trailingZeros: high && lowZeros === 32 ? 32 + countTrailingZeros(highUnion) : lowZeros,
    smallest: (shift) => shiftRight(least[0], least[1], shift),
    largest: (shift) => shiftRight(most[0], most[1], shift),
  };
}

function countTrailingZeros(word: number): number {
  return word === 0 ? 32 : 31 - Math.clz32(word & -word);
}
