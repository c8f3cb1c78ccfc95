/**
 * Design of a basis of channels from samples: the principal directions of the channels' values about 0, those that hold
 * nearly all of their squares. Encoding only.
 *
 * They are found by one-sided rotations of the rows of the matrix of second moments (Hestenes, "Inversion of matrices by
 * biorthogonalization and related results", 1958): once its rows are orthogonal, they are the directions, scaled by their
 * squares' sums.
 */

import type { Tensor } from '@featherwire/tensor';
import { type ChannelBasis, MAX_BASIS_CHANNELS } from '../stages.js';
import { WEIGHT_BITS } from './channel-basis.js';

/** Sums of products of channels at the same place; one pass, in any order. */
export interface ChannelMoments {
  readonly channelCount: number;
  /** `channelCount` rows of as many. */
  readonly products: Float64Array;
}

/** Settings of the design. */
export interface BasisOptions {
  /** Share of the squares that components left out may hold, 0.0005 by default: errors of less are below most steps. */
  readonly lostShare?: number;
}

const DEFAULT_LOST_SHARE = 0.0005;
const MAX_SWEEPS = 30;
/** Rows are orthogonal when the cosine between any two is below this. */
const ORTHOGONAL = 1e-7;
/** Rows of less than this share of the largest one's length are rounding errors. */
const NO_LENGTH = 1e-12;

/** Moments of no values. @throws {RangeError} for more than 2,048 channels */
export function createChannelMoments(channelCount: number): ChannelMoments {
  if (!Number.isInteger(channelCount) || channelCount < 1 || channelCount > MAX_BASIS_CHANNELS)
    throw new RangeError(
      `channelCount expected an integer from 1 to ${MAX_BASIS_CHANNELS}, got ${channelCount}`,
    );
  return { channelCount, products: new Float64Array(channelCount * channelCount) };
}

/**
 * Takes a tensor's values in.
 * @param values - row-major, finite; not kept
 * @param shape - of at least three dimensions, the last but two being the channels
 * @throws {RangeError} if the shape has other channels
 */
export function addChannelMoments(
  { channelCount, products }: ChannelMoments,
  values: Float32Array,
  shape: readonly number[],
): void {
  const axis = shape.length - 3;
  if (axis < 0 || shape[axis] !== channelCount)
    throw new RangeError(
      `shape expected ${channelCount} channels before two dimensions, got [${shape.join(', ')}]`,
    );
  const planeSize = shape[axis + 1] * shape[axis + 2];
  for (let from = 0; from < values.length; from += channelCount * planeSize) {
    for (let a = 0; a < channelCount; a++) {
      for (let b = 0; b <= a; b++) {
        let sum = 0;
        for (let i = 0; i < planeSize; i++)
          sum += values[from + a * planeSize + i] * values[from + b * planeSize + i];
        products[a * channelCount + b] += sum;
        if (a !== b) products[b * channelCount + a] += sum;
      }
    }
  }
}

/**
 * Moments of whole samples.
 * @param samples - at least one, of one number of channels
 * @throws {TypeError} for elements other than float32
 * @throws {RangeError} as `createChannelMoments` and `addChannelMoments`
 */
export function channelMomentsOf(samples: readonly Tensor[]): ChannelMoments {
  const moments = createChannelMoments(samples[0].shape.at(-3) ?? 0);
  for (const { dtype, shape, data } of samples) {
    if (dtype !== 'float32') throw new TypeError(`samples expected elements of float32, got ${dtype}`);
    addChannelMoments(moments, data, shape);
  }
  return moments;
}

/**
 * Designs a basis: the fewest principal components that lose no more than a share of the squares, largest first.
 * @throws {RangeError} if all values were 0, or the share is not in 0 … 1
 */
export function designChannelBasis(moments: ChannelMoments, options: BasisOptions = {}): ChannelBasis {
  const { lostShare = DEFAULT_LOST_SHARE } = options;
  if (!(lostShare >= 0 && lostShare < 1))
    throw new RangeError(`lostShare expected a number of 0 to below 1, got ${lostShare}`);
  const { channelCount } = moments;
  const rows = principalRows(moments);
  const total = rows.reduce((sum, { length }) => sum + length, 0);
  if (!(total > 0)) throw new RangeError('moments expected those of values other than 0');
  let componentCount = 0;
  for (let held = 0; componentCount < rows.length && held < total * (1 - lostShare); componentCount++)
    held += rows[componentCount].length;
  const weights = new Int16Array(componentCount * channelCount);
  for (let component = 0; component < componentCount; component++) {
    const { row, length } = rows[component];
    for (let channel = 0; channel < channelCount; channel++)
      weights[component * channelCount + channel] = Math.round((row[channel] / length) * 2 ** WEIGHT_BITS);
  }
  return { channelCount, componentCount, weights };
}

/** Rows of the matrix, rotated until they are orthogonal, longest first; a row's length is the sum of its component's squares. */
function principalRows({ channelCount, products }: ChannelMoments): { row: Float64Array; length: number }[] {
  const rows = Array.from({ length: channelCount }, (_, channel) =>
    products.slice(channel * channelCount, (channel + 1) * channelCount),
  );
  const tiny = (NO_LENGTH * Math.max(...rows.map((row) => Math.hypot(...row)))) ** 2;
  for (let sweep = 0, isDone = false; sweep < MAX_SWEEPS && !isDone; sweep++) {
    isDone = true;
    for (let a = 0; a < channelCount; a++) {
      for (let b = a + 1; b < channelCount; b++) if (rotate(rows[a], rows[b], tiny)) isDone = false;
    }
  }
  return rows
    .map((row) => ({ row, length: Math.hypot(...row) }))
    .filter(({ length }) => length * length > tiny)
    .sort((a, b) => b.length - a.length);
}

/** Makes two rows orthogonal. @returns false if they were, or one of them is no longer than rounding errors */
function rotate(a: Float64Array, b: Float64Array, tiny: number): boolean {
  let aa = 0;
  let bb = 0;
  let ab = 0;
  for (let i = 0; i < a.length; i++) {
    aa += a[i] * a[i];
    bb += b[i] * b[i];
    ab += a[i] * b[i];
  }
  if (aa <= tiny || bb <= tiny || ab * ab <= ORTHOGONAL ** 2 * aa * bb) return false;
  const slope = (bb - aa) / (2 * ab);
  const tangent = (slope < 0 ? -1 : 1) / (Math.abs(slope) + Math.sqrt(1 + slope * slope));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = tangent * cosine;
  for (let i = 0; i < a.length; i++) {
    const x = a[i];
    a[i] = cosine * x - sine * b[i];
    b[i] = sine * x + cosine * b[i];
  }
  return true;
}
