/**
 * Which coefficients of blocks are coded, and in which steps. With damage s by squared error and steps that leave errors in
 * proportion to their square, the same total damage takes the fewest bits where s times the squared step is the same
 * everywhere (reverse water-filling; Cover and Thomas, "Elements of Information Theory", 2006, section 10.3.3): steps go
 * with the power -1/2 of the sensitivity. Coefficients that would nearly always be 0 are left out, since a static coder has no
 * probability above 255/256.
 */

import {
  type BlockSize,
  coefficientsOfValues,
  MAX_SPECTRAL_WEIGHT,
  type SpectralSettings,
} from '@featherwire/codec';
import type { Tensor, TensorOf } from '@featherwire/tensor';

/** Coefficients of samples. */
export interface SpectralCoefficients {
  readonly blockSize: BlockSize;
  readonly channelCount: number;
  /** Mean of each channel. */
  readonly means: Float64Array;
  /** Of each sample, less the means: frequencies, in them channels, in them blocks. */
  readonly coefficients: readonly Float32Array[];
}

/** Coefficients of the design samples, with what is known of their effect. */
export interface SpectralBasis extends SpectralCoefficients {
  /** Damage by squared error; all alike where the steps are to be. */
  readonly frequencyDamage: Float64Array;
  readonly channelDamage: Float64Array;
  /** Standard deviation of all elements, the unit of `scale`. */
  readonly deviation: number;
}

/** How steps follow from sensitivities. */
export interface SpectralSteps {
  /** Step of the most sensitive frequency in a channel of mean sensitivity, in standard deviations. */
  readonly scale: number;
  /** Powers to which sensitivities count, from 0, not at all, to 1, as for independent small errors. */
  readonly frequencyPower: number;
  readonly channelPower: number;
  /** Squared error, in the square of a step, that a bit may cost; as frames will be encoded. */
  readonly lambda: number;
}

/** Weight of the most sensitive frequency: others are multiples of a sixteenth. */
const UNIT_WEIGHT = 16;
/** Ratio of sensitivities beyond which they count as this. */
const LARGEST_RATIO = 2 ** 12;
/** Levels of a static context coder at most, as an odd number, and of other coders. */
export const MAX_CONTEXT_HALF = 7;
const MAX_HALF = 127;
/** Share of kept coefficients that may saturate. */
const SATURATED_SHARE = 5e-5;
/** Squared error, in the square of a step, by which a coefficient must pay for a bit to be kept at all. */
const KEEPING_PRICE = 0.12;

/** Takes the coefficients of samples, with their effect. @param samples - as `spectralCoefficients` */
export function spectralBasis(
  samples: readonly Tensor[],
  blockSize: BlockSize,
  damage: { readonly frequencies: Float64Array; readonly channels: Float64Array },
  deviation: number,
): SpectralBasis {
  return {
    ...spectralCoefficients(samples, blockSize),
    frequencyDamage: damage.frequencies,
    channelDamage: damage.channels,
    deviation,
  };
}

/** Takes the coefficients of samples. @param samples - float32 [1, C, H, W] of one number of channels */
export function spectralCoefficients(samples: readonly Tensor[], blockSize: BlockSize): SpectralCoefficients {
  const channelCount = samples[0].shape[1];
  const means = channelMeans(samples, channelCount);
  const coefficients = samples.map(({ shape, data }) => {
    const [, , rows, columns] = shape;
    const size = rows * columns;
    const centered = Float32Array.from(
      data as Float32Array,
      (value, i) => value - means[Math.floor(i / size) % channelCount],
    );
    return coefficientsOfValues(centered, { planes: channelCount, rows, columns }, blockSize);
  });
  return { blockSize, channelCount, means, coefficients };
}

/** The quantizer at a scale, or null if it would code nothing. */
export function designSpectral(basis: SpectralBasis, how: SpectralSteps): SpectralSettings | null {
  const { deviation } = basis;
  const most = basis.frequencyDamage.reduce((a, b) => Math.max(a, b), 0);
  const weights = Array.from(basis.frequencyDamage, (damage) =>
    Math.min(MAX_SPECTRAL_WEIGHT, Math.round(UNIT_WEIGHT * coarsening(damage, most, how.frequencyPower))),
  );
  const middle = geometricMean(basis.channelDamage);
  const steps = Array.from(
    basis.channelDamage,
    (damage) => ((how.scale * deviation) / UNIT_WEIGHT) * coarsening(damage, middle, how.channelPower),
  );
  return settingsOfSteps(basis, { weights, steps }, how.lambda);
}

/** The quantizer of given steps for given coefficients, or null if it would code nothing. */
export function settingsOfSteps(
  basis: SpectralCoefficients,
  { weights, steps }: { readonly weights: readonly number[]; readonly steps: readonly number[] },
  lambda: number,
): SpectralSettings | null {
  const { blockSize, means } = basis;
  const kept = chooseKept(basis, weights, steps, lambda);
  if (!kept.includes(true)) return null;
  const half = Math.min(MAX_HALF, Math.max(1, largestIndex(basis, weights, steps, kept)));
  return { blockSize, levelCount: 2 * half + 1, weights, steps, means: [...means], kept };
}

/** Factor of a step for a sensitivity against that of factor 1. */
function coarsening(damage: number, unit: number, power: number): number {
  if (power === 0 || unit === 0) return 1;
  const ratio = Math.min(
    LARGEST_RATIO,
    Math.max(1 / LARGEST_RATIO, unit / Math.max(damage, unit / LARGEST_RATIO)),
  );
  return ratio ** (power / 2);
}

/** Whether each coefficient, over all blocks and samples, saves more error than its bits cost. */
function chooseKept(
  { channelCount, coefficients }: SpectralCoefficients,
  weights: readonly number[],
  steps: readonly number[],
  lambda: number,
): boolean[] {
  const zone = 0.5 + lambda; // below it, an index of 1 saves less than it costs; about
  return Array.from({ length: weights.length * channelCount }, (_, at) => {
    const step = weights[Math.floor(at / channelCount)] * steps[at % channelCount];
    let saved = 0;
    let nonzero = 0;
    let magnitudes = 0;
    let total = 0;
    for (const values of coefficients) {
      const blocks = values.length / (weights.length * channelCount);
      total += blocks;
      for (let i = at * blocks; i < (at + 1) * blocks; i++) {
        const size = Math.abs(values[i]) / step;
        if (size < zone) continue;
        const index = Math.round(size);
        saved += size * size - (size - index) ** 2;
        nonzero++;
        magnitudes += index;
      }
    }
    return nonzero > 0 && saved > KEEPING_PRICE * bitsOf(nonzero, magnitudes, total);
  });
}

/** Estimated bits: which are not 0, their signs, their sizes in unary. */
function bitsOf(nonzero: number, magnitudes: number, total: number): number {
  const share = nonzero / total;
  const significance =
    share < 1 ? -total * (share * Math.log2(share) + (1 - share) * Math.log2(1 - share)) : 0;
  return significance + nonzero + (magnitudes - nonzero);
}

/** The size of coefficients, in steps, that all but a small share of the kept ones stay below. */
function largestIndex(
  { channelCount, coefficients }: SpectralCoefficients,
  weights: readonly number[],
  steps: readonly number[],
  kept: readonly boolean[],
): number {
  const counts = new Uint32Array(MAX_HALF + 2);
  let total = 0;
  for (const values of coefficients) {
    const blocks = values.length / kept.length;
    for (let at = 0; at < kept.length; at++) {
      if (!kept[at]) continue;
      const step = weights[Math.floor(at / channelCount)] * steps[at % channelCount];
      total += blocks;
      for (let i = at * blocks; i < (at + 1) * blocks; i++)
        counts[Math.min(MAX_HALF + 1, Math.round(Math.abs(values[i]) / step))]++;
    }
  }
  let above = 0;
  let index = counts.length - 1;
  while (index > 1 && above + counts[index] <= SATURATED_SHARE * total) above += counts[index--];
  return index;
}

function channelMeans(samples: readonly Tensor[], channelCount: number): Float64Array {
  const sums = new Float64Array(channelCount);
  let perChannel = 0;
  for (const { shape, data } of samples as readonly TensorOf<'float32'>[]) {
    const size = shape[2] * shape[3];
    perChannel += size;
    for (let i = 0; i < data.length; i++) sums[Math.floor(i / size) % channelCount] += data[i];
  }
  return sums.map((sum) => sum / perChannel);
}

function geometricMean(values: Float64Array): number {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  if (most === 0) return 0;
  const logs = values.reduce((sum, value) => sum + Math.log(Math.max(value, most / LARGEST_RATIO)), 0);
  return Math.exp(logs / values.length);
}
