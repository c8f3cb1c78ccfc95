/** Leaving out cuts that another cut beats. */

import type { CutSet } from './cut-sets.js';

/** A size or a cost of a cut, smaller is better; null if it is not known. */
export type Criterion = (set: CutSet) => number | null;

/** Bytes that cross, and the work of both sides: what beats a cut in these is better on every machine and link. */
export const WORK_AND_BYTES: readonly Criterion[] = [
  ({ head }) => head.macs,
  ({ tail }) => tail.macs,
  ({ bytes }) => bytes,
];

/** Bytes that cross, and the work of the head: what matters where the tail's machine is much the faster. */
export const HEAD_WORK_AND_BYTES: readonly Criterion[] = [({ head }) => head.macs, ({ bytes }) => bytes];

/**
 * The sets that no other set beats: none is as good by every criterion and better by one. A set of which something is
 * not known is kept and beats none.
 * @returns in the order given
 */
export function unbeatenSets(sets: readonly CutSet[], criteria: readonly Criterion[]): CutSet[] {
  const measured = sets.map((set) => ({ set, measures: criteria.map((criterion) => criterion(set)) }));
  const known = measured.flatMap(({ measures }) => {
    const numbers = measures.filter((value) => value !== null);
    return numbers.length === measures.length ? [numbers] : [];
  });
  return measured.flatMap(({ set, measures }) =>
    known.some((other) => beats(other, measures)) ? [] : [set],
  );
}

function beats(a: readonly number[], b: readonly (number | null)[]): boolean {
  let isBetter = false;
  for (const [i, value] of b.entries()) {
    if (value === null || a[i] > value) return false;
    isBetter ||= a[i] < value;
  }
  return isBetter;
}

/** Of sets that are equal by every criterion the last; sets of which something is not known are kept. */
export function lastOfEqualSets(sets: readonly CutSet[], criteria: readonly Criterion[]): CutSet[] {
  const seen = new Set<string>();
  const kept = [...sets].reverse().filter((set) => {
    const measures = criteria.map((criterion) => criterion(set));
    const key = measures.join(' ');
    const isFirst = measures.includes(null) || !seen.has(key);
    seen.add(key);
    return isFirst;
  });
  return kept.reverse();
}
