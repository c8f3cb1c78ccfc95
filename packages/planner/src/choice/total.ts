/**
 * The time from input to answer over a link. The stages follow each other, so that the median total is taken as the sum of
 * their medians, with the transfer by the model of package `link` over a connection that is open and busy. Without jitter
 * and losses it is `a + b / bandwidth`, with a fixed part and the bits that go up.
 */

import type { Quantiles } from '@featherwire/inference';
import { estimateTransfer, type LinkProfile } from '@featherwire/link';
import type { Way } from './way.js';

/** A total without jitter and losses as a function of the uplink's bandwidth: `fixedMs + kilobits / Mbit/s`. */
export interface TotalLine {
  /** Everything that does not depend on the uplink's bandwidth, the answer's way down included. */
  readonly fixedMs: number;
  /** Thousands of bits that go up: milliseconds at 1 Mbit/s. */
  readonly kilobits: number;
}

/** The median total of a way for every bandwidth of the uplink. The downlink stays as the link has it. */
export function totalLine(way: Way, link: LinkProfile): TotalLine {
  const computing = way.deviceMs.p50 + way.serverMs.p50 + way.exchangeMs.p50;
  if (way.kind === 'device') return { fixedMs: computing, kilobits: 0 };
  const { downlinkMs, roundTripMs } = transferOf(way, link);
  return { fixedMs: computing + roundTripMs + downlinkMs, kilobits: (8 * way.uplinkBytes.p50) / 1000 };
}

/**
 * Median and 95th percentile of a way's total. The spread of the total takes the stages as independent: distances
 * from the median to the 95th percentile add up as squares.
 */
export function totalOf(way: Way, link: LinkProfile): Quantiles {
  const spread = ({ p50: median, p95 }: Quantiles): number => p95 - median;
  const computing = way.deviceMs.p50 + way.serverMs.p50 + way.exchangeMs.p50;
  const spreads = [way.deviceMs, way.serverMs, way.exchangeMs].map(spread);
  if (way.kind === 'device') return { p50: computing, p95: computing + Math.hypot(...spreads) };
  const { p50Ms, p95Ms } = transferOf(way, link);
  const bytesSpreadMs = (8 * spread(way.uplinkBytes)) / (1000 * link.uplinkMbps);
  const p50 = computing + p50Ms;
  return { p50, p95: p50 + Math.hypot(...spreads, p95Ms - p50Ms, bytesSpreadMs) };
}

function transferOf({ uplinkBytes, downlinkBytes }: Way, link: LinkProfile) {
  return estimateTransfer(link, { uplinkBytes: uplinkBytes.p50, downlinkBytes });
}
