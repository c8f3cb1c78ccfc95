import {
  estimateTransfer,
  INITIAL_WINDOW_BYTES,
  type LinkProfile,
  rateSchedule,
  SEGMENT_BYTES,
  slowStartMs,
} from '@featherwire/link';
import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { LinkQueue } from './link-queue.js';
import { SegmentModel } from './segment-model.js';

/** 1000 bytes a millisecond up. */
const LINK: LinkProfile = {
  name: 'test',
  uplinkMbps: 8,
  downlinkMbps: 16,
  roundTripMs: 40,
  jitterMs: 0,
  lossRate: 0,
};
const SEED = 5;

const queueOf = (changes: Partial<LinkProfile>) =>
  new LinkQueue(rateSchedule({ ...LINK, ...changes }, 'uplink'));

function modelOf(changes: Partial<LinkProfile> = {}, queue?: LinkQueue): SegmentModel {
  const link = { ...LINK, ...changes };
  const random = createRandom(SEED);
  return new SegmentModel(link, queue ?? queueOf(changes), () => random.nextUniform());
}

/** Sends bytes as fast as the window allows. @returns the arrival of each segment */
function sendAll(model: SegmentModel, bytes: number, beginMs = 0): number[] {
  const arrivals: number[] = [];
  let nowMs = beginMs;
  for (let left = bytes; left > 0; left -= SEGMENT_BYTES) {
    const segment = Math.min(left, SEGMENT_BYTES);
    nowMs = model.opensAtMs(segment, nowMs);
    arrivals.push(model.send(segment, nowMs));
  }
  return arrivals;
}

describe('rate and delay', () => {
  test('bytes take their number over the rate, and half a round trip', () => {
    const bytes = INITIAL_WINDOW_BYTES;
    expect(sendAll(modelOf(), bytes).at(-1)).toBeCloseTo(bytes / 1000 + 20, 9);
    expect(sendAll(modelOf({ uplinkMbps: 80 }), bytes).at(-1)).toBeCloseTo(bytes / 10_000 + 20, 9);
    expect(sendAll(modelOf(), 1)).toEqual([20.001]);
  });

  test('connections share the rate in the order in which they send', () => {
    const queue = queueOf({});
    const [a, b] = [modelOf({}, queue), modelOf({}, queue)];
    expect([a.send(1000, 0), b.send(500, 0), a.send(1000, 0.2), b.send(100, 9)]).toEqual([
      21, 21.5, 22.5, 29.1,
    ]);
  });
});

describe('slow start', () => {
  test('waits as long as the estimate says, to a segment a round trip', () => {
    for (const windows of [1, 2, 4, 8, 40]) {
      const bytes = windows * INITIAL_WINDOW_BYTES;
      const waitedMs = sendAll(modelOf(), bytes).at(-1)! - bytes / 1000 - 20;
      const expectedMs = slowStartMs(bytes, 1000, 40);
      expect(waitedMs).toBeGreaterThanOrEqual(expectedMs - 1e-9);
      expect(waitedMs).toBeLessThanOrEqual(expectedMs + (2 * SEGMENT_BYTES) / 1000 + 1e-9);
    }
  });

  test('is over on a busy connection and begins again on an idle one', () => {
    const model = modelOf();
    const bytes = 4 * INITIAL_WINDOW_BYTES;
    const durationAt = (beginMs: number) => sendAll(model, bytes, beginMs).at(-1)! - beginMs;
    const first = durationAt(0);
    expect(durationAt(300)).toBeCloseTo(bytes / 1000 + 20, 9);
    expect(durationAt(2000)).toBeCloseTo(first, 9);
  });
});

describe('jitter and losses', () => {
  test('segments arrive in the order of their sending', () => {
    const arrivals = sendAll(modelOf({ jitterMs: 30, lossRate: 0.2 }), 300 * SEGMENT_BYTES);
    expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
  });

  /** Delays of single segments, each sent long after the last. */
  function delaysOf(changes: Partial<LinkProfile>, count = 4000): number[] {
    const model = modelOf(changes);
    return Array.from({ length: count }, (_, i) => model.send(1000, i * 1000) - i * 1000 - 21);
  }

  test('jitter has its mean, and an exponential distribution', () => {
    const delays = delaysOf({ jitterMs: 10 });
    expect(delays.reduce((sum, ms) => sum + ms, 0) / delays.length / 10).toBeCloseTo(1, 1);
    expect(delays.filter((ms) => ms > 10).length / delays.length).toBeCloseTo(Math.exp(-1), 1);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(-1e-9);
  });

  test('a loss costs two round trips each time', () => {
    const losses = delaysOf({ lossRate: 0.3 }).map((ms) => Math.round(ms / 80));
    const share = (count: number) => losses.filter((found) => found === count).length / losses.length;
    for (const count of [0, 1, 2]) expect(share(count)).toBeCloseTo(0.7 * 0.3 ** count, 1);
  });
});

describe('outages', () => {
  const outage = {
    periodMs: 100,
    outages: [
      { startMs: 10, lengthMs: 30 },
      { startMs: 90, lengthMs: 10 },
    ],
  };
  test.each([
    ['before one', 0, 5000, 5],
    ['up to one', 0, 10_000, 10],
    ['across one', 0, 12_000, 42],
    ['inside one', 20, 5000, 45],
    ['at the end of one', 40, 5000, 45],
    ['across two', 5, 60_000, 105],
    ['through many', 0, 600_000, 990],
    ['in a later period', 5012, 1000, 5041],
  ])('%s, what is sent then goes on after it', (_, beginMs, bytes, doneMs) => {
    expect(queueOf({ outage }).send(bytes, beginMs)).toBeCloseTo(doneMs, 9);
  });

  test('none are none', () => {
    expect(queueOf({ outage: { periodMs: 10, outages: [] } }).send(100_000, 0)).toBe(100);
  });
});

describe('recorded rates', () => {
  const rates = { stepMs: 100, uplinkMbps: [8, 0, 0.8] };
  test.each([
    ['within a step', 10, 50_000, 60],
    ['up to the end of a step', 0, 100_000, 100],
    ['across an outage', 0, 105_000, 250],
    ['from an outage', 150, 1000, 210],
    ['into the next round of the trace', 300, 8000, 308],
    ['through a round', 0, 111_000, 301],
  ])('%s', (_, beginMs, bytes, doneMs) => {
    expect(queueOf({ rates }).send(bytes, beginMs)).toBeCloseTo(doneMs, 9);
  });
});

test('many transfers have the quantiles of the estimate', () => {
  const link = { ...LINK, uplinkMbps: 12, downlinkMbps: 12, jitterMs: 8, lossRate: 0.01 };
  const random = createRandom(SEED);
  const draw = () => random.nextUniform();
  const totals: number[] = [];
  for (let run = 0; run < 4000; run++) {
    // New models each time: nothing that was sent before is still on its way.
    const [up, down] = [12, 12].map((mbps) => new SegmentModel(link, queueOf({ uplinkMbps: mbps }), draw));
    const arrivedMs = sendAll(up, 9000).at(-1)!;
    totals.push(sendAll(down, 3000, arrivedMs).at(-1)!);
  }
  totals.sort((a, b) => a - b);
  const { p50Ms, p95Ms } = estimateTransfer(link, { uplinkBytes: 9000, downlinkBytes: 3000 });
  expect(totals[totals.length >> 1] / p50Ms).toBeCloseTo(1, 1);
  expect(Math.abs(totals[totals.length >> 1] - p50Ms)).toBeLessThan(1);
  expect(Math.abs(totals[Math.floor(0.95 * totals.length)] / p95Ms - 1)).toBeLessThan(0.04);
});
