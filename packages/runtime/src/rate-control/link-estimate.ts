/**
 * What a link takes for a message, learned from real exchanges: a histogram filter (Thrun, Burgard and Fox, "Probabilistic
 * Robotics", 2005, section 4.1) over round trip and time for each byte, whose grid is in `link-belief.ts`. Between exchanges
 * the belief spreads, since rates drift, by as much as exchanges have shown; an exchange then leaves what explains it, and
 * one that nothing explains is a change of the link. What was not observed stays uncertain: a message that hardly takes
 * longer than the round trip bounds the time for each byte from above and no more.
 */

import { createBelief, type LinkBelief } from './link-belief.js';

/** A time as its median and a deviation that 1.645 of lead to the 95th percentile, both in milliseconds. */
export interface UncertainTime {
  readonly meanMs: number;
  readonly deviationMs: number;
}

/** What is believed of a link before it is used. */
export interface LinkPrior {
  readonly roundTripMs: number;
  readonly uplinkMbps: number;
  /** How wrong both may be, as a factor from 0; 1 by default. */
  readonly spread?: number;
}

/** A link that may be anything from 3G to a cable. */
export const UNKNOWN_LINK: LinkPrior = Object.freeze({ roundTripMs: 60, uplinkMbps: 4, spread: 1.5 });

/** Learns one link. Times `at` are on one clock and never go back. */
export interface LinkEstimate {
  /**
   * @param bytes - of the request
   * @param linkMs - of the request and its answer, without the server's own time
   */
  observe(bytes: number, linkMs: number, at: number): void;
  /** Time of a message with its answer, if no outage comes between. */
  predict(bytes: number, at: number): UncertainTime;
  /** All is forgotten: the link may have changed. */
  forget(): void;
}

/** Deviations from the median to the 95th percentile of a normal distribution. */
export const P95_DEVIATIONS = 1.645;
/** Clocks are no finer. */
const LEAST_TIME_MS = 0.1;

/** Variance of the logarithm of the rate that a second adds: first, its bounds, and how fast it follows surprises. */
const DRIFT = Object.freeze({ first: 0.1, least: 0.01, most: 0.4, adaption: 0.05 });
/** Of the round trip. */
const TRIP_DRIFT = 0.001;
/** Longer pauses spread the belief no further. */
const LONGEST_DRIFT_MS = 10_000;
/** Squared deviations from the prediction up to which a surprise counts for the drift. */
const MOST_SURPRISE = 4;
/** Exchanges in a row that the first belief explains so much better are over another link. */
const CHANGE_ODDS = 100;

/** An estimate that has seen nothing yet. @throws {RangeError} if the prior is not positive */
export function createLinkEstimate(prior: LinkPrior = UNKNOWN_LINK): LinkEstimate {
  const { roundTripMs, uplinkMbps, spread = 1 } = prior;
  if (!(roundTripMs > 0 && uplinkMbps > 0 && spread > 0))
    throw new RangeError(
      `prior expected positive numbers, got ${roundTripMs} ms, ${uplinkMbps} Mbit/s, ${spread}`,
    );
  const firstBelief = (): LinkBelief => createBelief({ roundTripMs, uplinkMbps, spread });
  let belief = firstBelief();
  let drift: number = DRIFT.first;
  /** How well the belief explains the last exchanges beside the first one, at most as well. */
  let odds = 1;
  let updatedAt: number | null = null;

  const age = (at: number): void => {
    const passedMs = updatedAt === null ? 0 : Math.min(LONGEST_DRIFT_MS, Math.max(0, at - updatedAt));
    updatedAt = at;
    belief.spread({ rate: (drift * passedMs) / 1_000, roundTrip: (TRIP_DRIFT * passedMs) / 1_000 });
  };
  const adapt = (bytes: number, linkMs: number): void => {
    const { meanLog, deviationLog, rateShare } = belief.predict(bytes);
    const surprise = ((Math.log(linkMs) - meanLog) / deviationLog) ** 2;
    // Messages that hardly depend on the rate say nothing of its drift.
    const change = DRIFT.adaption * rateShare * (Math.min(surprise, MOST_SURPRISE) - 1);
    drift = Math.min(DRIFT.most, Math.max(DRIFT.least, drift * Math.exp(change)));
  };
  return {
    observe(bytes, linkMs, at) {
      age(at);
      const timeMs = Math.max(linkMs, LEAST_TIME_MS);
      adapt(bytes, timeMs);
      odds = Math.min(1, odds * belief.weigh(bytes, timeMs));
      if (odds > 1 / CHANGE_ODDS) return;
      odds = 1;
      belief = firstBelief();
      belief.weigh(bytes, timeMs);
    },
    predict(bytes, at) {
      age(at);
      const { meanLog, deviationLog } = belief.predict(bytes);
      const meanMs = Math.exp(meanLog);
      return { meanMs, deviationMs: (meanMs * Math.expm1(P95_DEVIATIONS * deviationLog)) / P95_DEVIATIONS };
    },
    forget() {
      belief = firstBelief();
      odds = 1;
      drift = DRIFT.first;
    },
  };
}
