/**
 * Keeps a client from asking what does not answer: after several failures in a row nothing is asked for a while, then one
 * request tries, and the wait doubles until one succeeds (the circuit breaker of M. Nygard, "Release It!", 2007). Waits are
 * jittered, so that clients that lost a server together do not come back together.
 */

/** When a breaker opens, and for how long. */
export interface CircuitBreakerOptions {
  /** Failures in a row that open it, from 1; default 3. */
  readonly failureCount?: number;
  /** First wait; default 500. Each wait is between half of its bound and the bound. */
  readonly baseOpenMs?: number;
  /** Bound of every wait; default 30,000. */
  readonly maxOpenMs?: number;
  /** Uniform in [0, 1); default `Math.random`. */
  readonly random?: () => number;
}

/** `closed`: requests go; `open`: none does; `trying`: one is on its way. */
export type CircuitState = 'closed' | 'open' | 'trying';

/** Times `at` are on one clock and never go back. */
export interface CircuitBreaker {
  /** Whether a request may go now; one that may must be followed by `succeed`, `fail` or `cancel`. */
  admit(at: number): boolean;
  succeed(): void;
  /** @param leastMs - what the server asked to wait; 0 by default */
  fail(at: number, leastMs?: number): void;
  /** The request ended without saying anything of link and server. */
  cancel(): void;
  readonly state: CircuitState;
}

/**
 * A closed breaker.
 * @throws {RangeError} if a number is out of range
 */
export function createCircuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  const { failureCount = 3, baseOpenMs = 500, maxOpenMs = 30_000, random = Math.random } = options;
  if (!(Number.isInteger(failureCount) && failureCount >= 1))
    throw new RangeError(`failureCount expected an integer from 1, got ${failureCount}`);
  if (!(baseOpenMs > 0 && maxOpenMs >= baseOpenMs))
    throw new RangeError(`waits expected 0 < base <= longest, got ${baseOpenMs} and ${maxOpenMs}`);
  return new Breaker({ failureCount, baseOpenMs, maxOpenMs, random });
}

class Breaker implements CircuitBreaker {
  readonly #options: Required<CircuitBreakerOptions>;
  #state: CircuitState = 'closed';
  #failures = 0;
  /** Waits since the last success. */
  #waits = 0;
  #openUntil = 0;

  constructor(options: Required<CircuitBreakerOptions>) {
    this.#options = options;
  }

  get state(): CircuitState {
    return this.#state;
  }

  admit(at: number): boolean {
    if (this.#state === 'closed') return true;
    if (this.#state === 'trying' || at < this.#openUntil) return false;
    this.#state = 'trying';
    return true;
  }

  succeed(): void {
    // A request that went before the breaker opened says that the other end is back: so does any answer.
    this.#state = 'closed';
    this.#failures = 0;
    this.#waits = 0;
  }

  fail(at: number, leastMs = 0): void {
    this.#failures++;
    const wasTrying = this.#state === 'trying';
    if (this.#state === 'open' || (!wasTrying && this.#failures < this.#options.failureCount)) return;
    const { baseOpenMs, maxOpenMs, random } = this.#options;
    const bound = Math.min(maxOpenMs, baseOpenMs * 2 ** this.#waits);
    this.#state = 'open';
    this.#openUntil = at + Math.max(leastMs, bound * (0.5 + random() / 2));
    this.#waits++;
  }

  cancel(): void {
    if (this.#state === 'trying') this.#state = 'open';
  }
}
