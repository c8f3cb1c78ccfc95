/**
 * What TCP adds to a link, as far as it is modeled: segments, slow start, and one delay for each lost segment. Left out:
 * congestion avoidance after losses, queues that others fill, delayed acknowledgements, and the handshake, since
 * connections are kept open.
 */

import type { LinkProfile } from './link-profile.js';

/** Payload of a full segment over Ethernet with timestamps: 1500 - 20 (IPv4) - 32 (TCP). */
export const SEGMENT_BYTES = 1448;

/** Ten segments (RFC 6928), to which a window also falls back after an idle time (RFC 5681, section 4.1). */
export const INITIAL_WINDOW_BYTES = 10 * SEGMENT_BYTES;

/**
 * Time after which a lost segment is sent again: two round trips, as of a tail loss probe (RFC 8985, section 7.2). A loss
 * in the middle of a burst is often repaired in one; short transfers have no middle.
 */
export function retransmissionDelayMs({ roundTripMs }: LinkProfile): number {
  return 2 * roundTripMs;
}

/**
 * Time that a sender waits for acknowledgements because its window is smaller than what the link could carry, beyond
 * the time that the bytes take at the link's rate. The window starts at ten segments and doubles every round trip.
 * @param bytes - of the transfer
 * @param bytesPerMs - rate of the link
 */
export function slowStartMs(bytes: number, bytesPerMs: number, roundTripMs: number): number {
  let waitedMs = 0;
  let left = bytes;
  for (let window = INITIAL_WINDOW_BYTES; left > window; window *= 2) {
    const idleMs = roundTripMs - window / bytesPerMs;
    if (idleMs <= 0) break; // acknowledgements come while the window is still being sent
    waitedMs += idleMs;
    left -= window;
  }
  return waitedMs;
}
