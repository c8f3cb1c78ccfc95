import { expect, test } from 'vitest';
import { bestFamilies, distanceAtStep, type ScreenedFamily, stepAtDistance } from './screening.js';

const screenedOf = (name: string, curve: ScreenedFamily['curve']): ScreenedFamily => ({
  family: { name, kind: 'range', lambda: 0, create: () => null },
  curve,
});
const point = (step: number, distance: number, bytes = 1) => ({ step, distance, bytes });
const screened = screenedOf('', [point(20, 0.4), point(16, 0.1), point(12, 0.025)]);

test('steps at a damage lie between those of a curve, and at its ends outside', () => {
  expect([0.4, 0.2, 0.1, 0.05, 0.025].map((distance) => stepAtDistance(screened, distance))).toEqual([
    20, 18, 16, 14, 12,
  ]);
  expect([1, 0.001].map((distance) => stepAtDistance(screened, distance))).toEqual([20, 12]);
});

test('a damage at a step is that between its neighbors, and none beyond the curve', () => {
  expect(distanceAtStep(screened, 16)).toBe(0.1);
  expect(distanceAtStep(screened, 18)).toBeCloseTo(0.2, 9);
  expect([11, 21].map((step) => distanceAtStep(screened, step))).toEqual([null, null]);
});

test('families are ranked by their bytes about a damage', () => {
  const family = (name: string, coarse: number, fine: number): ScreenedFamily =>
    screenedOf(name, [point(20, 1, coarse), point(10, 0.01, fine)]);
  const families = [family('even', 20, 200), family('coarse', 5, 800), family('fine', 80, 100)];
  const names = (distance: number, count: number) =>
    bestFamilies(families, distance, count).map(({ family: { name } }) => name);
  expect(names(1, 3)).toEqual(['coarse', 'even', 'fine']);
  expect(names(0.01, 2)).toEqual(['fine', 'even']);
  expect(names(0.1, 9)).toHaveLength(3);
});
