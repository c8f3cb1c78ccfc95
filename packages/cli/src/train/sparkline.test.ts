import { expect, test } from 'vitest';
import { sparkline } from './sparkline.js';

test('a falling course falls, on a logarithmic scale', () => {
  expect(sparkline([128, 64, 32, 16, 8, 4, 2, 1], 8)).toBe('█▇▆▅▄▃▂▁');
});

test('a long course is shown by parts, an even one at the bottom', () => {
  expect(
    sparkline(
      Array.from({ length: 1000 }, () => 3),
      5,
    ),
  ).toBe('▁▁▁▁▁');
  expect(sparkline([9, 9, 1, 1], 2)).toBe('█▁');
  expect(sparkline([], 5)).toBe('');
});
