/**
 * The pair for feature maps [C, H, W] in one or several levels, each a depthwise-separable convolution with a stride and
 * residual blocks; restoration mirrors them. The separable unit is that of one level. With several, a large stride is
 * taken in steps that widen in between, so that a latent of few positions still holds what the feature says there. The
 * two sides may differ: restoration runs on the server and is not held to what a device can do.
 */

import type { Graph, Value } from '../graph/graph.js';
import { add, relu } from '../graph/operators.js';
import { checkPositive } from './dimensions.js';
import { convolution, heDeviation, layer, layerOf, slidingFrom, transposedConvolution } from './layers.js';
import type { ParameterSpec, Parameters } from './parameters.js';
import type { Unit } from './unit.js';

/** One level, from the feature to the latent. */
export interface PyramidLevel {
  /** Reduction of height and width, from 1. */
  readonly stride: number;
  /** Channels after the level's pointwise convolution. */
  readonly width: number;
  /** Residual blocks behind it; may be 0. */
  readonly blocks: number;
  /**
   * Filters of each channel in the depthwise convolutions, 1 by default. With one, a stride of 2 leaves a quarter of the
   * feature's elements, and a restored channel is one interpolated map; with stride² of them nothing is lost before the
   * pointwise convolutions.
   */
  readonly filters?: number;
  /** Width and residual blocks of the level in restoration; those of the reduction by default. */
  readonly restoring?: { readonly width: number; readonly blocks: number };
}

/** The architecture of a pyramid unit. */
export interface PyramidUnitOptions {
  /** Channels, height, width of the feature. */
  readonly featureShape: readonly [number, number, number];
  /** From the feature to the latent, at least one. */
  readonly levels: readonly PyramidLevel[];
  /** Channels of the latent. */
  readonly latentChannels: number;
  /** True for a cut after a rectifier: the restored feature is rectified too. */
  readonly rectified: boolean;
  /**
   * What stands between the outermost depthwise convolutions and the pointwise ones beside them: a rectifier (default), or
   * nothing, which keeps the sign of features that have both.
   */
  readonly outerDepthwise?: 'rectified' | 'linear';
}

/** Size of the latent at the start, in quantization steps. */
const LATENT_GAIN = 2;
/** Residual branches start small, so that deep units start as shallow ones. */
const RESIDUAL_GAIN = 0.3;

/** A level with the sizes on both of its sides. */
interface SizedLevel extends Required<PyramidLevel> {
  /** Prefix of its layers; the first level's have none. */
  readonly name: string;
  /** Channels on the side of the feature, in reduction and in restoration. */
  readonly channels: number;
  readonly restoredChannels: number;
  /** Height and width on the side of the feature. */
  readonly wide: readonly number[];
  /** Height and width on the side of the latent. */
  readonly narrow: readonly number[];
  /** Kernels of the depthwise convolutions down and up. */
  readonly down: number;
  readonly up: number;
  /** Whether a rectifier stands between depthwise and pointwise convolutions. */
  readonly hasRectifier: boolean;
}

/**
 * Makes a unit.
 * @throws {RangeError} if there is no level, or a number is not a positive integer (`blocks`: not negative)
 */
export function createPyramidUnit(options: PyramidUnitOptions): Unit {
  const { featureShape, latentChannels, rectified } = options;
  const levels = sizedLevels(options);
  const upwards = [...levels].reverse();
  const [deepest] = upwards;
  return {
    featureShape,
    latentShape: [latentChannels, ...deepest.narrow],
    latentChannelAxis: 0,
    parameters: [
      ...levels.flatMap(reducingLayers),
      ...pointwise('reduce.latent', deepest.width, latentChannels, LATENT_GAIN),
      ...pointwise('restore.widen', latentChannels, deepest.restoring.width, 1 / LATENT_GAIN),
      ...upwards.flatMap(restoringLayers),
    ],
    reduce(g, feature, p) {
      const x = levels.reduce((value, level) => reduceLevel(g, value, p, level), feature);
      return convolution(g, x, layerOf(p, 'reduce.latent'), { lengths: deepest.narrow });
    },
    restore(g, latent, p) {
      const widened = relu(
        g,
        convolution(g, latent, layerOf(p, 'restore.widen'), { lengths: deepest.narrow }),
      );
      return upwards.reduce((value, level, i) => {
        const restored = restoreLevel(g, value, p, level);
        return i < upwards.length - 1 || rectified ? relu(g, restored) : restored;
      }, widened);
    },
  };
}

function sizedLevels({
  featureShape,
  levels,
  latentChannels,
  outerDepthwise = 'rectified',
}: PyramidUnitOptions): SizedLevel[] {
  const [channels, height, width] = featureShape;
  checkPositive({ channels, height, width, latentChannels, levels: levels.length });
  let outer = { channels, restoredChannels: channels, lengths: [height, width] as readonly number[] };
  return levels.map((level, i) => {
    const { stride, blocks, filters = 1, restoring = { width: level.width, blocks } } = level;
    checkPositive({ stride, width: level.width, blocks: blocks + 1, filters });
    checkPositive({ 'restoring.width': restoring.width, 'restoring.blocks': restoring.blocks + 1 });
    const narrow = outer.lengths.map((length) => Math.ceil(length / stride));
    const sized = {
      ...level,
      filters,
      restoring,
      name: i === 0 ? '' : `level${i}.`,
      channels: outer.channels,
      restoredChannels: outer.restoredChannels,
      wide: outer.lengths,
      narrow,
      down: stride === 1 ? 3 : 2 * stride - 1,
      up: stride === 1 ? 3 : 2 * stride,
      hasRectifier: i > 0 || outerDepthwise === 'rectified',
    };
    outer = { channels: level.width, restoredChannels: restoring.width, lengths: narrow };
    return sized;
  });
}

function reducingLayers({ name, channels, filters, width, blocks, down }: SizedLevel): ParameterSpec[] {
  const spread = channels * filters;
  return [
    ...layer(`reduce.${name}depthwise`, [spread, 1, down, down], spread, heDeviation(down * down)),
    ...pointwise(`reduce.${name}widen`, spread, width),
    ...numbersTo(blocks).flatMap((block) => residualLayers(`reduce.${name}block${block}`, width)),
  ];
}

function restoringLayers(level: SizedLevel): ParameterSpec[] {
  const { name, restoredChannels, filters, restoring, stride, up } = level;
  const spread = restoredChannels * filters;
  const deviation = heDeviation((filters * up * up) / stride ** 2);
  return [
    ...numbersTo(restoring.blocks).flatMap((block) =>
      residualLayers(`restore.${name}block${block}`, restoring.width),
    ),
    ...pointwise(`restore.${name}narrow`, restoring.width, spread),
    ...layer(`restore.${name}depthwise`, [spread, 1, up, up], restoredChannels, deviation),
  ];
}

function reduceLevel(g: Graph, value: Value, p: Parameters, level: SizedLevel): Value {
  const { name, channels, stride, narrow, wide, down, blocks } = level;
  const sliding = slidingFrom(wide, narrow, down, { stride, group: channels });
  const spread = convolution(g, value, layerOf(p, `reduce.${name}depthwise`), sliding);
  let x = level.hasRectifier ? relu(g, spread) : spread;
  x = relu(g, convolution(g, x, layerOf(p, `reduce.${name}widen`), { lengths: narrow }));
  for (const block of numbersTo(blocks)) x = residualBlock(g, x, p, `reduce.${name}block${block}`);
  return x;
}

function restoreLevel(g: Graph, value: Value, p: Parameters, level: SizedLevel): Value {
  const { name, restoredChannels, stride, narrow, wide, up, restoring } = level;
  let x = value;
  for (const block of numbersTo(restoring.blocks)) x = residualBlock(g, x, p, `restore.${name}block${block}`);
  x = convolution(g, x, layerOf(p, `restore.${name}narrow`), { lengths: narrow });
  if (level.hasRectifier) x = relu(g, x);
  const sliding = { ...slidingFrom(wide, narrow, up, { stride, group: restoredChannels }), lengths: wide };
  return transposedConvolution(g, x, layerOf(p, `restore.${name}depthwise`), sliding);
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}

/** A 1 × 1 convolution's weights. */
function pointwise(name: string, inputs: number, outputs: number, gain?: number): ParameterSpec[] {
  return layer(name, [outputs, inputs, 1, 1], outputs, heDeviation(inputs, gain));
}

/** x + pointwise(relu(depthwise(x))). */
function residualLayers(name: string, channels: number): ParameterSpec[] {
  return [
    ...layer(`${name}.depthwise`, [channels, 1, 3, 3], channels, heDeviation(9)),
    ...pointwise(`${name}.pointwise`, channels, channels, RESIDUAL_GAIN),
  ];
}

function residualBlock(g: Graph, x: Value, p: Parameters, name: string): Value {
  const [, group, ...lengths] = x.shape;
  const ones = [1, 1];
  const spread = convolution(g, x, layerOf(p, `${name}.depthwise`), { pads: [ones, ones], group, lengths });
  return add(g, x, convolution(g, relu(g, spread), layerOf(p, `${name}.pointwise`), { lengths }));
}
