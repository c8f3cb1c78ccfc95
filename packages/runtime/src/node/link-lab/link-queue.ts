/**
 * The bottleneck of one direction of a link: a token bucket of one segment with a queue that is served in order, shared
 * by all connections. While there is an outage nothing is sent; what is being sent then goes on after it.
 */

import type { OutageTrace } from '@featherwire/link';

/** 10^6 bits a second are 125 bytes a millisecond. */
const BYTES_PER_MS_OF_MBPS = 125;

/** One direction of a link; times are milliseconds since the lab began. */
export class LinkQueue {
  readonly #bytesPerMs: number;
  readonly #outage: OutageTrace | undefined;
  #freeAtMs = 0;

  constructor(mbps: number, outage?: OutageTrace) {
    this.#bytesPerMs = mbps * BYTES_PER_MS_OF_MBPS;
    this.#outage = outage;
  }

  /**
   * Takes a segment behind those that were taken before.
   * @param nowMs - not before the last call's
   * @returns when its last byte leaves
   */
  send(byteLength: number, nowMs: number): number {
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = this.#afterWork(startMs, byteLength / this.#bytesPerMs);
    return this.#freeAtMs;
  }

  /** When work of some length that begins at some time is done, outages left out. */
  #afterWork(startMs: number, workMs: number): number {
    if (!this.#outage || this.#outage.outages.length === 0) return startMs + workMs;
    let nowMs = startMs;
    let leftMs = workMs;
    for (;;) {
      const next = nextOutage(this.#outage, nowMs);
      // An outage that begins where the work ends does not hold it up.
      if (next.startMs >= nowMs + leftMs) return nowMs + leftMs;
      leftMs -= Math.max(0, next.startMs - nowMs);
      nowMs = next.endMs;
    }
  }
}

/** The first outage that ends after a time. */
function nextOutage(
  { periodMs, outages }: OutageTrace,
  nowMs: number,
): { readonly startMs: number; readonly endMs: number } {
  const begunMs = Math.floor(nowMs / periodMs) * periodMs;
  const found = outages.find(({ startMs, lengthMs }) => begunMs + startMs + lengthMs > nowMs);
  const { startMs, lengthMs } = found ?? outages[0];
  const start = begunMs + startMs + (found ? 0 : periodMs);
  return { startMs: start, endMs: start + lengthMs };
}
