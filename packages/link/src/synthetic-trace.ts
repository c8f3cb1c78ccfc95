/**
 * Traces like those of a phone in a moving vehicle, made up: the logarithm of the rate is the sum of two
 * Ornstein–Uhlenbeck processes (Uhlenbeck and Ornstein, Phys. Rev. 36, 1930), a slow one for distance and shadowing and a
 * fast one for fading and the scheduler's shares, and at random times nothing passes for a while, as in handovers.
 */

import type { RateTrace } from './link-profile.js';

/** What a trace is like. Rates are 10^6 bits a second. */
export interface SyntheticTraceOptions {
  readonly lengthMs: number;
  readonly stepMs: number;
  /** Bounds of the rate while there is no outage. */
  readonly lowestMbps: number;
  readonly highestMbps: number;
  /** Of the slow part, whose median this is: deviation of the natural logarithm, and time after which it forgets. */
  readonly slow: { readonly medianMbps: number; readonly deviation: number; readonly relaxationMs: number };
  readonly fast: { readonly deviation: number; readonly relaxationMs: number };
  /** Means of exponential distributions; outages have whole steps, at least one. */
  readonly outage: { readonly meanIntervalMs: number; readonly meanLengthMs: number };
}

/** A drive through LTE cells: 0.3 to 20 Mbit/s up over ten minutes, an outage of some 1.5 s every 40 s. */
export const LTE_DRIVE: SyntheticTraceOptions = Object.freeze({
  lengthMs: 600_000,
  stepMs: 100,
  lowestMbps: 0.3,
  highestMbps: 20,
  slow: { medianMbps: 4, deviation: 1.2, relaxationMs: 15_000 },
  fast: { deviation: 0.15, relaxationMs: 500 },
  outage: { meanIntervalMs: 40_000, meanLengthMs: 1_500 },
});

/**
 * Makes a trace, the same for both directions.
 * @param random - uniform in [0, 1); equal numbers give equal traces
 */
export function syntheticTrace(options: SyntheticTraceOptions, random: () => number): RateTrace {
  const { lengthMs, stepMs, lowestMbps, highestMbps, slow, fast, outage } = options;
  const slowPart = ornsteinUhlenbeck(slow, stepMs, random);
  const fastPart = ornsteinUhlenbeck(fast, stepMs, random);
  const exponential = (meanMs: number): number => -meanMs * Math.log1p(-random());
  let outageAtMs = exponential(outage.meanIntervalMs);
  let outageUntilMs = 0;
  const uplinkMbps = Array.from({ length: Math.ceil(lengthMs / stepMs) }, (_, step) => {
    const rate = slow.medianMbps * Math.exp(slowPart() + fastPart());
    const nowMs = step * stepMs;
    if (nowMs >= outageAtMs) {
      outageUntilMs = nowMs + Math.max(stepMs, exponential(outage.meanLengthMs));
      outageAtMs = outageUntilMs + exponential(outage.meanIntervalMs);
    }
    return nowMs < outageUntilMs ? 0 : rounded(Math.min(highestMbps, Math.max(lowestMbps, rate)));
  });
  return { stepMs, uplinkMbps };
}

/** A process of mean 0, stationary from the first value on. */
function ornsteinUhlenbeck(
  { deviation, relaxationMs }: { readonly deviation: number; readonly relaxationMs: number },
  stepMs: number,
  random: () => number,
): () => number {
  const kept = Math.exp(-stepMs / relaxationMs);
  let value = deviation * normal(random);
  return () => {
    value = kept * value + deviation * Math.sqrt(1 - kept ** 2) * normal(random);
    return value;
  };
}

/** By Box and Muller (Ann. Math. Statist. 29, 1958). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log1p(-random())) * Math.cos(2 * Math.PI * random());
}

/** To a kbit/s: files stay small. */
function rounded(mbps: number): number {
  return Math.round(1000 * mbps) / 1000;
}
