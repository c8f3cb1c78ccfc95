import { describe, expect, test } from 'vitest';
import { minimizeOnInterval, minimizePair } from './minimize.js';

describe('minimizeOnInterval', () => {
  test('finds a minimum inside and at either end', () => {
    expect(minimizeOnInterval((x) => (x - 0.3) ** 2, -1, 2)).toBeCloseTo(0.3, 7);
    expect(minimizeOnInterval((x) => x, -1, 2)).toBeCloseTo(-1, 10);
    expect(minimizeOnInterval((x) => -x, -1, 2)).toBeCloseTo(2, 10);
  });

  test('stops at the tolerance', () => {
    let count = 0;
    minimizeOnInterval(
      (x) => {
        count++;
        return (x - 1) ** 2;
      },
      0,
      3,
      1e-3,
    );
    expect(count).toBeLessThan(20);
  });
});

describe('minimizePair', () => {
  test('finds the minimum of a valley', () => {
    const [x, y] = minimizePair(([a, b]) => (1 - a) ** 2 + 100 * (b - a * a) ** 2, [-1.2, 1], [0.1, 0.1]);
    expect(x).toBeCloseTo(1, 4);
    expect(y).toBeCloseTo(1, 4);
  });

  test('stays where the function is defined', () => {
    const [x, y] = minimizePair(([a, b]) => (a < b ? a * a + (b - 2) ** 2 : Infinity), [-1, 1], [0.5, 0.5]);
    expect(x).toBeCloseTo(0, 5);
    expect(y).toBeCloseTo(2, 5);
  });
});
