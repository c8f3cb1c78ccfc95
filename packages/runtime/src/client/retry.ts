/**
 * Repeats what may be repeated: exponential backoff with full jitter (M. Brooker, "Exponential Backoff And
 * Jitter", AWS Architecture Blog, 2015), inside one deadline. Requests are pure functions of their bytes, so
 * repeating one is always allowed.
 */

import { RemoteError, TransportError } from './errors.js';

/** How often and how soon a request is repeated. */
export interface RetryPolicy {
  /** Attempts in all, from 1; default 4. */
  readonly maxAttempts?: number;
  /** Bound of the first wait; doubled for each further one; default 50. */
  readonly baseDelayMs?: number;
  /** Bound of every wait; default 2000. */
  readonly maxDelayMs?: number;
}

/** Time, passed in so that tests need not wait. */
export interface Clock {
  /** Milliseconds from any fixed moment; never goes back. */
  now(): number;
  /** Resolves after `ms`, or earlier when the signal is raised. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The engine's clock. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  sleep: (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener('abort', finish);
      if (signal?.aborted) finish();
    }),
});

/** What a repeated request runs under. */
export interface RetryContext {
  readonly policy: Required<RetryPolicy>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** On the clock. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The policy with its defaults.
 * @throws {RangeError} if a number is out of range
 */
export function completePolicy(policy: RetryPolicy = {}): Required<RetryPolicy> {
  const complete = { maxAttempts: 4, baseDelayMs: 50, maxDelayMs: 2000, ...policy };
  if (!Number.isInteger(complete.maxAttempts) || complete.maxAttempts < 1) {
    throw new RangeError(`maxAttempts expected an integer from 1, got ${complete.maxAttempts}`);
  }
  for (const name of ['baseDelayMs', 'maxDelayMs'] as const) {
    if (!(complete[name] >= 0)) throw new RangeError(`${name} expected 0 or more, got ${complete[name]}`);
  }
  return complete;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or attempts or time are used up.
 * @param attempt - gets the milliseconds that are left
 * @throws {TransportError | RemoteError} the last failure, its message saying after how many attempts
 */
export async function withRetries<T>(
  attempt: (remainingMs: number) => Promise<T>,
  context: RetryContext,
): Promise<{ readonly result: T; readonly attempts: number }> {
  const { policy, clock, deadline, signal } = context;
  for (let attempts = 1; ; attempts++) {
    try {
      return { result: await attempt(Math.max(0, deadline - clock.now())), attempts };
    } catch (error) {
      const leastMs = error instanceof RemoteError ? error.retryAfterMs : 0;
      const delayMs =
        leastMs + context.random() * Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempts - 1));
      const last = attempts >= policy.maxAttempts || clock.now() + delayMs >= deadline;
      if (!isRetryable(error) || last) throw finalError(error, attempts);
      await clock.sleep(delayMs, signal);
      if (signal?.aborted) {
        throw new TransportError('aborted', `the request was aborted ${after(attempts)}`, {
          cause: signal.reason,
        });
      }
    }
  }
}

function isRetryable(error: unknown): boolean {
  return (error instanceof TransportError || error instanceof RemoteError) && error.retryable;
}

function finalError(error: unknown, attempts: number): unknown {
  if (attempts === 1) return error;
  const options = { cause: error };
  if (error instanceof TransportError) {
    return new TransportError(error.code, `${error.message} ${after(attempts)}`, options);
  }
  if (error instanceof RemoteError) {
    const { code, retryable, retryAfterMs } = error;
    return new RemoteError(code, retryable, `${error.message} ${after(attempts)}`, {
      ...options,
      retryAfterMs,
    });
  }
  return error;
}

function after(attempts: number): string {
  return `(after ${attempts} attempt${attempts === 1 ? '' : 's'})`;
}
