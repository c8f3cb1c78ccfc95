import { expect, test } from 'vitest';
import { quantiles } from './quantiles.js';

test('quantiles are measured values', () => {
  expect(quantiles([3])).toEqual({ p50: 3, p95: 3 });
  expect(quantiles(Array.from({ length: 100 }, (_, i) => 100 - i))).toEqual({ p50: 50, p95: 95 });
});
