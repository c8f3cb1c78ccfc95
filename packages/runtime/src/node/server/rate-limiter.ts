/**
 * How often each client may ask: a bucket of tokens for each, refilled evenly, full at first. A client that is refused is told to
 * wait until all that was refused before could have been taken, so that a flood is told longer and longer times, up to those of a
 * whole bucket; it is taken all the same if it comes before.
 */

/** Counts requests. */
export interface RateLimiter {
  /**
   * Takes tokens.
   * @param count - 1 by default; what is over the size of a bucket is not counted
   * @returns 0, or the milliseconds to wait
   */
  take(client: string, now: number, count?: number): number;
}

interface Bucket {
  tokens: number;
  /** Tokens that were asked for in vain, less what was refilled since. */
  refused: number;
  at: number;
}

/** Full buckets are forgotten when there are this many, and then twice as many as were left. */
const FIRST_SWEEP = 4096;

/** @param perSecond - tokens a second and size of a bucket, from 1 */
export function createRateLimiter(perSecond: number): RateLimiter {
  const buckets = new Map<string, Bucket>();
  let nextSweep = FIRST_SWEEP;
  const refill = (bucket: Bucket, now: number): number =>
    Math.min(perSecond, bucket.tokens + ((now - bucket.at) * perSecond) / 1000);
  const forgetFull = (now: number): void => {
    for (const [client, bucket] of buckets) {
      if (refill(bucket, now) >= perSecond) buckets.delete(client);
    }
    nextSweep = Math.max(FIRST_SWEEP, 2 * buckets.size);
  };
  return {
    take(client, now, count = 1) {
      let bucket = buckets.get(client);
      if (!bucket) {
        if (buckets.size >= nextSweep) forgetFull(now);
        bucket = { tokens: perSecond, refused: 0, at: now };
        buckets.set(client, bucket);
      }
      bucket.refused = Math.max(0, bucket.refused - ((now - bucket.at) * perSecond) / 1000);
      bucket.tokens = refill(bucket, now);
      bucket.at = now;
      const wanted = Math.min(count, perSecond);
      if (bucket.tokens < wanted) {
        const waitMs = ((bucket.refused + wanted - bucket.tokens) * 1000) / perSecond;
        bucket.refused = Math.min(perSecond, bucket.refused + wanted);
        return waitMs;
      }
      bucket.tokens -= wanted;
      return 0;
    },
  };
}
