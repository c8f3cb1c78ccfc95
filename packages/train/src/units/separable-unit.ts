/**
 * The depthwise-separable pair for feature maps [C, H, W] (Datta et al., ICPR 2022 and CVPR 2023), with biases in the
 * place of batch normalization, a signed latent, residual blocks on demand, and a restoration whose pads are chosen so
 * that it returns to exactly H × W.
 */

import type { Graph, Value } from '../graph/graph.js';
import { add, relu } from '../graph/operators.js';
import { convolution, heDeviation, layer, layerOf, type Sliding, transposedConvolution } from './layers.js';
import type { ParameterSpec, Parameters } from './parameters.js';
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

/** Size of the latent at the start, in quantization steps. */
const LATENT_GAIN = 2;
/** Residual branches start small, so that deep units start as shallow ones. */
const RESIDUAL_GAIN = 0.3;

/**
 * Makes a unit.
 * @throws {RangeError} if a number is not a positive integer (`blocks`: not negative)
 */
export function createSeparableUnit(options: SeparableUnitOptions): Unit {
  const { featureShape, stride, latentChannels, rectified } = options;
  const [channels, height, width] = featureShape;
  const inner = options.width ?? channels;
  const blockCount = options.blocks ?? 0;
  checkPositive({ channels, height, width, stride, latentChannels, inner, blocks: blockCount + 1 });
  const lengths = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const down = 2 * stride - 1 + (stride === 1 ? 2 : 0);
  const up = stride === 1 ? 3 : 2 * stride;
  const blocks = Array.from({ length: blockCount }, (_, block) => block);
  const downSliding = slidingFrom([height, width], lengths, down, { stride, group: channels });
  const upSliding = {
    ...slidingFrom([height, width], lengths, up, { stride, group: channels }),
    lengths: [height, width],
  };

  return {
    featureShape,
    latentShape: [latentChannels, ...lengths],
    latentChannelAxis: 0,
    parameters: [
      ...layer('reduce.depthwise', [channels, 1, down, down], channels, heDeviation(down * down)),
      ...layer('reduce.widen', [inner, channels, 1, 1], inner, heDeviation(channels)),
      ...blocks.flatMap((block) => residualLayers(`reduce.block${block}`, inner)),
      ...layer(
        'reduce.latent',
        [latentChannels, inner, 1, 1],
        latentChannels,
        heDeviation(inner, LATENT_GAIN),
      ),
      ...layer(
        'restore.widen',
        [inner, latentChannels, 1, 1],
        inner,
        heDeviation(latentChannels, 1 / LATENT_GAIN),
      ),
      ...blocks.flatMap((block) => residualLayers(`restore.block${block}`, inner)),
      ...layer('restore.narrow', [channels, inner, 1, 1], channels, heDeviation(inner)),
      ...layer('restore.depthwise', [channels, 1, up, up], channels, heDeviation((up * up) / stride ** 2)),
    ],
    reduce(g, feature, p) {
      let x = relu(g, convolution(g, feature, layerOf(p, 'reduce.depthwise'), downSliding));
      x = relu(g, convolution(g, x, layerOf(p, 'reduce.widen'), { lengths }));
      for (const block of blocks) x = residualBlock(g, x, p, `reduce.block${block}`);
      return convolution(g, x, layerOf(p, 'reduce.latent'), { lengths });
    },
    restore(g, latent, p) {
      let x = relu(g, convolution(g, latent, layerOf(p, 'restore.widen'), { lengths }));
      for (const block of blocks) x = residualBlock(g, x, p, `restore.block${block}`);
      x = relu(g, convolution(g, x, layerOf(p, 'restore.narrow'), { lengths }));
      const restored = transposedConvolution(g, x, layerOf(p, 'restore.depthwise'), upSliding);
      return rectified ? relu(g, restored) : restored;
    },
  };
}

function checkPositive(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} expected a positive integer, got ${value}`);
    }
  }
}

/** Pads with which windows of a kernel fit `wide` lengths to `narrow` ones exactly, in both directions. */
function slidingFrom(
  wide: readonly number[],
  narrow: readonly number[],
  kernel: number,
  { stride, group }: { readonly stride: number; readonly group: number },
): Sliding {
  const totals = wide.map((length, axis) => (narrow[axis] - 1) * stride + kernel - length);
  const before = totals.map((total) => Math.floor(total / 2));
  return {
    stride,
    group,
    pads: [before, totals.map((total, axis) => total - before[axis])],
    lengths: narrow,
  };
}

/** x + pointwise(relu(depthwise(x))). */
function residualLayers(name: string, channels: number): ParameterSpec[] {
  return [
    ...layer(`${name}.depthwise`, [channels, 1, 3, 3], channels, heDeviation(9)),
    ...layer(`${name}.pointwise`, [channels, channels, 1, 1], channels, heDeviation(channels, RESIDUAL_GAIN)),
  ];
}

function residualBlock(g: Graph, x: Value, p: Parameters, name: string): Value {
  const [, group, ...lengths] = x.shape;
  const ones = [1, 1];
  const spread = convolution(g, x, layerOf(p, `${name}.depthwise`), { pads: [ones, ones], group, lengths });
  return add(g, x, convolution(g, relu(g, spread), layerOf(p, `${name}.pointwise`), { lengths }));
}
