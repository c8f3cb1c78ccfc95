import { describe, expect, test } from 'vitest';
import { compareHits } from './mcnemar.js';
import type { Ratio } from './ratio.js';

const hit: Ratio = { numerator: 1, denominator: 1 };
const miss: Ratio = { numerator: 0, denominator: 1 };
/** Samples of which `a` alone hits some, `b` alone others, and both the rest. */
const pairs = (lost: number, won: number, both: number) => ({
  a: [...Array(lost).fill(hit), ...Array(won).fill(miss), ...Array(both).fill(hit)] as Ratio[],
  b: [...Array(lost).fill(miss), ...Array(won).fill(hit), ...Array(both).fill(hit)] as Ratio[],
});
const probability = (lost: number, won: number): number => {
  const { a, b } = pairs(lost, won, 7);
  return compareHits(a, b).probability;
};

describe('compareHits', () => {
  test('gives binomial probabilities', () => {
    expect(probability(6, 0)).toBeCloseTo(2 / 64, 12);
    expect(probability(8, 2)).toBeCloseTo((2 * (1 + 10 + 45)) / 1024, 12);
    expect(probability(2, 8)).toBeCloseTo(probability(8, 2), 12);
  });

  test('says nothing against equal sides, nor without any disagreement', () => {
    expect(probability(5, 5)).toBe(1);
    expect(probability(0, 0)).toBe(1);
  });

  test('holds for counts whose powers of two underflow', () => {
    expect(probability(1_000, 1_100)).toBeCloseTo(0.0307, 3); // normal approximation with continuity: 0.0307
    expect(probability(3_000, 0)).toBe(0);
  });

  test('counts the sides', () => {
    const { a, b } = pairs(3, 2, 4);
    expect(compareHits(a, b)).toMatchObject({ lost: 3, won: 2 });
  });

  test('refuses what are no hits, and lists of two lengths', () => {
    expect(() => compareHits([{ numerator: 2, denominator: 3 }], [hit])).toThrow(RangeError);
    expect(() => compareHits([hit], [])).toThrow('samples expected equal counts, got 1 and 0');
  });
});
