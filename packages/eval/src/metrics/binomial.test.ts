import { describe, expect, test } from 'vitest';
import { probabilityOfAtMost } from './binomial.js';

describe('the binomial distribution', () => {
  test.each([
    [0, 4, 0.5, 1 / 16],
    [1, 4, 0.5, 5 / 16],
    [4, 4, 0.5, 1],
    [0, 3, 0.1, 0.729],
    [2, 3, 0.1, 0.999],
  ])('of at most %i events in %i trials of %f is %f', (most, count, share, expected) => {
    expect(probabilityOfAtMost(most, count, share)).toBeCloseTo(expected, 12);
  });

  test('sums where the power of no event underflows', () => {
    expect(probabilityOfAtMost(10_000, 20_000, 0.5)).toBeCloseTo(0.5, 2);
    expect(probabilityOfAtMost(0, 299, 0.01)).toBeLessThan(0.05);
    expect(probabilityOfAtMost(0, 298, 0.01)).toBeGreaterThan(0.05);
  });
});
