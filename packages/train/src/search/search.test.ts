import { describe, expect, test } from 'vitest';
import { parameterCount } from '../units/parameters.js';
import { architectureName, createUnit, listArchitectures } from './architecture.js';
import { runSearch, type SearchRun } from './run-search.js';
import { planSearch, totalSteps } from './search-plan.js';

describe('architectures', () => {
  test('of maps and tokens are within the size that was asked for', () => {
    for (const [most, ...shape] of [
      [60_000, 32, 16, 16],
      [600_000, 2048, 7, 7],
      [20_000, 64, 1, 1],
      [60_000, 196, 384],
    ]) {
      const feature = { shape, rectified: true };
      const listed = listArchitectures(feature, most);
      expect(listed.length).toBeGreaterThan(0);
      expect(new Set(listed.map(architectureName)).size).toBe(listed.length);
      for (const architecture of listed) {
        const unit = createUnit(architecture, feature);
        expect(unit.featureShape).toEqual(shape);
        expect(parameterCount(unit.parameters)).toBeLessThanOrEqual(most);
      }
    }
  });

  test('of maps have a filter for each place that a stride passes, and fewer where there is no room', () => {
    const feature = { shape: [32, 16, 16], rectified: true };
    const filtersWithin = (most: number) =>
      listArchitectures(feature, most).map(
        (entry) => entry.kind === 'separable' && [entry.stride, entry.filters],
      );
    expect(filtersWithin(1e6).slice(0, 4)).toEqual([
      [2, 4],
      [2, 4],
      [4, 16],
      [1, 1],
    ]);
    expect(filtersWithin(13_000)[0]).toEqual([2, 2]);
  });

  test('of other features, or within too small a size, are none', () => {
    expect(() => listArchitectures({ shape: [10], rectified: true }, 1e6)).toThrow('got [10]');
    expect(() => listArchitectures({ shape: [32, 16, 16], rectified: true }, 10)).toThrow(
      'at most 10 parameters',
    );
  });
});

describe('a plan', () => {
  test.each([1, 50, 400, 1000, 5000, 60_000])('spends %i steps', (steps) => {
    const plan = planSearch({ steps, architectures: 6, rates: 5, latentElements: 768 });
    expect(totalSteps(plan)).toBeLessThanOrEqual(steps);
    expect(totalSteps(plan)).toBeGreaterThanOrEqual(0.95 * steps);
    expect(plan.longSteps).toBeGreaterThan(0);
    expect(plan.rates).toHaveLength(5);
    expect(plan.rates).toEqual([...plan.rates].sort((a, b) => b - a));
  });

  test('with few steps compares nothing', () => {
    const plan = planSearch({ steps: 300, architectures: 4, rates: 1, latentElements: 10 });
    expect(plan).toMatchObject({ rounds: [], longSteps: 135, shortSteps: 165, rates: [1] });
  });

  test('halves the architectures at equal cost of each round', () => {
    const { rounds } = planSearch({ steps: 4000, architectures: 6, rates: 5, latentElements: 10 });
    expect(rounds.map(({ architectures }) => architectures)).toEqual([4, 2]);
    expect(rounds[1].steps).toBe(2 * rounds[0].steps);
  });
});

describe('a search', () => {
  const plan = planSearch({ steps: 4000, architectures: 4, rates: 3, latentElements: 10 });
  /** The loss of each architecture; what is trained goes on from what it was. */
  const losses = [4, 2, 1, 3];

  test('keeps the better half of each round and descends from the best', async () => {
    const runs: SearchRun[] = [];
    const { ladder } = await runSearch(plan, async (run) => {
      runs.push(run);
      return { loss: losses[run.architecture], rate: 1000 };
    });
    expect(runs.map(({ id }) => id)).toEqual([
      ...['round-0-0', 'round-0-1', 'round-0-2', 'round-0-3', 'round-1-2', 'round-1-1'],
      ...['long', 'rung-0', 'rung-1', 'rung-2'],
    ]);
    expect(runs.map(({ start }) => start)).toEqual([
      ...[null, null, null, null, 'round-0-2', 'round-0-1'],
      ...['round-1-2', 'long', 'rung-0', 'rung-1'],
    ]);
    expect(ladder.map(({ freeBits }) => Math.round(freeBits))).toEqual([1600, 894, 500]);
    expect(ladder.every(({ architecture }) => architecture === 2)).toBe(true);
    expect(runs.at(-1)!.stepsBefore + runs.at(-1)!.steps).toBe(totalSteps(plan));
  });
});
