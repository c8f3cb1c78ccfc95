/**
 * Components of channels (bitstream.md §4.3.1): each is a weighted sum of the channels at a place, fixed beforehand, so that
 * what channels have in common is coded once. With orthonormal weights an error in a component is spread over the channels
 * and is not larger there.
 *
 * Weights are integers, and the way back is a sum of products of integers, exact and the same everywhere.
 */

import type { ChannelBasis, FeatureGeometry, Indices } from '../stages.js';

/** Weights have this many fraction bits. */
export const WEIGHT_BITS = 14;
/** Geometry of the components of a tensor: other planes. @param geometry - of the tensor; its planes are whole sets of channels */
export function componentGeometry(geometry: FeatureGeometry, basis: ChannelBasis | null): FeatureGeometry {
  if (!basis) return geometry;
  return { ...geometry, planes: (geometry.planes / basis.channelCount) * basis.componentCount };
}

/**
 * Components of a tensor's values.
 * @param values - as many as `geometry` says; finite
 * @param geometry - of the tensor
 * @returns float32 values in the order of `componentGeometry`
 */
export function componentsOfValues(
  values: Float32Array,
  geometry: FeatureGeometry,
  basis: ChannelBasis,
): Float32Array {
  const { channelCount, componentCount, weights } = basis;
  const planeSize = geometry.rows * geometry.columns;
  const components = new Float32Array(componentGeometry(geometry, basis).planes * planeSize);
  const sums = new Float64Array(planeSize);
  for (let set = 0; set < geometry.planes / channelCount; set++) {
    for (let component = 0; component < componentCount; component++) {
      sums.fill(0);
      for (let channel = 0; channel < channelCount; channel++) {
        const weight = weights[component * channelCount + channel];
        const from = (set * channelCount + channel) * planeSize;
        for (let i = 0; i < planeSize; i++) sums[i] += weight * values[from + i];
      }
      const target = (set * componentCount + component) * planeSize;
      for (let i = 0; i < planeSize; i++) components[target + i] = sums[i] / 2 ** WEIGHT_BITS;
    }
  }
  return components;
}

/** Where the indices of a block are: that of frequency f and component k is at `first + f * frequencyStride + k * componentStride`. */
export interface ComponentPlace {
  readonly first: number;
  readonly frequencyStride: number;
  readonly componentStride: number;
}

/**
 * Coefficients of a block's channels from the indices of its components.
 * @param zeroPoint - index of 0
 * @param target - receives the coefficient of frequency f and channel c at `f * channelCount + c`, in units of the step and
 *   of the weights; overwritten
 */
export function channelsOfComponents(
  indices: Indices,
  { first, frequencyStride, componentStride }: ComponentPlace,
  zeroPoint: number,
  { channelCount, componentCount, weights }: ChannelBasis,
  target: Float64Array,
): void {
  target.fill(0);
  const frequencyCount = target.length / channelCount;
  for (let frequency = 0; frequency < frequencyCount; frequency++) {
    const at = frequency * channelCount;
    for (let component = 0; component < componentCount; component++) {
      const level = indices[first + frequency * frequencyStride + component * componentStride] - zeroPoint;
      // Most coefficients are 0.
      if (level === 0) continue;
      const row = component * channelCount;
      for (let channel = 0; channel < channelCount; channel++)
        target[at + channel] += level * weights[row + channel];
    }
  }
}
