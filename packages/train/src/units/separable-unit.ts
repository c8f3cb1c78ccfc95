/**
 * The depthwise-separable pair for feature maps [C, H, W] (Datta et al., ICPR 2022 and CVPR 2023), with biases in the
 * place of batch normalization, a signed latent, residual blocks on demand, and a restoration whose pads are chosen so
 * that it returns to exactly H × W: a pyramid of one level.
 */

import { createPyramidUnit, type PyramidUnitOptions } from './pyramid-unit.js';
import type { Unit } from './unit.js';

/** The architecture of a separable unit. */
export interface SeparableUnitOptions {
  /** Channels, height, width of the feature. */
  readonly featureShape: readonly [number, number, number];
  /** Reduction of height and width, from 1. */
  readonly stride: number;
  /** Channels of the latent. */
  readonly latentChannels: number;
  /** Channels between the layers; those of the feature by default. */
  readonly width?: number;
  /** Residual blocks beside the latent, on each side; none by default. */
  readonly blocks?: number;
  /** Filters of each channel in the depthwise convolutions; 1 by default. */
  readonly filters?: number;
  /** True for a cut after a rectifier: the restored feature is rectified too. */
  readonly rectified: boolean;
  /** As in `PyramidUnitOptions`. */
  readonly outerDepthwise?: PyramidUnitOptions['outerDepthwise'];
}

/**
 * Makes a unit.
 * @throws {RangeError} if a number is not a positive integer (`blocks`: not negative)
 */
export function createSeparableUnit({
  featureShape,
  stride,
  latentChannels,
  width = featureShape[0],
  blocks = 0,
  filters = 1,
  rectified,
  outerDepthwise = 'rectified',
}: SeparableUnitOptions): Unit {
  const levels = [{ stride, width, blocks, filters }];
  return createPyramidUnit({ featureShape, levels, latentChannels, rectified, outerDepthwise });
}
