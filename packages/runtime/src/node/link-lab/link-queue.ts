/**
 * The bottleneck of one direction of a link: a token bucket of one segment with a queue that is served in order, shared
 * by all connections, at the rates of a schedule. While there is an outage nothing is sent; what is being sent then goes on
 * after it.
 */

import { type RateSchedule, sentAtMs } from '@featherwire/link';

/** One direction of a link; times are milliseconds since the lab began. */
export class LinkQueue {
  readonly #schedule: RateSchedule;
  #freeAtMs = 0;

  constructor(schedule: RateSchedule) {
    this.#schedule = schedule;
  }

  /**
   * Takes a segment behind those that were taken before.
   * @param nowMs - not before the last call's
   * @returns when its last byte leaves
   */
  send(byteLength: number, nowMs: number): number {
    this.#freeAtMs = sentAtMs(this.#schedule, Math.max(nowMs, this.#freeAtMs), byteLength);
    return this.#freeAtMs;
  }
}
