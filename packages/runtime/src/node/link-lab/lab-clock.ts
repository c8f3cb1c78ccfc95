/** The time by which a lab works: the machine's, or a test's own. */

/** A clock with timers. */
export interface LabClock {
  /** Milliseconds from any beginning. */
  now(): number;
  /**
   * Calls back after a while.
   * @returns a function that calls it off
   */
  schedule(delayMs: number, action: () => void): () => void;
}

/** The machine's. Its timers are whole milliseconds and up to one late, so that a segment may be one early or late. */
export const systemLabClock: LabClock = Object.freeze({
  now: () => performance.now(),
  schedule(delayMs: number, action: () => void) {
    const timer = setTimeout(action, Math.floor(delayMs));
    return () => clearTimeout(timer);
  },
});
