/**
 * What becomes of the segments of one connection in one direction, in virtual time: the window that lets them go, the
 * shared queue, the way, jitter, losses, and the order in which they are handed on. The model is that of
 * `estimateTransfer` in `@featherwire/link`; both cite the same constants.
 */

import { INITIAL_WINDOW_BYTES, type LinkProfile, retransmissionDelayMs } from '@featherwire/link';
import type { LinkQueue } from './link-queue.js';

/** Least time without sending after which the window begins anew, beside a round trip: the usual bound of timeouts. */
const IDLE_RESET_MS = 200;

/** Segments of one direction of a connection; times are milliseconds since the lab began and never go back. */
export class SegmentModel {
  readonly #link: LinkProfile;
  readonly #queue: LinkQueue;
  readonly #random: () => number;
  /** Sent and not acknowledged; acknowledgements come in order. */
  #unacknowledged: { readonly byteLength: number; readonly acknowledgedMs: number }[] = [];
  #inFlightBytes = 0;
  #windowBytes = INITIAL_WINDOW_BYTES;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #lastArrivalMs = 0;

  /** @param random - uniform in [0, 1) */
  constructor(link: LinkProfile, queue: LinkQueue, random: () => number) {
    this.#link = link;
    this.#queue = queue;
    this.#random = random;
  }

  /** When the window lets the next segment go: now, or at the acknowledgement that makes room for it. */
  opensAtMs(byteLength: number, nowMs: number): number {
    this.#acknowledge(nowMs);
    let [inFlight, window] = [this.#inFlightBytes, this.#windowBytes];
    let openMs = nowMs;
    for (const sent of this.#unacknowledged) {
      if (inFlight + byteLength <= window) break;
      inFlight -= sent.byteLength;
      window += sent.byteLength;
      openMs = sent.acknowledgedMs;
    }
    return openMs;
  }

  /**
   * Sends a segment.
   * @param nowMs - not before `opensAtMs`
   * @returns when it is handed on at the other end, never before the one sent before it
   */
  send(byteLength: number, nowMs: number): number {
    const { roundTripMs } = this.#link;
    this.#acknowledge(nowMs);
    const isIdle = this.#inFlightBytes === 0 && nowMs - this.#lastSentMs > IDLE_RESET_MS + roundTripMs;
    if (isIdle) this.#windowBytes = INITIAL_WINDOW_BYTES;
    const leftMs = this.#queue.send(byteLength, nowMs);
    const arrivalMs = Math.max(leftMs + roundTripMs / 2 + this.#disturbanceMs(), this.#lastArrivalMs);
    this.#unacknowledged.push({ byteLength, acknowledgedMs: arrivalMs + roundTripMs / 2 });
    this.#inFlightBytes += byteLength;
    this.#lastSentMs = leftMs;
    this.#lastArrivalMs = arrivalMs;
    return arrivalMs;
  }

  /** Slow start: the window grows by what is acknowledged. */
  #acknowledge(nowMs: number): void {
    let count = 0;
    for (const { byteLength, acknowledgedMs } of this.#unacknowledged) {
      if (acknowledgedMs > nowMs) break;
      this.#inFlightBytes -= byteLength;
      this.#windowBytes += byteLength;
      count++;
    }
    if (count > 0) this.#unacknowledged = this.#unacknowledged.slice(count);
  }

  /** Jitter by inversion of the exponential distribution, and one delay for each time that the segment is lost. */
  #disturbanceMs(): number {
    const { jitterMs, lossRate } = this.#link;
    let disturbanceMs = jitterMs === 0 ? 0 : -jitterMs * Math.log1p(-this.#random());
    while (lossRate > 0 && this.#random() < lossRate) disturbanceMs += retransmissionDelayMs(this.#link);
    return disturbanceMs;
  }
}
