/** Layers of units: parameters with their first values, and their operations. */

import type { Shape } from '@featherwire/tensor';
import type { Graph, Value } from '../graph/graph.js';
import { add, matMul } from '../graph/operators.js';
import { type ParameterSpec, type Parameters, parameterOf } from './parameters.js';

/** Deviation that keeps the size of signals through a rectifier (He et al., 2015), times a gain. */
export function heDeviation(inputs: number, gain = 1): number {
  return gain * Math.sqrt(2 / inputs);
}

/** Weights and bias of a layer. */
export function layer(name: string, weights: Shape, outputs: number, deviation: number): ParameterSpec[] {
  return [
    { name: `${name}.weight`, shape: weights, deviation },
    { name: `${name}.bias`, shape: [outputs], deviation: 0 },
  ];
}

/** How a convolution slides. */
export interface Sliding {
  readonly stride?: number;
  /** Before and after, on both spatial axes; 0 by default. */
  readonly pads?: readonly [before: readonly number[], after: readonly number[]];
  readonly group?: number;
  /** Spatial lengths of the result. */
  readonly lengths: readonly number[];
}

/** A convolution [N, C, H, W] with the layer's weights and bias. */
export function convolution(g: Graph, x: Value, p: Parameters, name: string, sliding: Sliding): Value {
  const { channels, attributes } = statedBy(sliding, parameterOf(p, `${name}.weight`).shape[0]);
  return applyLayer(g, 'Conv', x, p, name, attributes, [x.shape[0], channels, ...sliding.lengths]);
}

/** A transposed convolution. */
export function transposedConvolution(
  g: Graph,
  x: Value,
  p: Parameters,
  name: string,
  sliding: Sliding,
): Value {
  const group = sliding.group ?? 1;
  const { channels, attributes } = statedBy(sliding, parameterOf(p, `${name}.weight`).shape[1] * group);
  return applyLayer(g, 'ConvTranspose', x, p, name, attributes, [x.shape[0], channels, ...sliding.lengths]);
}

/** A linear layer over the last axis. */
export function linear(g: Graph, x: Value, p: Parameters, name: string): Value {
  return add(g, matMul(g, x, parameterOf(p, `${name}.weight`)), parameterOf(p, `${name}.bias`));
}

interface Stated {
  readonly channels: number;
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
}

function statedBy(
  {
    stride = 1,
    pads = [
      [0, 0],
      [0, 0],
    ],
    group = 1,
  }: Sliding,
  channels: number,
): Stated {
  return { channels, attributes: { strides: [stride, stride], pads: [...pads[0], ...pads[1]], group } };
}

function applyLayer(
  g: Graph,
  opType: string,
  x: Value,
  p: Parameters,
  name: string,
  attributes: Stated['attributes'],
  shape: Shape,
): Value {
  const inputs = [x, parameterOf(p, `${name}.weight`), parameterOf(p, `${name}.bias`)];
  return g.apply(opType, inputs, attributes, [{ dtype: x.dtype, shape }])[0];
}
