import { expect, test } from 'vitest';
import { partitionSamples } from './partition.js';

test('parts have no sample in common and hold as many as asked for', () => {
  for (const [length, count] of [
    [6, 6],
    [100, 37],
    [5000, 4000],
  ]) {
    const { design, selection, claim } = partitionSamples(length, count, 3);
    const all = [...design, ...selection, ...claim];
    expect(new Set(all).size).toBe(count);
    expect(all.every((sample) => sample >= 0 && sample < length)).toBe(true);
    expect(Math.min(design.length, selection.length, claim.length)).toBeGreaterThanOrEqual(2);
    expect(Math.abs(selection.length - claim.length)).toBeLessThanOrEqual(1);
  }
});

test('the same seed draws the same samples, another one others', () => {
  expect(partitionSamples(50, 20, 1)).toEqual(partitionSamples(50, 20, 1));
  expect(partitionSamples(50, 20, 1)).not.toEqual(partitionSamples(50, 20, 2));
});

test.each([
  [5, 5],
  [10, 11],
  [10, 6.5],
])('%d samples, %d asked for: refused', (length, count) => {
  expect(() => partitionSamples(length, count, 1)).toThrow(RangeError);
});
