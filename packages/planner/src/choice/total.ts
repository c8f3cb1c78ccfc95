/**
 * The time from input to answer over a link. The stages follow each other, so that the median total is taken as the sum of
 * their medians: `a + b / bandwidth` with a fixed part and the bits that go up. Connections are taken to be open and warm.
 */

import type { Quantiles } from '@featherwire/inference';
import type { PlanLink, Way } from './way.js';

/** A total as a function of the uplink's bandwidth: `fixedMs + kilobits / Mbit/s`. */
export interface TotalLine {
  /** Everything that does not depend on the uplink's bandwidth, the answer's way down included. */
  readonly fixedMs: number;
  /** Thousands of bits that go up: milliseconds at 1 Mbit/s. */
  readonly kilobits: number;
}

/** Standard deviations from the median to the 95th percentile of a normal distribution. */
const P95_DEVIATIONS = 1.645;

/** The median total of a way for every bandwidth of the uplink. The downlink stays as the link has it. */
export function totalLine(way: Way, link: Pick<PlanLink, 'downlinkMbps' | 'roundTripMs'>): TotalLine {
  const computing = way.deviceMs.p50 + way.serverMs.p50;
  if (way.uplinkBytes.p50 === 0) return { fixedMs: computing, kilobits: 0 };
  const down = transferMs(way.downlinkBytes, link.downlinkMbps);
  return { fixedMs: computing + link.roundTripMs + down, kilobits: (8 * way.uplinkBytes.p50) / 1000 };
}

/**
 * Median and 95th percentile of a way's total. The spread of the total takes the stages as independent: distances
 * from the median to the 95th percentile add up as squares.
 */
export function totalOf(way: Way, link: PlanLink): Quantiles {
  const { fixedMs, kilobits } = totalLine(way, link);
  const p50 = fixedMs + kilobits / link.uplinkMbps;
  const spread = ({ p50: median, p95 }: Quantiles): number => p95 - median;
  const sends = way.uplinkBytes.p50 > 0;
  const spreads = [
    spread(way.deviceMs),
    spread(way.serverMs),
    transferMs(spread(way.uplinkBytes), link.uplinkMbps),
    sends ? P95_DEVIATIONS * (link.jitterMs ?? 0) : 0,
  ];
  return { p50, p95: p50 + Math.hypot(...spreads) };
}

function transferMs(bytes: number, mbps: number): number {
  return (8 * bytes) / (1000 * mbps);
}
