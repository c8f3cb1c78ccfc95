/**
 * A link on a simulated clock: when an exchange would be answered over it, by the same queue and segments that a lab plays,
 * without a socket and without waiting. One connection, kept open.
 */

import { checkLink, type LinkProfile, rateSchedule, SEGMENT_BYTES } from '@featherwire/link';
import { LinkQueue } from './link-queue.js';
import { SegmentModel } from './segment-model.js';

/** One exchange over a link. */
export interface VirtualExchange {
  readonly uplinkBytes: number;
  readonly downlinkBytes: number;
  /** Between the last byte of the request and the first of the answer. */
  readonly serverMs: number;
}

/** A link whose clock is the caller's; times are milliseconds since it began. */
export interface VirtualLink {
  /**
   * @param atMs - not before the last call's
   * @returns when the last byte of the answer arrives
   */
  exchange(exchange: VirtualExchange, atMs: number): number;
}

/**
 * Makes a link.
 * @param random - jitter and losses, uniform in [0, 1)
 * @throws {RangeError} if the link is out of range
 */
export function createVirtualLink(link: LinkProfile, random: () => number): VirtualLink {
  checkLink(link);
  const [uplink, downlink] = (['uplink', 'downlink'] as const).map(
    (direction) => new SegmentModel(link, new LinkQueue(rateSchedule(link, direction)), random),
  );
  return {
    exchange({ uplinkBytes, downlinkBytes, serverMs }, atMs) {
      return sendAll(downlink, downlinkBytes, sendAll(uplink, uplinkBytes, atMs) + serverMs);
    },
  };
}

/** @returns when the last segment arrives */
function sendAll(model: SegmentModel, byteLength: number, atMs: number): number {
  let nowMs = atMs;
  let arrivalMs = atMs;
  for (let left = byteLength; left > 0; left -= SEGMENT_BYTES) {
    const segment = Math.min(left, SEGMENT_BYTES);
    nowMs = model.opensAtMs(segment, nowMs);
    arrivalMs = model.send(segment, nowMs);
  }
  return arrivalMs;
}
