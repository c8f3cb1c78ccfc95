/**
 * The ε-outage rate of a channel with Rayleigh block fading: the gain is constant over a transfer and exponentially
 * distributed over transfers, so at a rate R the transfer fails with P(W log2(1 + g h) < R), h exponential with mean 1
 * (Tse and Viswanath, Fundamentals of Wireless Communication, section 5.4.1).
 */

/** A channel. */
export interface RayleighChannel {
  readonly bandwidthHz: number;
  /** Mean ratio of the powers of signal and noise, not in decibels; more than 0. */
  readonly signalToNoise: number;
}

/**
 * The highest rate at which at most a share of the transfers fails.
 * @param outage - that share, in (0, 1)
 * @returns bits a second
 * @throws {RangeError} if an argument is out of range
 */
export function outageRate({ bandwidthHz, signalToNoise }: RayleighChannel, outage: number): number {
  checkChannel({ bandwidthHz, signalToNoise });
  if (!(outage > 0 && outage < 1))
    throw new RangeError(`outage expected more than 0 and below 1, got ${outage}`);
  // -log1p(-ε) is ln(1 / (1 - ε)) and log1p(x) / ln 2 is log2(1 + x), without cancellation at small ε.
  return (bandwidthHz * Math.log1p(signalToNoise * -Math.log1p(-outage))) / Math.LN2;
}

/**
 * The share of transfers that fail at a rate.
 * @param bitsPerSecond - 0 or more
 * @throws {RangeError} if an argument is out of range
 */
export function outageProbability(
  { bandwidthHz, signalToNoise }: RayleighChannel,
  bitsPerSecond: number,
): number {
  checkChannel({ bandwidthHz, signalToNoise });
  if (!(bitsPerSecond >= 0)) throw new RangeError(`bitsPerSecond expected 0 or more, got ${bitsPerSecond}`);
  return -Math.expm1(-Math.expm1((bitsPerSecond / bandwidthHz) * Math.LN2) / signalToNoise);
}

/** A ratio of powers from decibels. */
export function decibelsToRatio(decibels: number): number {
  return 10 ** (decibels / 10);
}

function checkChannel({ bandwidthHz, signalToNoise }: RayleighChannel): void {
  for (const [name, value] of Object.entries({ bandwidthHz, signalToNoise })) {
    if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`${name} expected more than 0, got ${value}`);
    }
  }
}
