/**
 * A scale hyperprior as the rate of a latent (Ballé et al., 2018), in training alone: frames hold nothing of it, and
 * what it estimates stands for what the coder's contexts find in the neighborhood of an element. A small network takes
 * the latent's absolute values to a second, coarser latent, another takes that to a scale for each element. The rate is
 * the bits of both: those of the latent under logistic distributions of these scales, with a learned mean for each
 * channel, and those of the second latent under a factorized prior of its own.
 */

import type { Shape } from '@featherwire/tensor';
import type { Graph, Value } from '../graph/graph.js';
import { abs, add, relu } from '../graph/operators.js';
import {
  convolution,
  heDeviation,
  layer,
  layerOf,
  slidingFrom,
  transposedConvolution,
} from '../units/layers.js';
import type { ParameterSpec, Parameters } from '../units/parameters.js';
import type { Unit } from '../units/unit.js';
import { withNoise } from './quantization.js';
import { channelPrior, logisticBits, priorParameters } from './rate.js';

/** Channels between the layers. */
const WIDTH = 32;
/** Channels of the second latent: side information is to be a small share of the rate. */
const HYPER_CHANNELS = 8;
const STRIDE = 2;
/** Kernels of the convolutions with the stride, down and up; the others are of 3 × 3. */
const DOWN = 3;
const UP = 4;
/** Scales start close to those of a factorized prior. */
const SCALE_GAIN = 0.1;

/**
 * Channels, height and width of the second latent.
 * @throws {RangeError} if the unit's latent is no map [C, H, W]
 */
export function hyperLatentShape({ latentShape, latentChannelAxis }: Unit): Shape {
  if (latentShape.length !== 3 || latentChannelAxis !== 0)
    throw new RangeError(`hyperprior expected a latent [C, H, W], got [${latentShape.join(', ')}]`);
  return [HYPER_CHANNELS, ...latentShape.slice(1).map((length) => Math.ceil(length / STRIDE))];
}

/** Parameters of the hyperprior of a latent of so many channels. */
export function hyperpriorParameters(channels: number): ParameterSpec[] {
  const upDeviation = heDeviation((HYPER_CHANNELS * UP ** 2) / STRIDE ** 2);
  return [
    ...priorParameters(channels),
    ...squareLayer('hyper.widen', channels, WIDTH, 3),
    ...squareLayer('hyper.down', WIDTH, HYPER_CHANNELS, DOWN),
    ...layer('hyper.up', [HYPER_CHANNELS, WIDTH, UP, UP], WIDTH, upDeviation),
    ...squareLayer('hyper.scale', WIDTH, channels, 3, SCALE_GAIN),
    ...priorParameters(HYPER_CHANNELS, 'hyper.prior'),
  ];
}

/** A latent as the hyperprior sees it. */
export interface HyperpriorLatent {
  /** [N, C, H, W] as the reduction gives it. */
  readonly latent: Value;
  /** The same with noise. */
  readonly noisy: Value;
  /** For the second latent [N, …], uniform in [-0.5, 0.5). */
  readonly hyperNoise: Value;
  /** [N, 1, 1, 1]; steps of 1 without it. Those of the second latent are always of 1. */
  readonly stepSize?: Value;
}

/** Bits of a latent and of its second latent, per item of the batch. */
export function hyperpriorBits(
  g: Graph,
  { latent, noisy, hyperNoise, stepSize }: HyperpriorLatent,
  p: Parameters,
): Value {
  const [, , ...wide] = latent.shape;
  const [, , ...narrow] = hyperNoise.shape;
  const widened = relu(g, sameSize(g, abs(g, latent), p, 'hyper.widen'));
  const down = slidingFrom(wide, narrow, DOWN, { stride: STRIDE });
  const hyper = withNoise(g, convolution(g, widened, layerOf(p, 'hyper.down'), down), hyperNoise);
  const up = { ...slidingFrom(wide, narrow, UP, { stride: STRIDE }), lengths: wide };
  const spread = relu(g, transposedConvolution(g, hyper, layerOf(p, 'hyper.up'), up));
  const { mean, logScale } = channelPrior(g, latent, 0, p);
  const prior = { mean, logScale: add(g, logScale, sameSize(g, spread, p, 'hyper.scale')) };
  return add(
    g,
    logisticBits(g, noisy, prior, stepSize),
    logisticBits(g, hyper, channelPrior(g, hyper, 0, p, 'hyper.prior')),
  );
}

/** Weights of a convolution with a square kernel. */
function squareLayer(
  name: string,
  inputs: number,
  outputs: number,
  side: number,
  gain?: number,
): ParameterSpec[] {
  return layer(name, [outputs, inputs, side, side], outputs, heDeviation(inputs * side ** 2, gain));
}

/** A convolution of 3 × 3 that keeps height and width. */
function sameSize(g: Graph, x: Value, p: Parameters, name: string): Value {
  const ones = [1, 1];
  return convolution(g, x, layerOf(p, name), { pads: [ones, ones], lengths: x.shape.slice(2) });
}
