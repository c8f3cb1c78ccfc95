import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { answerAgreement, topClassAgreement, topKHits } from './accuracy.js';
import { pooledRatio } from './ratio.js';

const output = tensor('float32', [3, 4], Float32Array.of(4, 3, 2, 1, 1, 2, 3, 4, 5, 5, 0, Number.NaN));

describe('topKHits', () => {
  test.each([
    [1, [0, 3, 0], 1],
    [1, [1, 3, 2], 1 / 3],
    [2, [1, 2, 1], 1],
    [3, [2, 0, 2], 2 / 3],
    [4, [3, 0, 3], 2 / 3],
  ])('with k = %i and labels %j the accuracy is %d', (k, labels, expected) => {
    expect(pooledRatio(topKHits(output, labels, k))).toBeCloseTo(expected, 12);
  });

  test('refuses labels and shapes that do not fit', () => {
    expect(() => topKHits(output, [0, 1], 1)).toThrow(RangeError);
    expect(() => topKHits(output, [0, 1, 4], 1)).toThrow(RangeError);
    expect(() => topKHits(output, [0, 1, 2], 0)).toThrow(RangeError);
    expect(() => topKHits(tensor('float32', [12], new Float32Array(12)), [0], 1)).toThrow(RangeError);
    expect(() => topKHits(tensor('int32', [1, 1], new Int32Array(1)), [0], 1)).toThrow(TypeError);
  });
});

test('outputs agree where their best classes are equal', () => {
  const other = tensor('float32', [3, 4], Float32Array.of(9, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0));
  expect(topClassAgreement(output, other).map(({ numerator }) => numerator)).toEqual([1, 0, 1]);
  expect(() => topClassAgreement(output, tensor('float32', [1, 4], new Float32Array(4)))).toThrow(RangeError);
});

test('answers agree where they are equal', () => {
  expect(answerAgreement(['a', 'b'], ['a', 'c']).map(({ numerator }) => numerator)).toEqual([1, 0]);
  expect(() => answerAgreement([1], [])).toThrow(RangeError);
});
