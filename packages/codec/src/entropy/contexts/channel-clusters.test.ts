import { describe, expect, test } from 'vitest';
import { clusterChannels } from './channel-clusters.js';

const alphabet = { levelCount: 3, background: 0 };

/** Counts of two bins, of so many symbols, in one of two distributions. */
function channelOf(kind: 0 | 1, symbols: number): Float64Array {
  const shares = kind === 0 ? [0.9, 0.05, 0.05, 0.2, 0.4, 0.4] : [0.3, 0.3, 0.4, 0.05, 0.05, 0.9];
  return Float64Array.from(shares, (share) => Math.round(share * symbols));
}

describe('clusters of channels', () => {
  test('are channels of like statistics, whatever their number and order', () => {
    const kinds = Array.from({ length: 21 }, (_, channel) => (channel % 3 === 0 ? 1 : 0) as 0 | 1);
    const { classOfChannel, classCounts } = clusterChannels(
      kinds.map((kind) => channelOf(kind, 2_000)),
      alphabet,
    );
    expect([...classOfChannel]).toEqual(kinds);
    expect(classCounts.map((counts) => counts[0])).toEqual([14 * 1_800, 7 * 600]);
  });

  test('are one where tables would take more than they save', () => {
    const kinds = [0, 1, 0, 1] as const;
    const { classOfChannel } = clusterChannels(
      kinds.map((kind) => channelOf(kind, 5)),
      alphabet,
    );
    expect([...classOfChannel]).toEqual([0, 0, 0, 0]);
  });

  test('are at most 64, of many channels', () => {
    const channels = Array.from({ length: 300 }, (_, channel) => {
      const zeros = 100 * channel;
      return Float64Array.of(zeros, 30_000 - zeros, 50, 10, 10, 10);
    });
    const { classOfChannel, classCounts } = clusterChannels(channels, alphabet);
    expect(classCounts.length).toBeGreaterThan(8);
    expect(classCounts.length).toBeLessThanOrEqual(64);
    expect(new Set(classOfChannel).size).toBe(classCounts.length);
  });
});
