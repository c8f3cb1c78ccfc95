import { tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { summarizeTensor } from './feature-summary.js';

test('a constant channel costs nothing, an even one all its bits', () => {
  const data = Float32Array.from({ length: 2 * 64 }, (_, i) => (i < 64 ? 0 : i % 8));
  const { histogram, channelBits, clip, low, high, shape } = summarizeTensor([
    tensor('float32', [1, 2, 8, 8], data),
  ]);
  expect(shape).toEqual([1, 2, 8, 8]);
  expect([low, high]).toEqual([0, 7]);
  expect(histogram.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  expect(histogram[0]).toBeCloseTo((64 + 8) / 128, 12);
  expect(channelBits[0]).toBe(0);
  expect(channelBits[1]).toBeGreaterThan(2.2);
  expect(channelBits[1]).toBeLessThanOrEqual(3);
  expect(clip.low).toBeGreaterThanOrEqual(0);
  expect(clip.high).toBeLessThanOrEqual(7.01);
});

test('channels of tokens are their last dimension', () => {
  const data = Float32Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 1 : i));
  const { channelBits } = summarizeTensor([tensor('float32', [1, 20, 2], data)]);
  expect(channelBits).toHaveLength(2);
  expect(channelBits[0]).toBe(0);
  expect(channelBits[1]).toBeGreaterThan(1);
});
