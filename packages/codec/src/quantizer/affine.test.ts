import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import {
  asymmetricQuantizer,
  decisionThresholds,
  levelOfIndex,
  quantizeValue,
  uniformQuantizer,
} from './affine.js';

describe('decision thresholds', () => {
  test.each([
    ['4 levels from 0', uniformQuantizer(4, 0, 9.036)],
    ['5 levels, signed', uniformQuantizer(5, -1.3, 2.9)],
    ['256 levels', uniformQuantizer(256, -3, 7)],
    ['asymmetric 4 bits', asymmetricQuantizer(4, -0.375, 20.5)],
    ['a narrow range far from 0', uniformQuantizer(16, 1000, 1000.01)],
  ])('agree with the arithmetic: %s', (_, quantizer) => {
    const thresholds = decisionThresholds(quantizer);
    expect(thresholds.every((value, i) => i === 0 || value >= thresholds[i - 1])).toBe(true);
    const byThresholds = (value: number): number =>
      thresholds.filter((threshold) => threshold <= value).length;
    const random = createRandom(4);
    const span = levelOfIndex(quantizer.levelCount - 1, quantizer) - levelOfIndex(0, quantizer);
    const values = Float32Array.from(
      { length: 500 },
      () => levelOfIndex(0, quantizer) + span * (random.nextUniform() * 1.2 - 0.1),
    );
    for (const value of [...values, ...thresholds, -3.4e38, 3.4e38]) {
      expect(quantizeValue(value, quantizer), `value ${value}`).toBe(byThresholds(value));
    }
  });
});

describe('uniform quantizer', () => {
  test('its outer levels are the clip limits and its thresholds lie halfway', () => {
    const quantizer = uniformQuantizer(4, 0, 9);
    expect([0, 1, 2, 3].map((index) => levelOfIndex(index, quantizer))).toEqual([0, 3, 6, 9]);
    expect([...decisionThresholds(quantizer)].map((t) => Math.round(t * 1e5) / 1e5)).toEqual([1.5, 4.5, 7.5]);
  });

  test('halves round to the even index', () => {
    const quantizer = uniformQuantizer(5, 0, 4);
    expect([0.5, 1.5, 2.5, 3.5].map((value) => quantizeValue(value, quantizer))).toEqual([0, 2, 2, 4]);
  });
});

describe('asymmetric quantizer', () => {
  test.each([
    [-1.33, 58.4],
    [-12.9, 9.5],
    [0, 6],
    [-6, 0],
    [2, 8],
    [-8, -2],
  ])('0 is exact and an index of its own for %d to %d', (low, high) => {
    for (let bits = 1; bits <= 16; bits++) {
      const quantizer = asymmetricQuantizer(bits, low, high);
      expect(quantizeValue(0, quantizer)).toBe(quantizer.zeroPoint);
      expect(levelOfIndex(quantizer.zeroPoint, quantizer)).toBe(0);
    }
  });

  test('errors stay within half a step inside the range', () => {
    const quantizer = asymmetricQuantizer(8, -3, 5);
    const random = createRandom(2);
    for (let i = 0; i < 2_000; i++) {
      const value = Math.fround(random.nextUniform() * 8 - 3);
      const error = Math.abs(levelOfIndex(quantizeValue(value, quantizer), quantizer) - value);
      // The zero point is rounded too, so one end of the range may lie half a step outside the levels.
      expect(error).toBeLessThanOrEqual(quantizer.step * (value < -2.9 || value > 4.9 ? 1.001 : 0.501));
    }
  });
});
