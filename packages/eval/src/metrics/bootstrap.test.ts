import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { bootstrapDifference, bootstrapRatio } from './bootstrap.js';
import { pooledRatio, type Ratio } from './ratio.js';

/** Lines of 10 to 30 characters, each wrong with probability `rate`. */
function syntheticLines(count: number, rate: number, seed: number): Ratio[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const denominator = 10 + random.nextInteger(21);
    let numerator = 0;
    for (let i = 0; i < denominator; i++) if (random.nextUniform() < rate) numerator++;
    return { numerator, denominator };
  });
}

describe('bootstrapRatio', () => {
  test('covers the true rate in about 95 % of experiments', () => {
    const experiments = 200;
    let covered = 0;
    for (let seed = 1; seed <= experiments; seed++) {
      const { low, high } = bootstrapRatio(syntheticLines(100, 0.05, seed), { seed, resampleCount: 400 });
      if (low <= 0.05 && 0.05 <= high) covered++;
    }
    // 95 % of 200 is 190 with a standard deviation of 3; the percentile interval runs slightly short
    expect(covered).toBeGreaterThanOrEqual(178);
    expect(covered).toBeLessThanOrEqual(199);
  });

  test('agrees with the normal interval of a large accuracy', () => {
    const samples = Array.from({ length: 1000 }, (_, i) => ({ numerator: i < 800 ? 1 : 0, denominator: 1 }));
    const { value, low, high } = bootstrapRatio(samples);
    const halfWidth = 1.96 * Math.sqrt((0.8 * 0.2) / 1000);
    expect(value).toBe(0.8);
    expect(low).toBeCloseTo(0.8 - halfWidth, 2);
    expect(high).toBeCloseTo(0.8 + halfWidth, 2);
  });

  test('is the same for the same seed, and narrower for less confidence', () => {
    const lines = syntheticLines(50, 0.1, 7);
    expect(bootstrapRatio(lines, { seed: 3 })).toEqual(bootstrapRatio(lines, { seed: 3 }));
    expect(bootstrapRatio(lines, { seed: 3 })).not.toEqual(bootstrapRatio(lines, { seed: 4 }));
    const wide = bootstrapRatio(lines, { confidence: 0.99 });
    const narrow = bootstrapRatio(lines, { confidence: 0.5 });
    expect(wide.high - wide.low).toBeGreaterThan(narrow.high - narrow.low);
  });

  test('a single sample and samples without chances have intervals too', () => {
    expect(bootstrapRatio([{ numerator: 1, denominator: 4 }])).toEqual({
      value: 0.25,
      low: 0.25,
      high: 0.25,
    });
    const withEmpty = [
      { numerator: 0, denominator: 0 },
      { numerator: 1, denominator: 2 },
    ];
    expect(bootstrapRatio(withEmpty)).toEqual({ value: 0.5, low: 0.5, high: 0.5 });
  });

  test.each<[string, () => unknown]>([
    ['no samples', () => bootstrapRatio([])],
    ['no chances', () => bootstrapRatio([{ numerator: 0, denominator: 0 }])],
    ['NaN', () => bootstrapRatio([{ numerator: Number.NaN, denominator: 1 }])],
    ['no resamples', () => bootstrapRatio([{ numerator: 0, denominator: 1 }], { resampleCount: 0 })],
    ['certainty', () => bootstrapRatio([{ numerator: 0, denominator: 1 }], { confidence: 1 })],
    ['unequal lists', () => bootstrapDifference(syntheticLines(3, 0.1, 1), syntheticLines(4, 0.1, 1))],
  ])('%s is refused', (_, action) => {
    expect(action).toThrow(RangeError);
  });
});

describe('bootstrapDifference', () => {
  test('pairs samples, so a small constant difference is seen under large variation', () => {
    const a = Array.from({ length: 200 }, (_, i) => ({ numerator: i % 10, denominator: 20 }));
    const b = a.map(({ numerator, denominator }) => ({ numerator: numerator + 0.2, denominator }));
    const { value, low, high } = bootstrapDifference(a, b);
    expect(value).toBeCloseTo(0.01, 10);
    expect(low).toBeCloseTo(0.01, 10);
    expect(high).toBeCloseTo(0.01, 10);
    const alone = bootstrapRatio(a);
    expect(alone.high - alone.low).toBeGreaterThan(0.02);
  });

  test('holds zero when both sides come from the same rate', () => {
    const a = syntheticLines(300, 0.05, 11);
    const b = syntheticLines(300, 0.05, 12).map(({ numerator }, i) => ({
      numerator,
      denominator: a[i].denominator,
    }));
    const { value, low, high } = bootstrapDifference(a, b);
    expect(value).toBeCloseTo(pooledRatio(b) - pooledRatio(a), 12);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0);
  });
});
