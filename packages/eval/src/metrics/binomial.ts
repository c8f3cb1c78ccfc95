/** The binomial distribution, summed exactly: what rare events of few samples say. */

/**
 * The probability of at most so many events.
 * @param most - 0 to `count`
 * @param count - trials
 * @param share - probability of an event in one trial, in (0, 1)
 */
export function probabilityOfAtMost(most: number, count: number, share: number): number {
  const logOdds = Math.log(share) - Math.log1p(-share);
  let logTerm = count * Math.log1p(-share); // of no event; logarithms, since powers underflow
  let sum = Math.exp(logTerm);
  for (let events = 1; events <= most; events++) {
    logTerm += Math.log((count - events + 1) / events) + logOdds;
    sum += Math.exp(logTerm);
  }
  return Math.min(1, sum);
}
