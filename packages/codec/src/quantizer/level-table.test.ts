import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { backgroundOfLevels, levelTable } from './level-table.js';
import { lookUpLevels, quantizeByThresholds } from './reference-loops.js';

describe('quantizing by thresholds', () => {
  test('the index is the number of thresholds at or below the value', () => {
    const random = createRandom(1);
    for (const count of [1, 2, 15, 16, 17, 100, 254, 255]) {
      const thresholds = Float32Array.from({ length: count }, () => random.nextNormal()).sort();
      const values = Float32Array.from([
        ...thresholds,
        ...Array.from({ length: 200 }, () => random.nextNormal() * 2),
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        -0,
      ]);
      const expected = [...values].map(
        (value) => thresholds.filter((threshold) => threshold <= value).length,
      );
      expect([...quantizeByThresholds(values, thresholds)], `${count} thresholds`).toEqual(expected);
    }
  });

  test('levels are looked up', () => {
    expect([...lookUpLevels(Uint8Array.of(2, 0, 1, 1), Float32Array.of(-1, 0, 8))]).toEqual([8, -1, 0, 0]);
  });
});

describe('the background', () => {
  test.each<[number[], number]>([
    [[0, 1, 2], 0],
    [[-3, -1, 0.5, 4], 2],
    [[-1, 1], 0],
    [[-5, -2], 1],
    [[3, 4], 0],
  ])('of %j is %d', (levels, background) => {
    expect(backgroundOfLevels(Float32Array.from(levels))).toBe(background);
  });
});

describe('a table', () => {
  test('is rounded to float32, without a negative zero', () => {
    const { levels, thresholds } = levelTable([-0, 0.1], [0.05]);
    expect([...levels]).toEqual([0, Math.fround(0.1)]);
    expect([...thresholds]).toEqual([Math.fround(0.05)]);
  });

  test.each<[string, number[], number[]]>([
    ['one level', [1], []],
    ['257 levels', Array.from({ length: 257 }, (_, i) => i), Array.from({ length: 256 }, (_, i) => i)],
    ['too few thresholds', [0, 1, 2], [0.5]],
    ['equal levels', [0, 0], [0]],
    ['levels that are equal in float32', [1, 1 + 1e-12], [1]],
    ['falling levels', [1, 0], [0.5]],
    ['equal thresholds', [0, 1, 2], [0.5, 0.5]],
    ['an infinite level', [0, Number.POSITIVE_INFINITY], [1]],
    ['a level over float32', [0, 1e39], [1]],
    ['a level that is no number', [Number.NaN, 1], [1]],
    ['a threshold that is no number', [0, 1], [Number.NaN]],
  ])('with %s is refused', (_, levels, thresholds) => {
    expect(() => levelTable(levels, thresholds)).toThrow(RangeError);
  });
});
