import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { distributionOfModel } from './activation-model.js';
import { distributionOfValues, type ValueDistribution } from './distribution.js';
import { designLevels, type LevelDesign, measureLevels } from './entropy-constrained.js';
import { distributionOfStatistics, statisticsOf } from './statistics.js';

/** The model of papers.md 2.5: ResNet-50 after layer 21, of which only the positive part matters. */
const RESNET = distributionOfModel({ location: -1.4350621, rate: 0.7716595, skew: 0.5, slope: 0.1 });
const UPPER: Record<number, number> = { 2: 5.1836, 3: 7.5107, 4: 9.0361 };

function expectNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i]), `${value} for ${expected[i]}`).toBeLessThanOrEqual(tolerance);
  });
}

function expectUsable(design: LevelDesign, levelCount: number): void {
  const { levels, thresholds, rate, quantError, totalError } = design;
  expect(levels.length).toBeGreaterThanOrEqual(2);
  expect(levels.length).toBeLessThanOrEqual(levelCount);
  expect(thresholds.length).toBe(levels.length - 1);
  for (const list of [levels, thresholds]) {
    expect(list.every((value, i) => value === Math.fround(value) && (i === 0 || value > list[i - 1]))).toBe(
      true,
    );
  }
  for (const value of [rate, quantError, totalError]) expect(value).toBeGreaterThanOrEqual(0);
}

describe('the vectors of papers.md 2.5', () => {
  test.each<[number, number, 'pinned' | 'free', number[], number[], number, number]>([
    [3, 0, 'pinned', [0, 2.8787, 7.5107], [1.4394, 5.1947], 1.0401, 0.41164],
    [3, 1.3435, 'pinned', [0, 3.6939, 7.5107], [2.3053, 5.8787], 0.8531, 0.53771],
    [3, 2.687, 'pinned', [0, 4.5966, 7.5107], [3.2109, 6.7742], 0.6749, 0.89497],
    [4, 0, 'pinned', [0, 2.021, 4.7605, 9.0361], [1.0105, 3.3907, 6.8983], 1.2994, 0.2501],
    [4, 0.6718, 'pinned', [0, 2.7826, 5.5965, 9.0361], [1.6666, 4.3556, 7.4322], 1.1007, 0.31536],
    [4, 1.3435, 'pinned', [0, 3.5495, 6.5405, 9.0361], [2.2586, 5.4984, 7.9695], 0.9257, 0.49052],
    [4, 1.3435, 'free', [0.4086, 4.0438, 6.7672, 8.7724], [2.7629, 5.9697, 7.7719], 0.814, 0.53222],
    [2, 2.687, 'pinned', [0, 5.1836], [3.3082], 0.5528, 0.94115],
  ])('%d levels, lambda %d, %s', (levelCount, lambda, ends, levels, thresholds, rate, error) => {
    const design = designLevels(RESNET, { levelCount, lambda, low: 0, high: UPPER[levelCount], ends });
    // lambda and the limit are printed with five digits, so the last digit of the results may be another.
    expectNear(design.levels, levels, 1.1e-4);
    expectNear(design.thresholds, thresholds, 1.1e-4);
    expectNear([design.rate], [rate], 5e-5);
    expectNear([design.quantError], [error], 2e-5);
  });

  test('4 levels at lambda 2.687 fall back to 3, all numbers', () => {
    const design = designLevels(RESNET, { levelCount: 4, lambda: 2.687, low: 0, high: 9.0361 });
    expectUsable(design, 4);
    expectNear(design.levels, [0, 4.8717, 9.0361], 1e-4);
    expectNear([design.rate], [0.6475], 1e-4);
  });
});

describe('designs for values', () => {
  const random = createRandom(7);
  const values = Float32Array.from({ length: 20_000 }, () => Math.max(0, random.nextNormal() - 0.2));
  const sources: [string, ValueDistribution][] = [
    ['samples', distributionOfValues(values)],
    ['statistics', distributionOfStatistics(statisticsOf(values))],
  ];

  test('statistics and samples give nearly the same levels', () => {
    const options = { levelCount: 6, lambda: 0.01, low: 0, high: 2.5 } as const;
    const [fromSamples, fromStatistics] = sources.map(([, source]) => designLevels(source, options));
    expectNear(fromStatistics.levels, fromSamples.levels, 0.02);
    expectNear([fromStatistics.rate], [fromSamples.rate], 0.01);
    expectNear([fromStatistics.totalError], [fromSamples.totalError], 1e-4);
  });

  test('the predicted error and rate are those of coding the samples', () => {
    const design = designLevels(sources[0][1], { levelCount: 5, lambda: 0.02, low: 0, high: 2.5 });
    let error = 0;
    const counts = new Float64Array(design.levels.length);
    for (const value of values) {
      const index = design.thresholds.filter((threshold) => threshold <= value).length;
      error += (value - design.levels[index]) ** 2 / values.length;
      counts[index]++;
    }
    const rate = counts.reduce((sum, n) => sum - (n / values.length) * Math.log2(n / values.length), 0);
    expectNear([design.totalError, design.rate], [error, rate], 1e-9);
  });

  test.each(sources)('more lambda never gives more rate or less error, %s', (_, source) => {
    let before: LevelDesign | null = null;
    for (const lambda of [0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2]) {
      const design = designLevels(source, { levelCount: 8, lambda, low: 0, high: 3, ends: 'free' });
      expectUsable(design, 8);
      if (before) {
        expect(design.rate).toBeLessThanOrEqual(before.rate + 1e-6);
        expect(design.quantError).toBeGreaterThanOrEqual(before.quantError - 1e-6);
      }
      before = design;
    }
  });

  test('a design costs no more than uniform levels at its lambda', () => {
    for (const levelCount of [2, 3, 7, 16, 64, 256]) {
      for (const lambda of [0, 0.001, 0.05]) {
        const [, source] = sources[1];
        const design = designLevels(source, { levelCount, lambda, low: 0, high: 2.5 });
        expectUsable(design, levelCount);
        const step = 2.5 / (levelCount - 1);
        const levels = Array.from({ length: levelCount }, (_, i) => i * step);
        const halves = levels.slice(1).map((level) => level - step / 2);
        const uniform = measureLevels(source, levels, halves);
        // The design clips; at these limits that is the same for both.
        expect(design.totalError + lambda * design.rate).toBeLessThanOrEqual(
          uniform.error + lambda * uniform.rate,
        );
      }
    }
  });
});

describe('degenerate inputs end in a usable quantizer', () => {
  const cases: [string, Float32Array][] = [
    ['one value', Float32Array.of(1, 1, 1)],
    ['values below the limits', Float32Array.of(-5, -6)],
    ['values above the limits', Float32Array.of(50, 60)],
    ['two values', Float32Array.of(0, 0, 0, 2)],
    ['a value in a million', Float32Array.from({ length: 100_000 }, (_, i) => (i === 5 ? 3 : 0))],
  ];
  test.each(cases)('%s', (_, values) => {
    for (const source of [distributionOfValues(values), distributionOfStatistics(statisticsOf(values))]) {
      for (const ends of ['pinned', 'free'] as const) {
        for (const lambda of [0, 0.5, 1e6]) {
          for (const levelCount of [2, 4, 256]) {
            expectUsable(designLevels(source, { levelCount, lambda, low: 0, high: 4, ends }), levelCount);
          }
        }
      }
    }
  });

  test('limits one float32 apart', () => {
    const high = 1 + 2 ** -23;
    expectUsable(designLevels(RESNET, { levelCount: 16, low: 1, high, ends: 'free' }), 16);
  });

  test('options out of range are refused', () => {
    for (const [levelCount, lambda, low, high] of [
      [1, 0, 0, 1],
      [257, 0, 0, 1],
      [2.5, 0, 0, 1],
      [4, -1, 0, 1],
      [4, Number.NaN, 0, 1],
      [4, 0, 1, 1],
      [4, 0, 0, Number.POSITIVE_INFINITY],
    ]) {
      expect(() => designLevels(RESNET, { levelCount, lambda, low, high })).toThrow(RangeError);
    }
  });
});
