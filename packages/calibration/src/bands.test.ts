import { expect, test } from 'vitest';
import { bandsOf } from './bands.js';

const summaries = (shares: readonly number[]) =>
  shares.map((share) => ({ saturatedShare: 0, backgroundShare: share, low: 0, high: 1 }));

test('shares that hardly differ get a band that is not narrower than what matters', () => {
  const { saturated, background } = bandsOf(summaries([0.5, 0.5001, 0.4999, 0.5]));
  expect(background.high - background.mean).toBe(2 ** -8);
  expect(saturated).toEqual({ mean: 0, low: 0, high: 2 ** -10 });
});

test('a mean of tens of samples stays within the band of their kind, and leaves it when half of its spread is added', () => {
  const shares = Array.from({ length: 200 }, (_, i) => 0.4 + 0.2 * ((i * 0.618) % 1)); // even over 0.4 to 0.6
  const { background } = bandsOf(summaries(shares));
  const means = Array.from({ length: 160 }, (_, from) => {
    const part = shares.slice(from, from + 32);
    return part.reduce((sum, share) => sum + share, 0) / part.length;
  });
  for (const mean of means) {
    expect(mean).toBeGreaterThan(background.low);
    expect(mean).toBeLessThan(background.high);
    expect(mean + 0.1).toBeGreaterThan(background.high);
  }
});

test('bands are shares', () => {
  const { background } = bandsOf(summaries([0.99, 1, 0.9, 1]));
  expect(background.high).toBe(1);
});
