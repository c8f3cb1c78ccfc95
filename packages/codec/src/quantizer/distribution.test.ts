import { describe, expect, test } from 'vitest';
import {
  cellMoments,
  clipDistribution,
  type DensityPiece,
  distributionOfValues,
  entropyBits,
  meanAndVariance,
  momentsOfPiece,
  supportOf,
} from './distribution.js';

/** Simpson's rule. */
function integrate(evaluate: (y: number) => number, from: number, to: number): number {
  const count = 20_000;
  const step = (to - from) / count;
  let sum = evaluate(from) + evaluate(to);
  for (let i = 1; i < count; i++) sum += evaluate(from + i * step) * (i % 2 === 0 ? 2 : 4);
  return (sum * step) / 3;
}

describe('moments of a piece', () => {
  test.each([0, 1e-9, 0.3, -0.3, 1.9, 2.1, -7, 40])(
    'with rate %d are those of numeric integration',
    (rate) => {
      const piece: DensityPiece = { from: -1, to: 2, anchor: 0.5, scale: 0.7, rate };
      for (const [from, to, about] of [
        [-1, 2, 0],
        [0.2, 0.9, 3],
        [1, 1.001, 1],
      ]) {
        const density = (y: number): number => 0.7 * Math.exp(-rate * (y - 0.5));
        const found = momentsOfPiece(piece, from, to, about);
        for (const [power, value] of [found.mass, found.first, found.second].entries()) {
          const expected = integrate((y) => density(y) * (y - about) ** power, from, to);
          const size = integrate((y) => density(y) * Math.abs(y - about) ** power, from, to);
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-9 * size);
        }
      }
    },
  );

  test('of an infinite tail and of an empty interval', () => {
    const tail: DensityPiece = { from: 1, to: Number.POSITIVE_INFINITY, anchor: 1, scale: 2, rate: 2 };
    expect(momentsOfPiece(tail, 1, Number.POSITIVE_INFINITY, 1)).toEqual({
      mass: 1,
      first: 0.5,
      second: 0.5,
    });
    expect(momentsOfPiece(tail, 3, 3, 0)).toEqual({ mass: 0, first: 0, second: 0 });
  });
});

describe('a distribution', () => {
  const mixed = {
    pieces: [
      { from: Number.NEGATIVE_INFINITY, to: 0, anchor: 0, scale: 0.3, rate: -1 },
      { from: 1, to: 3, anchor: 1, scale: 0.2, rate: 0 },
    ],
    masses: [
      { value: 0, mass: 0.1 },
      { value: 2, mass: 0.2 },
    ],
  };

  test('has its mass in the cells between thresholds, values at a threshold above it', () => {
    const { mass } = cellMoments(mixed, [-1, 0, 2, 5]);
    const expected = [0.3 * Math.exp(-1), 0.3 * (1 - Math.exp(-1)), 0.1 + 0.2, 0.2 + 0.2, 0];
    mass.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 14);
    });
  });

  test('is clipped to masses at the limits', () => {
    const clipped = clipDistribution(mixed, -1, 2);
    const share = 0.3 * Math.exp(-1);
    expect(clipped.masses.map(({ value }) => value)).toEqual([-1, 0, 2]);
    expect(clipped.masses[0].mass).toBeCloseTo(share, 14);
    expect(clipped.masses[2].mass).toBeCloseTo(0.4, 14);
    const total = cellMoments(clipped, []).mass[0];
    expect(total).toBeCloseTo(1, 14);
    const { low, high } = supportOf(clipped);
    expect([low, high]).toEqual([-1, 2]);
  });

  test('has mean, variance and support', () => {
    const values = distributionOfValues(Float32Array.of(3, 1, 1, -1));
    expect(values.masses).toEqual([
      { value: -1, mass: 0.25 },
      { value: 1, mass: 0.5 },
      { value: 3, mass: 0.25 },
    ]);
    expect(meanAndVariance(values)).toEqual({ mean: 1, variance: 2 });
    expect(supportOf(values)).toEqual({ low: -1, high: 3 });
    expect(supportOf(mixed).low).toBe(-36);
    expect(supportOf({ pieces: [], masses: [] })).toEqual({ low: Number.NaN, high: Number.NaN });
  });

  test('gives entropies in which empty cells count nothing', () => {
    expect(entropyBits(Float64Array.of(0.5, 0, 0.25, 0.25))).toBe(1.5);
  });
});
