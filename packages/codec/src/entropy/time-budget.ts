/**
 * Time for the optional steps of `auto`: coders and layouts that may save bytes and take longer. What a step takes is
 * predicted from its last runs in this process, at first from typical speeds. Encoding only.
 */

/** Steps that `auto` may leave out. */
export type OptionalStep = 'binary' | 'binary-fast' | 'contexts' | 'layout';

/** Nanoseconds for an element: first a cautious guess, then what was measured. */
const COST: Record<OptionalStep, number> = { binary: 150, 'binary-fast': 50, contexts: 150, layout: 100 };
/** Share of a new measurement in the cost; times vary. */
const LEARNING_RATE = 0.3;
/** Runs of fewer elements say little. */
const MIN_MEASURED_ELEMENTS = 1_024;
const NANOSECONDS = 1e6;

/** A limit on the time of a choice. */
export interface TimeBudget {
  /** Whether a step is predicted to end in time. */
  allows(step: OptionalStep, elements: number): boolean;
}

/** Milliseconds since some moment. */
export type Clock = () => number;

const systemClock: Clock = () => performance.now();

/**
 * A budget that begins now.
 * @param maxMs - milliseconds, at least 0; without a number everything is allowed
 * @throws {RangeError} if it is negative or not a number
 */
export function startTimeBudget(
  maxMs: number = Number.POSITIVE_INFINITY,
  clock: Clock = systemClock,
): TimeBudget {
  if (!(maxMs >= 0)) throw new RangeError(`maxMs expected a number of at least 0, got ${maxMs}`);
  const end = clock() + maxMs;
  return {
    allows: (step, elements) =>
      maxMs === Number.POSITIVE_INFINITY || clock() + (COST[step] * elements) / NANOSECONDS <= end,
  };
}

/** Runs a step and learns what it takes. */
export function runTimed<T>(
  step: OptionalStep,
  elements: number,
  action: () => T,
  clock: Clock = systemClock,
): T {
  const start = clock();
  const result = action();
  if (elements >= MIN_MEASURED_ELEMENTS) {
    const taken = ((clock() - start) * NANOSECONDS) / elements;
    COST[step] += LEARNING_RATE * (taken - COST[step]);
  }
  return result;
}
