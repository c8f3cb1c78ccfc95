import { expect, test } from 'vitest';
import { besideChosen, paretoFront } from './ladder.js';
import { bytesAtDistance, coarsestThatHolds, meanLogRatio, scaleOfStep } from './search.js';

test('bisection finds the coarsest step that holds with few looks', async () => {
  for (const last of [0, 1, 17, 30]) {
    const looked: number[] = [];
    const found = await coarsestThatHolds(-1, 31, async (step) => {
      looked.push(step);
      return step <= last ? `at ${step}` : null;
    });
    expect(found).toEqual({ step: last, value: `at ${last}` });
    expect(looked.length).toBeLessThanOrEqual(6);
    expect(new Set(looked).size).toBe(looked.length);
  }
  expect(await coarsestThatHolds(-1, 31, async () => null)).toBeNull();
});

test('four steps of the grid double the scale', () => {
  expect(scaleOfStep(8) / scaleOfStep(4)).toBeCloseTo(2, 12);
});

test('bytes between two points follow a power law, outside there are none', () => {
  const curve = [
    { bytes: 100, distance: 0.01 },
    { bytes: 25, distance: 0.04 },
  ];
  expect(bytesAtDistance(curve, 0.02)).toBeCloseTo(50, 9);
  expect(bytesAtDistance(curve, 0.005)).toBeNull();
  expect(bytesAtDistance(curve, 0.05)).toBeNull();
  const half = curve.map(({ bytes, distance }) => ({ bytes: bytes / 2, distance }));
  expect(Math.exp(meanLogRatio(half, curve, { low: 0.001, high: 1 }))).toBeCloseTo(0.5, 9);
  expect(meanLogRatio(half, curve, { low: 1, high: 2 })).toBeNaN();
});

test('a point stays if none has both fewer bytes and less damage', () => {
  const point = (bytesPerSample: number, distance: number) => ({ bytesPerSample, distance });
  const points = [point(30, 0.2), point(10, 0.5), point(20, 0.6), point(40, 0.1), point(40, 0.2)];
  expect(paretoFront(points)).toEqual([point(10, 0.5), point(30, 0.2), point(40, 0.1)]);
});

test('a point that another one of its curve beats does not count', () => {
  const curve = [
    { bytes: 100, distance: 0.01 },
    { bytes: 25, distance: 0.04 },
  ];
  const noisy = [...curve, { bytes: 120, distance: 0.02 }, { bytes: 25, distance: 0.05 }];
  expect(bytesAtDistance(noisy, 0.02)).toBeCloseTo(50, 9);
  expect(bytesAtDistance(noisy, 0.045)).toBeNull();
});

test('a point of another family does not take the place of the chosen one', () => {
  const point = (bytesPerSample: number, distance: number) => ({ bytesPerSample, distance });
  const chosen = point(30, 0.2);
  const points = [point(10, 0.5), chosen, point(28, 0.15), point(40, 0.1)];
  expect(paretoFront(points)).not.toContain(chosen);
  expect(paretoFront(besideChosen(points, chosen))).toEqual([point(10, 0.5), chosen, point(40, 0.1)]);
});
