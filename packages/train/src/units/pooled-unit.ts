/**
 * The unit for feature maps [C, H, W] whose tail begins with their mean: the mean is taken before the link, a few linear
 * layers make a short latent of it, and restoration spreads what it finds evenly over H × W.
 */

import type { Graph, Value } from '../graph/graph.js';
import { add, expand, reduceMean, relu, reshape, scale, tanh } from '../graph/operators.js';
import { checkPositive } from './dimensions.js';
import { heDeviation, layer, layerOf, linear } from './layers.js';
import type { Unit } from './unit.js';

/** The architecture of a pooled unit. */
export interface PooledUnitOptions {
  /** Channels, height, width of the feature. */
  readonly featureShape: readonly [number, number, number];
  /** Elements of the latent. */
  readonly latentChannels: number;
  /** Elements between two linear layers on each side. */
  readonly width: number;
  /** Levels that the latent is held to, the integers from −⌊levels / 2⌋; any number by default. */
  readonly levelCount?: number;
  /** True for a cut after a rectifier: the restored feature is rectified too. */
  readonly rectified: boolean;
}

/** Size of the latent at the start, in quantization steps. */
const LATENT_GAIN = 2;
/** How far inside the outer levels' cells the latent stays. */
const MARGIN = 0.01;

/** Makes a unit. @throws {RangeError} if a number is not a positive integer */
export function createPooledUnit({
  featureShape,
  latentChannels,
  width,
  levelCount,
  rectified,
}: PooledUnitOptions): Unit {
  const [channels, height, columns] = featureShape;
  checkPositive({ channels, height, width: columns, latentChannels, inner: width, levels: levelCount ?? 1 });
  const dense = (name: string, inputs: number, outputs: number, gain?: number) =>
    layer(name, [inputs, outputs], outputs, heDeviation(inputs, gain));
  return {
    featureShape,
    latentShape: [latentChannels],
    latentChannelAxis: 0,
    parameters: [
      ...dense('reduce.widen', channels, width),
      ...dense('reduce.latent', width, latentChannels, LATENT_GAIN),
      ...dense('restore.widen', latentChannels, width, 1 / LATENT_GAIN),
      ...dense('restore.narrow', width, channels),
    ],
    reduce(g, feature, p) {
      const mean = reduceMean(g, feature, [2, 3], false);
      const inner = relu(g, linear(g, mean, layerOf(p, 'reduce.widen')));
      return held(g, linear(g, inner, layerOf(p, 'reduce.latent')), levelCount);
    },
    restore(g, latent, p) {
      const inner = relu(g, linear(g, latent, layerOf(p, 'restore.widen')));
      const mean = linear(g, inner, layerOf(p, 'restore.narrow'));
      const restored = reshape(g, rectified ? relu(g, mean) : mean, [latent.shape[0], channels, 1, 1]);
      return expand(g, restored, [latent.shape[0], channels, height, columns]);
    },
  };
}

/** Bends numbers into the cells of the levels. */
function held(g: Graph, value: Value, levelCount: number | undefined): Value {
  if (levelCount === undefined) return value;
  const center = ((levelCount + 1) % 2) / -2;
  return add(g, scale(g, tanh(g, value), levelCount / 2 - MARGIN), g.scalar(center));
}
