/** Layers of units: parameters with their first values, and their operations. */

import type { AttributeRecord } from '@featherwire/onnx';
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

/** A layer's tensors in a graph. */
export interface Layer {
  readonly weight: Value;
  readonly bias: Value;
}

/** The tensors of the layer of a name. @throws {RangeError} if there is none */
export function layerOf(parameters: Parameters, name: string): Layer {
  return { weight: parameterOf(parameters, `${name}.weight`), bias: parameterOf(parameters, `${name}.bias`) };
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

/** Pads with which windows of a kernel fit `wide` lengths to `narrow` ones exactly, in both directions. */
export function slidingFrom(
  wide: readonly number[],
  narrow: readonly number[],
  kernel: number,
  { stride, group = 1 }: { readonly stride: number; readonly group?: number },
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

/** A convolution [N, C, H, W]. */
export function convolution(g: Graph, x: Value, { weight, bias }: Layer, sliding: Sliding): Value {
  const shape = [x.shape[0], weight.shape[0], ...sliding.lengths];
  return g.apply('Conv', [x, weight, bias], attributesOf(sliding), [{ dtype: x.dtype, shape }])[0];
}

/** A transposed convolution [N, C, H, W]. */
export function transposedConvolution(g: Graph, x: Value, { weight, bias }: Layer, sliding: Sliding): Value {
  const shape = [x.shape[0], weight.shape[1] * (sliding.group ?? 1), ...sliding.lengths];
  return g.apply('ConvTranspose', [x, weight, bias], attributesOf(sliding), [{ dtype: x.dtype, shape }])[0];
}

/** A linear layer over the last axis. */
export function linear(g: Graph, x: Value, { weight, bias }: Layer): Value {
  return add(g, matMul(g, x, weight), bias);
}

function attributesOf({
  stride = 1,
  pads = [
    [0, 0],
    [0, 0],
  ],
  group = 1,
}: Sliding): AttributeRecord {
  return { strides: [stride, stride], pads: [...pads[0], ...pads[1]], group };
}
