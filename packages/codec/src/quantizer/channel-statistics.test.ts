import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { addChannelValues, createChannelStatistics, groupChannels } from './channel-statistics.js';
import { designRange } from './range-design.js';
import { mergeStatistics, statisticsOf } from './statistics.js';

const SHAPE = [3, 6, 5, 4];
const SCALES = [4, 0.5, 9, 0, 1, 30];

function draw(seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from(
    { length: 360 },
    (_, i) => Math.max(0, random.nextNormal()) * SCALES[Math.floor(i / 20) % 6],
  );
}

describe('channel statistics', () => {
  test('are those of each channel, over several tensors', () => {
    const statistics = createChannelStatistics(6);
    const tensors = [draw(1), draw(2)];
    for (const values of tensors) addChannelValues(statistics, values, SHAPE, 1);
    const whole = tensors.flatMap((values) =>
      [...values].map((value, i) => ({ value, channel: Math.floor(i / 20) % 6 })),
    );
    for (let channel = 0; channel < 6; channel++) {
      const own = whole.filter((entry) => entry.channel === channel).map(({ value }) => value);
      const expected = statisticsOf(Float32Array.from(own));
      expect(statistics[channel].histogram).toEqual(expected.histogram);
      expect(statistics[channel]).toMatchObject({ count: 120, low: expected.low, high: expected.high });
      expect(statistics[channel].mean).toBeCloseTo(expected.mean, 10);
    }
  });

  test('other shapes are refused', () => {
    const statistics = createChannelStatistics(6);
    expect(() => addChannelValues(statistics, draw(1), SHAPE, 0)).toThrow('got [3, 6, 5, 4] along 0');
    expect(() => addChannelValues(statistics, draw(1), [6, 6], 1)).toThrow('expected 360 elements');
  });
});

describe('groups', () => {
  const statistics = createChannelStatistics(6);
  addChannelValues(statistics, draw(3), SHAPE, 1);

  test('are of like size and nearly equal number', () => {
    expect(groupChannels(statistics, 3)).toEqual([1, 0, 2, 0, 1, 2]);
    expect(groupChannels(statistics, 1)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(groupChannels(statistics, 6)).toEqual([3, 1, 4, 0, 2, 5]);
    expect(groupChannels(statistics, 4).sort()).toEqual([0, 0, 1, 2, 2, 3]);
    expect(() => groupChannels(statistics, 7)).toThrow(RangeError);
    expect(() => groupChannels(statistics, 0)).toThrow(RangeError);
  });

  test('have less error with limits of their own than all channels with common ones', () => {
    const error = (parts: readonly (typeof statistics)[number][]): number => {
      const merged = mergeStatistics(parts);
      const { measured } = designRange(merged, { levelCount: 4, activation: 'relu' });
      return (measured.quantError + measured.clipError) * merged.count;
    };
    const groups = groupChannels(statistics, 3);
    const apart = [0, 1, 2].map((group) =>
      error(statistics.filter((_, channel) => groups[channel] === group)),
    );
    expect(apart.reduce((a, b) => a + b)).toBeLessThan(0.8 * error(statistics));
  });
});
