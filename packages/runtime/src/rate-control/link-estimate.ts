/**
 * What a link takes for a message, learned from real exchanges: round trip plus time for each byte, by Bayesian linear
 * regression with forgetting (Bishop, "Pattern Recognition and Machine Learning", 2006, section 3.3). What was not observed
 * stays uncertain: a prediction for more bytes than were ever sent has a wide spread, which is what makes advancing careful.
 */

/** A time as its mean and standard deviation, both in milliseconds. */
export interface UncertainTime {
  readonly meanMs: number;
  readonly deviationMs: number;
}

/** What is believed of a link before it is used, and how fast that comes back. */
export interface LinkPrior {
  readonly roundTripMs: number;
  readonly uplinkMbps: number;
  /** How wrong both may be, as a factor from 0; 1 by default. */
  readonly spread?: number;
  /** After this time an observation counts half; 4,000 ms by default. */
  readonly halfLifeMs?: number;
}

/** A link that may be anything from 3G to a cable. */
export const UNKNOWN_LINK: LinkPrior = Object.freeze({ roundTripMs: 60, uplinkMbps: 4, spread: 1.5 });

/** Learns one link. Times `at` are on one clock and never go back. */
export interface LinkEstimate {
  /**
   * @param bytes - sent and received together
   * @param linkMs - without the server's own time
   * @returns how the link has changed, null if nothing says that it has
   */
  observe(bytes: number, linkMs: number, at: number): LinkChange | null;
  /** Time of a message with its answer. */
  predict(bytes: number, at: number): UncertainTime;
  /** All is forgotten: the link may have changed. */
  forget(): void;
}

/** Seen in several exchanges in a row, after which what was known before is forgotten. */
export type LinkChange = 'slower' | 'faster';

const DEFAULT_HALF_LIFE_MS = 4_000;
const BYTES_PER_UNIT = 1_000;
/** Milliseconds that a unit of bytes takes at 1 Mbit/s. */
const UNIT_MS_AT_ONE_MBPS = (8 * BYTES_PER_UNIT) / 1_000;
/** Variation of equal messages before any was seen, and the least that is believed, as a share of the time. */
const FIRST_NOISE_SHARE = 0.3;
const LEAST_NOISE_SHARE = 0.04;
const LEAST_NOISE_MS = 0.3;
/** Share that a new residual has in the noise. */
const NOISE_RATE = 0.15;
/**
 * Deviations from the prediction beyond which an exchange is a surprise, and how many in a row are a change of the link. A
 * message may be slow by accident, but none is fast by accident.
 */
const SURPRISES = Object.freeze({
  slower: { deviations: 2, ofChange: 2 },
  faster: { deviations: 3, ofChange: 1 },
});

/** Sums of the regression: precisions and information of round trip and time per unit. */
interface Belief {
  roundTrip: number;
  mixed: number;
  perUnit: number;
  roundTripInformation: number;
  perUnitInformation: number;
}

/** An estimate that has seen nothing yet. @throws {RangeError} if the prior is not positive */
export function createLinkEstimate(prior: LinkPrior = UNKNOWN_LINK): LinkEstimate {
  const first = beliefOfPrior(prior);
  const { halfLifeMs = DEFAULT_HALF_LIFE_MS } = prior;
  let belief = first;
  let noiseShare = FIRST_NOISE_SHARE;
  let updatedAt: number | null = null;
  let surprises: { readonly change: LinkChange; readonly count: number } | null = null;

  const age = (at: number): void => {
    if (updatedAt !== null) belief = blend(first, belief, 2 ** (-Math.max(0, at - updatedAt) / halfLifeMs));
    updatedAt = at;
  };
  const noiseOf = (meanMs: number): number => Math.max(LEAST_NOISE_MS, noiseShare * meanMs);
  const predict = (bytes: number): UncertainTime => {
    const { meanMs, deviationMs } = predictMean(belief, bytes / BYTES_PER_UNIT);
    return { meanMs, deviationMs: Math.hypot(deviationMs, noiseOf(meanMs)) };
  };
  const changeOf = (bytes: number, linkMs: number): LinkChange | null => {
    const change = surpriseOf(predict(bytes), linkMs);
    surprises = change && { change, count: surprises?.change === change ? surprises.count + 1 : 1 };
    if (!surprises || surprises.count < SURPRISES[surprises.change].ofChange) return null;
    surprises = null;
    return change;
  };
  return {
    observe(bytes, linkMs, at) {
      age(at);
      const change = changeOf(bytes, linkMs);
      if (change) belief = first;
      const expected = predict(bytes).meanMs;
      belief = addObservation(belief, bytes / BYTES_PER_UNIT, linkMs, noiseOf(Math.min(expected, linkMs)));
      const residual = Math.abs(linkMs - expected) / Math.max(linkMs, LEAST_NOISE_MS);
      noiseShare = Math.max(
        LEAST_NOISE_SHARE,
        Math.sqrt((1 - NOISE_RATE) * noiseShare ** 2 + NOISE_RATE * Math.min(1, residual) ** 2),
      );
      return change;
    },
    predict(bytes, at) {
      age(at);
      return predict(bytes);
    },
    forget() {
      belief = first;
    },
  };
}

function surpriseOf({ meanMs, deviationMs }: UncertainTime, linkMs: number): LinkChange | null {
  const change = linkMs > meanMs ? 'slower' : 'faster';
  return Math.abs(linkMs - meanMs) > SURPRISES[change].deviations * deviationMs ? change : null;
}

function beliefOfPrior({ roundTripMs, uplinkMbps, spread = 1 }: LinkPrior): Belief {
  if (!(roundTripMs > 0 && uplinkMbps > 0 && spread > 0))
    throw new RangeError(
      `prior expected positive numbers, got ${roundTripMs} ms, ${uplinkMbps} Mbit/s, ${spread}`,
    );
  const unitMs = UNIT_MS_AT_ONE_MBPS / uplinkMbps;
  const roundTrip = 1 / (spread * roundTripMs) ** 2;
  const perUnit = 1 / (spread * unitMs) ** 2;
  return {
    roundTrip,
    mixed: 0,
    perUnit,
    roundTripInformation: roundTrip * roundTripMs,
    perUnitInformation: perUnit * unitMs,
  };
}

/** `share` of what `b` knows beyond `a`. */
function blend(a: Belief, b: Belief, share: number): Belief {
  const mix = (key: keyof Belief): number => a[key] + share * (b[key] - a[key]);
  return {
    roundTrip: mix('roundTrip'),
    mixed: mix('mixed'),
    perUnit: mix('perUnit'),
    roundTripInformation: mix('roundTripInformation'),
    perUnitInformation: mix('perUnitInformation'),
  };
}

function addObservation(belief: Belief, units: number, linkMs: number, noiseMs: number): Belief {
  const precision = 1 / noiseMs ** 2;
  return {
    roundTrip: belief.roundTrip + precision,
    mixed: belief.mixed + precision * units,
    perUnit: belief.perUnit + precision * units ** 2,
    roundTripInformation: belief.roundTripInformation + precision * linkMs,
    perUnitInformation: belief.perUnitInformation + precision * units * linkMs,
  };
}

/** Mean and deviation of the time without the noise of a single message; neither part is below 0. */
function predictMean(belief: Belief, units: number): UncertainTime {
  const { roundTrip, mixed, perUnit, roundTripInformation, perUnitInformation } = belief;
  const determinant = roundTrip * perUnit - mixed ** 2;
  let roundTripMs = (perUnit * roundTripInformation - mixed * perUnitInformation) / determinant;
  let unitMs = (roundTrip * perUnitInformation - mixed * roundTripInformation) / determinant;
  if (unitMs < 0) [roundTripMs, unitMs] = [roundTripInformation / roundTrip, 0];
  else if (roundTripMs < 0) [roundTripMs, unitMs] = [0, perUnitInformation / perUnit];
  const variance = (perUnit - 2 * mixed * units + roundTrip * units ** 2) / determinant;
  return { meanMs: roundTripMs + unitMs * units, deviationMs: Math.sqrt(Math.max(0, variance)) };
}
