import { describe, expect, test } from 'vitest';
import { averagedAt, batchAt, hardnessAt, learningRateAt, noiseAt, stepSizesAt } from './schedule.js';

const schedule = { stepCount: 100, learningRate: 0.5, warmUpSteps: 10, roundedShare: 0.25 };

describe('schedule', () => {
  test('the learning rate rises to its highest and falls to a hundredth of it', () => {
    expect(learningRateAt(schedule, 0)).toBeCloseTo(0.05);
    expect(learningRateAt(schedule, 10)).toBeCloseTo(0.5);
    expect(learningRateAt(schedule, 55)).toBeCloseTo(0.2525);
    expect(learningRateAt(schedule, 100)).toBeCloseTo(0.005);
  });

  test('latents are rounded in the last share of the steps', () => {
    expect([0, 74, 75, 99].map((step) => hardnessAt(schedule, step))).toEqual([0, 0, 1, 1]);
  });

  test('parameters are averaged over the last share of the steps, and not at all by default', () => {
    const averaged = { ...schedule, averagedShare: 0.2 };
    expect([0, 79, 80, 99].map((step) => averagedAt(averaged, step))).toEqual([0, 0, 1, 20]);
    expect([0, 99].map((step) => averagedAt(schedule, step))).toEqual([0, 0]);
  });

  test('sizes of steps lie in their range, evenly by their logarithm, and follow from seed and step', () => {
    const sizes = stepSizesAt(20_000, { smallest: 0.5, largest: 8 }, 4, 9);
    expect(sizes.every((size) => size >= 0.5 && size <= 8)).toBe(true);
    const logs = [...sizes].map((size) => Math.log2(size));
    expect(logs.reduce((sum, log) => sum + log, 0) / logs.length).toBeCloseTo(1, 1);
    expect(stepSizesAt(20_000, { smallest: 0.5, largest: 8 }, 4, 9)).toEqual(sizes);
    expect(stepSizesAt(20_000, { smallest: 0.5, largest: 8 }, 4, 10)).not.toEqual(sizes);
  });

  test('an epoch has each item once, the next one in another order', () => {
    const at = batchAt(12, 4, 3);
    const epoch = (first: number): number[] => [0, 1, 2].flatMap((step) => [...at(first + step)]);
    expect([...epoch(0)].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(epoch(3)).not.toEqual(epoch(0));
    expect([...epoch(3)].sort((a, b) => a - b)).toEqual([...epoch(0)].sort((a, b) => a - b));
  });

  test('a step has the same batch and noise whichever step a run begins with', () => {
    expect([...batchAt(10, 3, 1)(7)]).toEqual([
      ...[...Array(8)].map((_, step) => batchAt(10, 3, 1)(step))[7],
    ]);
    expect(noiseAt(5, 1, 7)).toEqual(noiseAt(5, 1, 7));
    expect(noiseAt(5, 1, 7)).not.toEqual(noiseAt(5, 1, 8));
    expect(noiseAt(5, 1, 7)).not.toEqual(noiseAt(5, 2, 7));
    expect(noiseAt(5, 1, 7, 'hyperNoise')).not.toEqual(noiseAt(5, 1, 7));
  });

  test('noise lies within half a step and has the variance of a twelfth', () => {
    const noise = noiseAt(20_000, 4, 0);
    expect(noise.every((x) => x >= -0.5 && x < 0.5)).toBe(true);
    expect(noise.reduce((sum, x) => sum + x * x, 0) / noise.length).toBeCloseTo(1 / 12, 2);
  });

  test('fewer items than a batch are refused', () => {
    expect(() => batchAt(3, 4, 1)).toThrow('count expected at least 4, got 3');
  });
});
