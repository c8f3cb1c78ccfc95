/** Cases that are computed by hand. */

import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { IGNORED_CLASS } from '../data/data-set.js';
import { bootstrapDifference } from './bootstrap.js';
import { flawlessRatio, pooledRatio } from './ratio.js';
import { segmentationOverlap } from './segmentation.js';

const map = (width: number, ...classes: number[]) => ({
  ...{ width, height: classes.length / width, classes: Uint8Array.from(classes) },
});
const found = (width: number, ...classes: number[]) =>
  tensor('int32', [1, classes.length / width, width], Int32Array.from(classes));

describe('mean intersection over union', () => {
  test('is the mean over the classes that are expected', () => {
    // Class 0: 1 of 3 places shared; 1: 2 of 3; 2 is found once and never expected, so that it only takes a place from 0.
    const ratio = segmentationOverlap(found(3, 0, 1, 2, 1, 1, 0), map(3, 0, 0, 0, 1, 1, IGNORED_CLASS));
    expect([ratio.numerator, ratio.denominator]).toEqual([3, 5]);
    expect(pooledRatio([ratio])).toBeCloseTo((1 / 3 + 2 / 3) / 2, 12);
  });

  test('sums places over pictures before it divides', () => {
    const first = segmentationOverlap(found(2, 0, 0), map(2, 0, 1)); // 0: 1 of 2, 1: 0 of 1
    const second = segmentationOverlap(found(2, 1, 1), map(2, 1, 1)); // 1: 2 of 2
    expect(pooledRatio([first, second])).toBeCloseTo((1 / 2 + 2 / 3) / 2, 12);
    expect(pooledRatio([first, second], Uint32Array.of(0, 0))).toBeCloseTo(1 / 4, 12);
    expect(pooledRatio([flawlessRatio(first, 'higher'), second])).toBe(1);
  });

  test('a class that the network does not know is missed wherever it is expected', () => {
    const scores = tensor('float32', [1, 2, 1, 2], Float32Array.of(1, 1, 0, 0));
    const ratio = segmentationOverlap(scores, map(2, 0, 5));
    expect(ratio.classes?.[5]).toEqual({ shared: 0, union: 1, expected: 1 });
    expect(pooledRatio([ratio])).toBeCloseTo((1 / 2 + 0) / 2, 12);
  });

  test('pictures without a judged place say nothing', () => {
    expect(pooledRatio([segmentationOverlap(found(2, 0, 1), map(2, 255, 255))])).toBeNaN();
  });

  test('its paired interval draws pictures, both sides alike', () => {
    const truth = map(4, 0, 0, 1, 1);
    const right = segmentationOverlap(found(4, 0, 0, 1, 1), truth);
    const half = segmentationOverlap(found(4, 0, 0, 0, 1), truth); // 0: 2 of 3, 1: 1 of 2
    const { value, low, high } = bootstrapDifference([half, right, right], [right, right, right]);
    // Over 3 pictures class 0 is met in 6 of 7 places, class 1 in 5 of 6.
    expect(value).toBeCloseTo(1 - (6 / 7 + 5 / 6) / 2, 12);
    expect(low).toBe(0);
    // All three draws are the first picture with a probability of 1 in 27, above the tail.
    expect(high).toBeCloseTo(1 - (2 / 3 + 1 / 2) / 2, 12);
  });
});

describe('scores of a coarser grid', () => {
  test('are interpolated with corners on corners', () => {
    // Class 1 leads by -1 … 3 over five places: -1, 0, 1, 2, 3; of equal scores the lower class counts.
    const scores = tensor('float32', [1, 2, 1, 2], Float32Array.of(0, 0, -1, 3));
    expect(segmentationOverlap(scores, map(5, 0, 0, 1, 1, 1)).numerator).toBe(5);
    const upright = tensor('float32', [1, 2, 2, 1], Float32Array.of(0, 0, -1, 3));
    expect(segmentationOverlap(upright, map(1, 0, 0, 1, 1, 1)).numerator).toBe(5);
  });

  test('outputs of another form are refused', () => {
    const flat = tensor('float32', [1, 2], Float32Array.of(0, 1));
    expect(() => segmentationOverlap(flat, map(1, 0))).toThrow('output expected float32 [1, K, h, w]');
    expect(() => segmentationOverlap(found(2, 0, 1), map(1, 0, 1))).toThrow('integers [1, 2, 1]');
  });
});
