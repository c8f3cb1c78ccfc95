import { float16FromFloat32, tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { measureDistance, summarizeTensor } from './measure.js';

test('a summary counts zeros and leaves out what is not finite', () => {
  const value = tensor('float32', [6], Float32Array.of(0, -2, 4, Number.NaN, Number.POSITIVE_INFINITY, -0));
  expect(summarizeTensor(value)).toEqual({ min: -2, max: 4, mean: 0.5, zeroShare: 2 / 6, nonFiniteCount: 2 });
});

test('a tensor without finite elements has no range', () => {
  const nothing = { min: null, max: null, mean: null, zeroShare: 0 };
  expect(summarizeTensor(tensor('float32', [0], new Float32Array(0)))).toEqual({
    ...nothing,
    nonFiniteCount: 0,
  });
  expect(summarizeTensor(tensor('float32', [1], Float32Array.of(Number.NaN)))).toEqual({
    ...nothing,
    nonFiniteCount: 1,
  });
});

test('distance is taken between values, whatever their storage', () => {
  const half = (...values: number[]) =>
    tensor('float16', [values.length], float16FromFloat32(Float32Array.from(values)));
  expect(measureDistance(half(1, 2), half(1, 5))).toEqual({ maxAbsoluteError: 3, rmsError: Math.sqrt(4.5) });
});

test('an infinity or NaN that comes back is no error, one that does not is an infinite one', () => {
  const special = tensor('float32', [2], Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY));
  expect(measureDistance(special, special)).toEqual({ maxAbsoluteError: 0, rmsError: 0 });
  const other = tensor('float32', [2], Float32Array.of(Number.NaN, 3));
  expect(measureDistance(special, other).maxAbsoluteError).toBe(Number.POSITIVE_INFINITY);
});
