import { describe, expect, test } from 'vitest';
import { lastSegmentDelay, outageDelay, quantilesOfSum, segmentDelay } from './delay.js';
import type { LinkProfile } from './link-profile.js';
import { INITIAL_WINDOW_BYTES, SEGMENT_BYTES, slowStartMs } from './tcp-model.js';
import { estimateTransfer } from './transfer-time.js';

/** 1000 and 4000 bytes a millisecond. */
const LINK: LinkProfile = {
  name: 'test',
  uplinkMbps: 8,
  downlinkMbps: 32,
  roundTripMs: 40,
  jitterMs: 0,
  lossRate: 0,
};

describe('without disturbances', () => {
  test('a transfer takes bytes over rates and one round trip, and its quantiles are that', () => {
    const estimate = estimateTransfer(LINK, { uplinkBytes: 5000, downlinkBytes: 2000 });
    expect(estimate).toEqual({
      ...{ uplinkMs: 5, downlinkMs: 0.5, roundTripMs: 40, slowStartMs: 0 },
      ...{ fixedMs: 45.5, p50Ms: 45.5, p95Ms: 45.5 },
    });
  });

  test('an idle connection waits for acknowledgements until its window fills the link', () => {
    const wait = (bytes: number) => slowStartMs(bytes, 1000, 40);
    const window = INITIAL_WINDOW_BYTES; // 14.48 ms at this rate
    expect(wait(window)).toBe(0);
    expect(wait(window + 1)).toBeCloseTo(40 - 14.48, 9);
    expect(wait(3 * window + 1)).toBeCloseTo(40 - 14.48 + 40 - 28.96, 9);
    expect(wait(1e9)).toBe(wait(3 * window + 1)); // the third window takes longer than a round trip
    const { slowStartMs: waited } = estimateTransfer(
      LINK,
      { uplinkBytes: 2 * window, downlinkBytes: 0 },
      'idle',
    );
    expect(waited).toBeCloseTo(25.52, 9);
  });

  test('what is out of range is refused', () => {
    expect(() => estimateTransfer(LINK, { uplinkBytes: -1, downlinkBytes: 0 })).toThrow('bytes expected');
    const rates = { stepMs: 100, uplinkMbps: [1, 0] };
    expect(() => estimateTransfer({ ...LINK, rates }, { uplinkBytes: 1, downlinkBytes: 0 })).toThrow(
      'got a trace',
    );
    expect(() => estimateTransfer({ ...LINK, lossRate: 1 }, { uplinkBytes: 1, downlinkBytes: 0 })).toThrow(
      'lossRate',
    );
  });
});

describe('jitter', () => {
  test('of two single segments is the sum of two exponentials', () => {
    // Quantiles of the Erlang distribution of shape 2 and scale 1: 1.6783 and 4.7439.
    const link = { ...LINK, jitterMs: 10 };
    const { fixedMs, p50Ms, p95Ms } = estimateTransfer(link, { uplinkBytes: 1, downlinkBytes: 1 });
    expect(p50Ms - fixedMs).toBeCloseTo(16.783, 1);
    expect(p95Ms - fixedMs).toBeCloseTo(47.439, 0);
  });

  test('of several segments at once is that of the latest', () => {
    const law = lastSegmentDelay(segmentDelay({ ...LINK, jitterMs: 1 }), 4, 0.01);
    const expected = [0, 1, 2, 3].reduce((product, i) => product * (1 - Math.exp(-(2 + i / 100))), 1);
    expect(law.probability(2)).toBeCloseTo(expected, 12);
    expect(law.probability(-1e-9)).toBe(0);
  });
});

describe('losses', () => {
  test('delay by two round trips each', () => {
    const link = { ...LINK, lossRate: 0.1 };
    const { fixedMs, p50Ms, p95Ms } = estimateTransfer(link, { uplinkBytes: 1, downlinkBytes: 1 });
    expect(p50Ms).toBe(fixedMs); // 0.81 of the transfers lose nothing
    expect(Math.abs(p95Ms - fixedMs - 80)).toBeLessThan(1); // 0.99 lose at most one segment
  });

  test('of early segments are hidden by those that still come', () => {
    const probability = (count: number, spacingMs: number) =>
      lastSegmentDelay(segmentDelay({ ...LINK, lossRate: 0.1 }), count, spacingMs).probability(0);
    const kept = segmentDelay({ ...LINK, lossRate: 0.1 }).probability(0);
    expect(kept).toBeCloseTo(0.9, 4);
    expect(probability(10, 0.001)).toBeCloseTo(kept ** 10, 9);
    // A segment sent 80 ms before the last comes with it when it is lost once.
    expect(probability(3, 40)).toBeCloseTo(
      kept ** 2 * segmentDelay({ ...LINK, lossRate: 0.1 }).probability(80),
      9,
    );
  });
});

describe('outages', () => {
  const outage = { periodMs: 1000, outages: [{ startMs: 100, lengthMs: 200 }] };
  test('hold up a transfer that meets one', () => {
    const { probability, longestMs } = outageDelay(outage, 50);
    expect(longestMs).toBe(200);
    expect(probability(0)).toBeCloseTo(1 - 0.25, 12); // 200 ms inside, 50 ms before
    expect(probability(100)).toBeCloseTo(1 - 0.15, 12);
    expect(probability(200)).toBe(1);
    expect(outageDelay(outage, 5000).probability(0)).toBeCloseTo(0, 12);
  });

  test('show in the quantiles', () => {
    const link = { ...LINK, outage };
    const { fixedMs, p50Ms, p95Ms } = estimateTransfer(link, { uplinkBytes: 10_000, downlinkBytes: 0 });
    expect(fixedMs).toBe(50);
    expect(p50Ms).toBe(50);
    // 5 % of the starts wait longer than 150 ms of the outage, or all of it: P(wait > x) = 0.25 - x / 1000 = 0.05.
    expect(Math.abs(p95Ms - 50 - 200)).toBeLessThan(1);
  });
});

test('the sum of delays does not depend on their order', () => {
  const laws = [
    segmentDelay({ ...LINK, jitterMs: 5, lossRate: 0.02 }),
    outageDelay({ periodMs: 100, outages: [{ startMs: 0, lengthMs: 30 }] }, 10),
    lastSegmentDelay(segmentDelay({ ...LINK, jitterMs: 3 }), 20, SEGMENT_BYTES / 1000),
  ];
  const [forward, backward] = [laws, [...laws].reverse()].map((order) =>
    quantilesOfSum(order, [0.2, 0.5, 0.95]),
  );
  for (const [i, value] of forward.entries()) expect(Math.abs(value - backward[i])).toBeLessThan(0.5);
  expect(forward).toEqual([...forward].sort((a, b) => a - b));
});
