import { expect, test } from 'vitest';
import { distanceWithinLoss } from './loss-law.js';

const exact = (distances: readonly number[], lossOf: (distance: number) => number) =>
  distances.map((distance) => ({ distance, loss: lossOf(distance), error: 0.5 }));

test('losses on a line give the distance of the allowed one', () => {
  const probes = exact([0.02, 0.1, 0.4], (distance) => 10 * distance);
  expect(distanceWithinLoss(probes, 'linear', 1, 0)).toBeCloseTo(0.1, 12);
  const roots = exact([0.01, 0.04, 0.25], (distance) => 5 * Math.sqrt(distance));
  expect(distanceWithinLoss(roots, 'root', 1, 0)).toBeCloseTo(0.04, 12);
});

test('a coarse coding decides where a fine one says nothing', () => {
  const coarse = { distance: 0.4, loss: 4, error: 1 };
  const fine = { distance: 0.01, loss: -1.5, error: 1 };
  expect(distanceWithinLoss([coarse, fine], 'linear', 1, 0)).toBeCloseTo(0.1, 1);
});

test('errors are asked for in deviations, and do not shrink with more probes of the same samples', () => {
  const probe = { distance: 0.2, loss: 2, error: 1 };
  const one = distanceWithinLoss([probe], 'linear', 1, 1);
  expect(one).toBeCloseTo(1 / 15, 12); // slope 10, error 5
  expect(distanceWithinLoss([probe, probe, probe], 'linear', 1, 1)).toBeCloseTo(one, 12);
});

test('without any loss every distance is allowed', () => {
  expect(distanceWithinLoss([{ distance: 0.3, loss: -1, error: 0.5 }], 'linear', 1, 1)).toBe(
    Number.POSITIVE_INFINITY,
  );
});
