/**
 * A small convolutional decoder from a map to the picture that it was made of: convolutions at the feature's resolution, the last
 * of which gives the patch of every cell, and a training step that moves it towards pictures by squared error.
 */

import type { ModelProto } from '@featherwire/onnx';
import { elementCount, type Shape } from '@featherwire/tensor';
import { gradient } from '../autodiff/gradient.js';
import { Graph, type Value } from '../graph/graph.js';
import { add, concat, mul, reduceMean, relu, reshape, sub, transpose } from '../graph/operators.js';
import { adamStep } from '../training/adam.js';
import { STEP_INPUT, STEP_OUTPUT } from '../training/step.js';
import { convolution, heDeviation, layer, layerOf } from '../units/layers.js';
import {
  constantParameters,
  type ParameterSpec,
  type Parameters,
  parameterCount,
  splitParameters,
} from '../units/parameters.js';

/** What a decoder is between. */
export interface InversionDecoderShape {
  /** [C, h, w] */
  readonly feature: Shape;
  /** [channels, H, W]; sides are multiples of h and w. */
  readonly picture: Shape;
  /** Channels between the convolutions. */
  readonly width: number;
}

/** Names of inputs and outputs beside those of every training step. */
export const INVERSION_TENSOR = { feature: 'feature', target: 'target', picture: 'picture' } as const;

const KERNEL = 3;
/** Convolutions between the first and the last, each added to what it is given. */
const INNER_LAYERS = 2;
/** The first pictures are near the mean. */
const LAST_GAIN = 0.1;
const MAX_GRADIENT_NORM = 1;

/** Trained tensors of a decoder. */
export function inversionParameters({ feature, picture, width }: InversionDecoderShape): ParameterSpec[] {
  const [channels] = feature;
  const area = KERNEL ** 2;
  const weights = (outputs: number, inputs: number): Shape => [outputs, inputs, KERNEL, KERNEL];
  const last = patchSize(feature, picture);
  return [
    ...layer('first', weights(width, channels), width, heDeviation(channels * area)),
    ...Array.from({ length: INNER_LAYERS }, (_, i) =>
      layer(`inner${i}`, weights(width, width), width, heDeviation(width * area, LAST_GAIN)),
    ).flat(),
    ...layer('last', weights(last, width), last, heDeviation(width * area, LAST_GAIN)),
  ];
}

/** The step: parameters, a batch of features and pictures in, next parameters and the mean squared error out. */
export function inversionStep(shape: InversionDecoderShape, batchSize: number): ModelProto {
  const g = new Graph();
  const specs = inversionParameters(shape);
  const vector = (name: string): Value => g.input(name, [parameterCount(specs)]);
  const scalar = (name: string): Value => g.input(name, []);
  const state = {
    parameters: vector(STEP_INPUT.parameters),
    firstMoment: vector(STEP_INPUT.firstMoment),
    secondMoment: vector(STEP_INPUT.secondMoment),
  };
  const parameters = splitParameters(g, state.parameters, specs);
  const feature = g.input(INVERSION_TENSOR.feature, [batchSize, ...shape.feature]);
  const target = g.input(INVERSION_TENSOR.target, [batchSize, ...shape.picture]);
  const difference = sub(g, pictureOf(g, feature, shape, parameters), target);
  const loss = reduceMean(g, mul(g, difference, difference), [0, 1, 2, 3], false);
  const gradients = gradient(g, loss, [...parameters.values()]).map((part) =>
    reshape(g, part, [elementCount(part.shape)]),
  );
  const scalars = {
    learningRate: scalar(STEP_INPUT.learningRate),
    firstCorrection: scalar(STEP_INPUT.firstCorrection),
    secondCorrection: scalar(STEP_INPUT.secondCorrection),
  };
  const next = adamStep(g, state, concat(g, gradients, 0), scalars, MAX_GRADIENT_NORM);
  const outputs = [
    g.named(next.parameters, STEP_OUTPUT.parameters),
    g.named(next.firstMoment, STEP_OUTPUT.firstMoment),
    g.named(next.secondMoment, STEP_OUTPUT.secondMoment),
    g.named(loss, STEP_OUTPUT.loss),
  ];
  return g.toModel(outputs, 'inversion-step');
}

/** The decoder by itself, for one feature. */
export function inversionModel(shape: InversionDecoderShape, vector: Float32Array): ModelProto {
  const g = new Graph();
  const feature = g.input(INVERSION_TENSOR.feature, [1, ...shape.feature]);
  const parameters = constantParameters(g, vector, inversionParameters(shape));
  const picture = pictureOf(g, feature, shape, parameters);
  return g.toModel([g.named(picture, INVERSION_TENSOR.picture)], 'inversion');
}

/** [N, C, h, w] to [N, channels, H, W]. */
function pictureOf(g: Graph, feature: Value, shape: InversionDecoderShape, parameters: Parameters): Value {
  const [, rows, columns] = shape.feature;
  const [channels, height, width] = shape.picture;
  const pad = [(KERNEL - 1) / 2, (KERNEL - 1) / 2];
  const convolve = (x: Value, name: string): Value =>
    convolution(g, x, layerOf(parameters, name), { pads: [pad, pad], lengths: [rows, columns] });
  let x = relu(g, convolve(feature, 'first'));
  for (let i = 0; i < INNER_LAYERS; i++) x = relu(g, add(g, x, convolve(x, `inner${i}`)));
  const [down, across] = [height / rows, width / columns];
  const count = feature.shape[0];
  const patches = reshape(g, convolve(x, 'last'), [count, channels, down, across, rows, columns]);
  return reshape(g, transpose(g, patches, [0, 1, 4, 2, 5, 3]), [count, channels, height, width]);
}

/** Values of the patch that a cell stands for. @throws {RangeError} if cells do not divide the picture */
function patchSize([, rows, columns]: Shape, [channels, height, width]: Shape): number {
  if (height % rows !== 0 || width % columns !== 0)
    throw new RangeError(`feature expected cells that divide ${height} x ${width}, got ${rows} x ${columns}`);
  return channels * (height / rows) * (width / columns);
}
