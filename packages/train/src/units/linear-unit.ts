/** The unit for tokens [T, D]: linear layers over the features of each token. */

import type { Graph, Value } from '../graph/graph.js';
import { relu } from '../graph/operators.js';
import { checkPositive } from './dimensions.js';
import { heDeviation, type Layer, layer, layerOf, linear } from './layers.js';
import type { Parameters } from './parameters.js';
import type { Unit } from './unit.js';

/** The architecture of a linear unit. */
export interface LinearUnitOptions {
  /** Tokens and features of each. */
  readonly featureShape: readonly [number, number];
  /** Features of each token in the latent. */
  readonly latentChannels: number;
  /** Features between two layers on each side; none, for one layer on each side, by default. */
  readonly width?: number;
}

/** Size of the latent at the start, in quantization steps, for features of size 1. */
const LATENT_GAIN = 2;

/** Makes a unit. @throws {RangeError} if a number is not a positive integer */
export function createLinearUnit({ featureShape, latentChannels, width }: LinearUnitOptions): Unit {
  const [tokens, features] = featureShape;
  checkPositive({ tokens, features, latentChannels, width: width ?? 1 });
  const down = [features, ...(width ? [width] : []), latentChannels];
  const sizes = (path: readonly number[], name: string, gain: number) =>
    path.slice(1).flatMap((outputs, i) => {
      const isLast = i === path.length - 2;
      return layer(`${name}${i}`, [path[i], outputs], outputs, heDeviation(path[i], isLast ? gain : 1));
    });
  const layerCount = down.length - 1;
  return {
    featureShape,
    latentShape: [tokens, latentChannels],
    latentChannelAxis: 1,
    parameters: [
      ...sizes(down, 'reduce', LATENT_GAIN / Math.SQRT2),
      ...sizes([...down].reverse(), 'restore', 1 / LATENT_GAIN),
    ],
    reduce: (g, feature, p) => linearLayers(g, feature, layersOf(p, 'reduce', layerCount)),
    restore: (g, latent, p) => linearLayers(g, latent, layersOf(p, 'restore', layerCount)),
  };
}

function layersOf(p: Parameters, name: string, count: number): Layer[] {
  return Array.from({ length: count }, (_, i) => layerOf(p, `${name}${i}`));
}

/** Layers with rectifiers between them. */
function linearLayers(g: Graph, input: Value, layers: readonly Layer[]): Value {
  return layers.reduce((x, own, i) => linear(g, i === 0 ? x : relu(g, x), own), input);
}
