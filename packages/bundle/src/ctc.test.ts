import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { decodeCtcIndices, decodeCtcOutput, indexOfLargest } from './ctc.js';

const alphabet = ['', 'a', 'b', ' '];

describe('decodeCtcIndices', () => {
  test.each([
    [[], ''],
    [[0, 0, 0], ''],
    [[1, 1, 1], 'a'],
    [[1, 0, 1], 'aa'],
    [[0, 1, 1, 0, 0, 2, 2, 1, 0], 'aba'],
    [[1, 2, 1, 2], 'abab'],
    [[1, 3, 2], 'a b'],
  ])('%j reads %j', (indices, text) => {
    expect(decodeCtcIndices(indices, alphabet)).toBe(text);
  });

  test.each([[4], [-1], [0.5], [Number.NaN]])('index %d is refused', (index) => {
    expect(() => decodeCtcIndices([0, index], alphabet)).toThrow(RangeError);
  });
});

describe('decodeCtcOutput', () => {
  test('takes the best index of each step, for each sample of a batch', () => {
    const step = (best: number): number[] => alphabet.map((_, i) => (i === best ? 0.7 : 0.1));
    const data = Float32Array.from([1, 1, 0, 2, 0, 2].flatMap(step));
    expect(decodeCtcOutput(tensor('float32', [2, 3, 4], data), alphabet)).toEqual(['a', 'bb']);
  });

  test('refuses a shape that does not fit the alphabet, and other element types', () => {
    expect(() => decodeCtcOutput(tensor('float32', [1, 1, 3], new Float32Array(3)), alphabet)).toThrow(
      RangeError,
    );
    expect(() => decodeCtcOutput(tensor('float32', [4], new Float32Array(4)), alphabet)).toThrow(RangeError);
    expect(() => decodeCtcOutput(tensor('float64', [1, 1, 4], new Float64Array(4)), alphabet)).toThrow(
      TypeError,
    );
  });
});

test('indexOfLargest takes the first of equals and never NaN', () => {
  expect(indexOfLargest([9, 1, 3, 3], 1, 3)).toBe(1);
  expect(indexOfLargest([Number.NaN, 1], 0, 2)).toBe(1);
  expect(indexOfLargest([Number.NaN, Number.NEGATIVE_INFINITY], 0, 2)).toBe(0);
});
