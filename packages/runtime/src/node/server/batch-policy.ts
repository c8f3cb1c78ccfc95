/**
 * How many requests a worker takes at once, and whether it waits for more. A worker that is free takes what is there, so that
 * a lone request never waits; batches grow out of what gathers while workers are busy. Only after a batch of several does a free
 * worker wait a moment for as many again, since clients that were answered together ask together.
 */

/** How requests are put together. */
export interface BatchSettings {
  /** Most requests in a batch, from 1. */
  readonly maxBatchSize: number;
  /** Longest wait for more requests, in milliseconds; 0 never waits. */
  readonly batchWindowMs: number;
}

/** What is learned from the batches that ran. */
export interface BatchPolicy {
  readonly settings: BatchSettings;
  /** @param runMs - of the worker, with all that it does to the batch */
  observe(size: number, runMs: number): void;
  /** Expected time of a batch in milliseconds; 0 before anything ran. */
  expectedMs(size: number): number;
  /** Something was dropped by an expected time: one that is too long and keeps everything out would never be corrected. */
  doubt(): void;
  /**
   * How long a free worker waits for more.
   * @param waiting - requests there are
   * @param waitedMs - by the oldest of them
   * @param slackMs - until the first of them must be begun to be in time
   * @returns 0 to begin now
   */
  holdMs(waiting: number, waitedMs: number, slackMs: number): number;
}

/** Weight of the latest batch in the times. */
const WEIGHT = 0.2;

/** A policy that knows nothing yet. */
export function createBatchPolicy(settings: BatchSettings): BatchPolicy {
  let perRequestMs = 0;
  let lastSize = 1;
  return {
    settings,
    observe(size, runMs) {
      const weight = perRequestMs === 0 ? 1 : WEIGHT;
      perRequestMs += weight * (runMs / size - perRequestMs);
      lastSize = size;
    },
    expectedMs: (size) => perRequestMs * size,
    doubt() {
      perRequestMs *= 1 - WEIGHT;
    },
    holdMs(waiting, waitedMs, slackMs) {
      if (waiting >= Math.min(lastSize, settings.maxBatchSize)) return 0;
      return Math.max(0, Math.min(settings.batchWindowMs - waitedMs, slackMs));
    },
  };
}
