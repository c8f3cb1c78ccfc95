/**
 * Chosen cosine coefficients with steps of their own (bitstream.md §4.4): blocks as in `block-transform.ts`, but each
 * frequency has a weight and each channel a step and a mean, and coefficients that matter to nobody are not coded at all.
 * For profiles, where all of that costs nothing on the wire. The way back is a sum of integers in every channel.
 */

import type { AffineQuantizer, FeatureGeometry, Indices, SpectralQuantizer } from '../stages.js';
import { MAX_LIMIT } from './affine.js';
import {
  type BlockSize,
  blockGeometry,
  coefficientsOfValues,
  squaredLength,
  sumsOfBlocks,
} from './block-transform.js';
import { stepAtLeast } from './channel-groups.js';

/** Largest factor of a frequency's step. */
export const MAX_SPECTRAL_WEIGHT = 1_023;
/** Most levels: the largest odd number with indices of 16 bits. */
const MAX_LEVELS = 65_535;
const MIN_STEP = 2 ** -100;
const MAX_STEP = 2 ** 100;
/** Distance of the channels' dimension from the end, with rows and columns after it. */
const CHANNEL_PLACE = 3;

/** What a spectral quantizer is made from. Frequencies go row by row. */
export interface SpectralSettings {
  readonly blockSize: BlockSize;
  /** Odd, 3 to 65,535. */
  readonly levelCount: number;
  /** For each frequency, integers from 1 to 1,023. */
  readonly weights: readonly number[];
  /** For each channel, positive; rounded up to 16 bits. */
  readonly steps: readonly number[];
  /** For each channel; nothing is added without them. */
  readonly means?: readonly number[];
  /** Whether a coefficient is coded: all channels of the first frequency, then those of the next; at least one is. */
  readonly kept: readonly boolean[];
}

/**
 * A quantizer for tensors of a shape.
 * @param shape - at least of rank 3, its channels the third dimension from the end
 * @param isRectified - no value is below 0
 * @throws {RangeError} if a setting is out of range
 */
export function spectralQuantizer(
  shape: readonly number[],
  settings: SpectralSettings,
  isRectified: boolean,
): SpectralQuantizer {
  const { blockSize, levelCount, weights, steps, means, kept } = settings;
  const channels = channelsOfShape(shape);
  const frequencies = blockSize * blockSize;
  if (![1, 2, 4, 8].includes(blockSize))
    throw new RangeError(`blockSize expected 1, 2, 4 or 8, got ${blockSize}`);
  if (!(Number.isInteger(levelCount) && levelCount >= 3 && levelCount <= MAX_LEVELS && levelCount % 2 === 1))
    throw new RangeError(`levelCount expected an odd integer from 3 to ${MAX_LEVELS}, got ${levelCount}`);
  checkCount('weights', weights, frequencies);
  checkCount('steps', steps, channels);
  if (means) checkCount('means', means, channels);
  checkCount('kept', kept, frequencies * channels);
  const wrong = weights.find(
    (weight) => !(Number.isInteger(weight) && weight >= 1 && weight <= MAX_SPECTRAL_WEIGHT),
  );
  if (wrong !== undefined)
    throw new RangeError(`weights expected integers from 1 to ${MAX_SPECTRAL_WEIGHT}, got ${wrong}`);
  const coarse = steps.find((step) => !(step >= MIN_STEP && step <= MAX_STEP / 2));
  if (coarse !== undefined) throw new RangeError(`steps expected 2^-100 to 2^99, got ${coarse}`);
  const far = means?.find((mean) => !(Math.abs(mean) <= MAX_LIMIT));
  if (far !== undefined) throw new RangeError(`means expected numbers within ± 2^126, got ${far}`);
  if (!kept.includes(true)) throw new RangeError('kept expected one coefficient at least, got none');
  return {
    blockSize,
    levelCount,
    isRectified,
    weights: Uint16Array.from(weights),
    steps: Float32Array.from(steps, stepAtLeast),
    means: means ? Float32Array.from(means) : null,
    kept: Uint8Array.from(kept, Number),
  };
}

/** The channels of a shape. @throws {RangeError} if it has fewer than three dimensions */
function channelsOfShape(shape: readonly number[]): number {
  if (shape.length < CHANNEL_PLACE)
    throw new RangeError(`shape expected at least 3 dimensions, got [${shape.join(', ')}]`);
  return shape[shape.length - CHANNEL_PLACE];
}

function checkCount(name: string, list: readonly unknown[], count: number): void {
  if (list.length !== count) throw new RangeError(`${name} expected ${count} entries, got ${list.length}`);
}

/** Levels of coefficients that are divided by their steps. */
export function affineOfSpectral({ levelCount }: SpectralQuantizer): AffineQuantizer {
  return { levelCount, offset: 0, step: 1, zeroPoint: (levelCount - 1) / 2 };
}

/**
 * Geometry of the indices: of each item a plane for each coefficient that is coded, and in it the blocks.
 * @param geometry - of the tensor, of as many channels as the quantizer in each item
 */
export function spectralGeometry(
  geometry: FeatureGeometry,
  { blockSize, kept, steps }: SpectralQuantizer,
): FeatureGeometry {
  const items = geometry.planes / steps.length;
  return {
    planes: items * kept.reduce((sum, bit) => sum + bit, 0),
    rows: Math.ceil(geometry.rows / blockSize),
    columns: Math.ceil(geometry.columns / blockSize),
  };
}

/**
 * The coefficients that are coded, in the order of `spectralGeometry`, divided by their steps.
 * @param values - finite, as many as `geometry` says
 */
export function spectralCoefficients(
  values: Float32Array,
  geometry: FeatureGeometry,
  quantizer: SpectralQuantizer,
): Float32Array {
  const { blockSize, steps, means, weights } = quantizer;
  const size = geometry.rows * geometry.columns;
  const centered = means
    ? values.map((value, i) => value - means[Math.floor(i / size) % means.length])
    : values;
  const all = coefficientsOfValues(centered, geometry, blockSize);
  const { planes, rows, columns } = spectralGeometry(geometry, quantizer);
  const chosen = new Float32Array(planes * rows * columns);
  forEachKept(geometry, quantizer, (to, from, length, frequency, channel) => {
    const step = weights[frequency] * steps[channel];
    for (let i = 0; i < length; i++) chosen[to + i] = all[from + i] / step;
  });
  return chosen;
}

/**
 * Values of a tensor from its indices.
 * @param indices - in the order of `spectralGeometry`, each below `levelCount`
 * @param geometry - of the tensor
 */
export function valuesOfSpectralIndices(
  indices: Indices,
  geometry: FeatureGeometry,
  quantizer: SpectralQuantizer,
): Float32Array {
  const { blockSize, steps, means, weights, levelCount, isRectified } = quantizer;
  const zeroPoint = (levelCount - 1) / 2;
  const blocks = blockGeometry(geometry, blockSize);
  // Up to 32,767 · 1,023, which 32 bits hold; what is not coded is 0.
  const integers = new Int32Array(blocks.planes * blocks.rows * blocks.columns);
  forEachKept(geometry, quantizer, (to, from, length, frequency) => {
    for (let i = 0; i < length; i++) integers[from + i] = (indices[to + i] - zeroPoint) * weights[frequency];
  });
  const scales = steps.map((step) => step / squaredLength(blockSize));
  return sumsOfBlocks(
    geometry,
    blockSize,
    (at) => integers[at],
    (sum, plane) => {
      const channel = plane % steps.length;
      const product = Math.fround(Math.fround(sum) * scales[channel]);
      const value = means ? Math.fround(product + means[channel]) : product;
      return isRectified && value < 0 ? 0 : value;
    },
  );
}

/** Runs of coefficients of one frequency and plane: their place among those that are coded, and among all. */
function forEachKept(
  geometry: FeatureGeometry,
  { blockSize, kept, steps }: SpectralQuantizer,
  visit: (to: number, from: number, length: number, frequency: number, channel: number) => void,
): void {
  const channels = steps.length;
  const length = Math.ceil(geometry.rows / blockSize) * Math.ceil(geometry.columns / blockSize);
  let to = 0;
  for (let item = 0; item < geometry.planes / channels; item++) {
    for (let at = 0; at < kept.length; at++) {
      if (!kept[at]) continue;
      const [frequency, channel] = [Math.floor(at / channels), at % channels];
      visit(
        to,
        (frequency * geometry.planes + item * channels + channel) * length,
        length,
        frequency,
        channel,
      );
      to += length;
    }
  }
}
