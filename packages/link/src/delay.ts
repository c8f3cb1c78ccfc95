/**
 * Distributions of delays as cumulative probabilities on a grid: one segment, the last of several, an outage, sums of
 * independent ones, quantiles.
 */

import type { LinkProfile, OutageTrace } from './link-profile.js';
import { retransmissionDelayMs } from './tcp-model.js';

/** The probability that a delay is at most so many milliseconds, and where it is as good as 1. */
export interface DelayLaw {
  readonly probability: (ms: number) => number;
  readonly longestMs: number;
}

/** What is left of a tail where it counts as over: far below the shares that are asked for. */
const NEGLIGIBLE = 1e-4;
/** A factor that changes no product of the segments of a transfer. */
const CERTAIN = 1 - 1e-9;

/** What a segment takes longer than without jitter and losses: exponential jitter, geometric retransmissions. */
export function segmentDelay(link: LinkProfile): DelayLaw {
  const { jitterMs, lossRate } = link;
  const repeatMs = retransmissionDelayMs(link);
  const most = lossRate === 0 ? 0 : Math.ceil(Math.log(NEGLIGIBLE) / Math.log(lossRate));
  const jitter = (ms: number): number => {
    if (ms < 0) return 0;
    return jitterMs === 0 ? 1 : -Math.expm1(-ms / jitterMs);
  };
  return {
    longestMs: most * repeatMs - Math.log(NEGLIGIBLE) * jitterMs,
    probability: (ms) => {
      let sum = 0;
      for (let losses = 0; losses <= most; losses++) {
        sum += (1 - lossRate) * lossRate ** losses * jitter(ms - losses * repeatMs);
      }
      return sum / (1 - lossRate ** (most + 1));
    },
  };
}

/**
 * What the last of several segments takes longer. Segments are handed on in order: one sent d earlier than the last may
 * be d later than it without being noticed, so the distribution is the product over all segments of F(x + d).
 * @param count - of segments, at least 1
 * @param spacingMs - between their sending
 */
export function lastSegmentDelay(one: DelayLaw, count: number, spacingMs: number): DelayLaw {
  const relevant = Math.min(count, 1 + Math.ceil(one.longestMs / spacingMs));
  return {
    longestMs: one.longestMs,
    probability: (ms) => {
      if (ms < 0) return 0;
      let product = 1;
      for (let i = 0; i < relevant; i++) {
        const factor = one.probability(ms + i * spacingMs);
        product *= factor;
        if (factor > CERTAIN) break; // and those before it are more certain still
      }
      return product;
    },
  };
}

/**
 * What a transfer that starts at any time of a trace waits: in an outage for its end, before one for all of it if it
 * meets it. At most one outage is counted.
 * @param durationMs - of the transfer without it
 */
export function outageDelay({ periodMs, outages }: OutageTrace, durationMs: number): DelayLaw {
  const lengths = outages.map(({ lengthMs }) => lengthMs);
  // The gap before an outage is where a transfer starts that meets it.
  const gaps = outages.map(({ startMs }, i) => {
    const before = i === 0 ? outages[outages.length - 1] : outages[i - 1];
    return startMs - (before.startMs + before.lengthMs) + (i === 0 ? periodMs : 0);
  });
  return {
    longestMs: Math.max(0, ...lengths),
    probability: (ms) => {
      if (ms < 0) return 0;
      const delayed = lengths.reduce(
        (sum, length, i) => sum + (length > ms ? length - ms + Math.min(durationMs, gaps[i]) : 0),
        0,
      );
      return 1 - delayed / periodMs;
    },
  };
}

/** Cells of the grid; the quantiles are off by at most half a cell, and by much less for smooth distributions. */
const CELL_COUNT = 256;

/** Quantiles of the sum of independent delays. @param shares - in (0, 1) */
export function quantilesOfSum(delays: readonly DelayLaw[], shares: readonly number[]): number[] {
  const longestMs = delays.reduce((sum, delay) => sum + delay.longestMs, 0);
  if (longestMs === 0) return shares.map(() => 0);
  const cellMs = longestMs / CELL_COUNT;
  const tables = delays.map(({ probability }) =>
    Float64Array.from({ length: CELL_COUNT + 1 }, (_, cell) => probability(cell * cellMs)),
  );
  const total = tables.reduce<Float64Array>(convolve, nothing());
  return shares.map((share) => quantile(total, share) * cellMs);
}

/** A delay that is 0 for sure. */
function nothing(): Float64Array {
  return new Float64Array(CELL_COUNT + 1).fill(1);
}

/**
 * P(A + B ≤ t) on the grid: what B has at 0 stands there, what it has in a cell is spread evenly over the cell, so that
 * the mean of A's probabilities at both ends of the cell counts.
 */
function convolve(a: Float64Array, b: Float64Array): Float64Array {
  const sum = new Float64Array(a.length);
  for (let t = 0; t < a.length; t++) {
    sum[t] = a[t] * b[0];
    for (let cell = 1; cell <= t; cell++) {
      sum[t] += ((b[cell] - b[cell - 1]) * (a[t - cell] + a[t - cell + 1])) / 2;
    }
  }
  return sum;
}

/** In cells, between grid points by straight lines. */
function quantile(probabilities: Float64Array, share: number): number {
  const above = probabilities.findIndex((probability) => probability >= share);
  if (above < 0) return probabilities.length - 1;
  if (above === 0) return 0;
  const [low, high] = [probabilities[above - 1], probabilities[above]];
  return above - 1 + (share - low) / (high - low);
}
