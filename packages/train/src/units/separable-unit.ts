/**
 * The depthwise-separable pair for feature maps [C, H, W] (Datta et al., ICPR 2022 and CVPR 2023), with biases in the
 * place of batch normalization, a signed latent, residual blocks on demand, and a restoration whose pads are chosen so
 * that it returns to exactly H × W: a pyramid of one level.
 */

import { createPyramidUnit } from './pyramid-unit.js';
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
  /** True for a cut after a rectifier: the restored feature is rectified too. */
  readonly rectified: boolean;
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
  rectified,
}: SeparableUnitOptions): Unit {
  return createPyramidUnit({ featureShape, levels: [{ stride, width, blocks }], latentChannels, rectified });
}
