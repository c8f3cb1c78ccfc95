/**
 * How long a request and its answer take over a link, beside the work at both ends: an estimate by the model of
 * `tcp-model.ts`, never a measurement. The fixed part is exact within the model; the random part adds jitter, losses
 * and outages.
 */

import { type DelayLaw, lastSegmentDelay, outageDelay, quantilesOfSum, segmentDelay } from './delay.js';
import { checkLink, type LinkProfile } from './link-profile.js';
import { SEGMENT_BYTES, slowStartMs } from './tcp-model.js';

/** What crosses a link: all bytes above TCP. */
export interface Transfer {
  readonly uplinkBytes: number;
  readonly downlinkBytes: number;
}

/**
 * Of the connection: `busy` has sent so much lately that its window does not hold it up; `idle` starts with a window of
 * ten segments, in both directions.
 */
export type ConnectionState = 'busy' | 'idle';

/** Milliseconds of one request with its answer. */
export interface TransferEstimate {
  /** Bytes over the rate of the uplink. */
  readonly uplinkMs: number;
  /** Bytes over the rate of the downlink. */
  readonly downlinkMs: number;
  /** One round trip. */
  readonly roundTripMs: number;
  /** Waiting for acknowledgements in slow start, both directions. */
  readonly slowStartMs: number;
  /** Sum of the above: what it takes without jitter, losses and outages. */
  readonly fixedMs: number;
  /** Median with them. */
  readonly p50Ms: number;
  /** 95th percentile with them. */
  readonly p95Ms: number;
}

/**
 * Estimates a transfer.
 * @param connection - `busy` by default
 * @throws {RangeError} if the link is out of range or a trace, whose times `rateSchedule` tells, or a number of bytes is negative
 */
export function estimateTransfer(
  link: LinkProfile,
  { uplinkBytes, downlinkBytes }: Transfer,
  connection: ConnectionState = 'busy',
): TransferEstimate {
  checkLink(link);
  if (link.rates) throw new RangeError('link expected constant rates, got a trace');
  if (!(uplinkBytes >= 0 && downlinkBytes >= 0)) {
    throw new RangeError(`bytes expected 0 or more, got ${uplinkBytes} up and ${downlinkBytes} down`);
  }
  const up = directionOf(uplinkBytes, link.uplinkMbps, link, connection);
  const down = directionOf(downlinkBytes, link.downlinkMbps, link, connection);
  const waitedMs = up.slowStartMs + down.slowStartMs;
  const fixedMs = up.sendingMs + down.sendingMs + link.roundTripMs + waitedMs;
  const delays = [up.delay, down.delay];
  if (link.outage) delays.push(outageDelay(link.outage, fixedMs));
  const [p50, p95] = quantilesOfSum(delays, [0.5, 0.95]);
  return {
    uplinkMs: up.sendingMs,
    downlinkMs: down.sendingMs,
    roundTripMs: link.roundTripMs,
    slowStartMs: waitedMs,
    fixedMs,
    p50Ms: fixedMs + p50,
    p95Ms: fixedMs + p95,
  };
}

interface Direction {
  readonly sendingMs: number;
  readonly slowStartMs: number;
  readonly delay: DelayLaw;
}

/** 10^6 bits a second are 125 bytes a millisecond. */
const BYTES_PER_MS_OF_MBPS = 125;

function directionOf(bytes: number, mbps: number, link: LinkProfile, connection: ConnectionState): Direction {
  const bytesPerMs = mbps * BYTES_PER_MS_OF_MBPS;
  const segmentCount = Math.max(1, Math.ceil(bytes / SEGMENT_BYTES));
  return {
    sendingMs: bytes / bytesPerMs,
    slowStartMs: connection === 'idle' ? slowStartMs(bytes, bytesPerMs, link.roundTripMs) : 0,
    delay: lastSegmentDelay(segmentDelay(link), segmentCount, SEGMENT_BYTES / bytesPerMs),
  };
}
