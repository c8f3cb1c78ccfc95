/**
 * Gradients of Conv and ConvTranspose of any rank, group, stride and dilation, as convolutions again.
 *
 * With x [N, C, …], w [M, C/G, k…] and dy [N, M, …], dx is the transposed convolution of dy by w, and dw the
 * convolution of x by dy in which batch and channels have changed places, strides and dilations too.
 */

import { type Tensor, tensor } from '@featherwire/tensor';
import { intAttribute } from '../graph/attributes.js';
import type { Graph, Value } from '../graph/graph.js';
import { reduceSum, reshape, slice, transpose } from '../graph/operators.js';
import { allAxes } from '../graph/shapes.js';
import { type GradientRule, inputOf, ofFirstOutput, outputOf, unsupportedForm } from './rule.js';
import { extentOf, spreadAttributes, type Windows, windowsOf } from './windows.js';

const spatial = ({ shape }: Value): readonly number[] => shape.slice(2);

const convolution: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [x, w] = [inputOf(operation, 0), inputOf(operation, 1)];
  const group = intAttribute(operation.attributes, 'group', 1);
  const windows = windowsOf(operation, spatial(w), spatial(x), spatial(dy));
  return [
    () => inputGradient(g, x, w, dy, { windows, group }),
    () => weightGradient(g, x, dy, w, { windows, group }),
    operation.inputs[2] ? () => biasGradient(g, dy) : null,
  ];
});

const transposedConvolution: GradientRule = ofFirstOutput((g, operation, dy) => {
  const [x, w] = [inputOf(operation, 0), inputOf(operation, 1)];
  const group = intAttribute(operation.attributes, 'group', 1);
  if ('output_shape' in operation.attributes) throw unsupportedForm(operation, 'output_shape');
  const windows = windowsOf(operation, spatial(w), spatial(outputOf(operation)), spatial(x));
  return [
    () => convolve(g, dy, w, { windows, group }, x),
    // The roles of both sides change: dy has the windows, x one element for each.
    () => weightGradient(g, dy, x, w, { windows, group }),
    operation.inputs[2] ? () => biasGradient(g, dy) : null,
  ];
});

interface ConvolutionForm {
  readonly windows: Windows;
  readonly group: number;
}

function convolve(g: Graph, x: Value, w: Value, { windows, group }: ConvolutionForm, like: Value): Value {
  const { strides, dilations, before, after } = windows;
  const attributes = { strides, dilations, group, pads: [...before, ...after] };
  return g.apply('Conv', [x, w], attributes, [{ dtype: x.dtype, shape: like.shape }])[0];
}

/**
 * Constant weights with stride 1 become a convolution by flipped weights, which onnxruntime runs on its fast path
 * (141 against 116 GFLOP/s a core for ConvTranspose; depthwise 2.9 against 7.8 ms) at the price of a second copy.
 */
function inputGradient(g: Graph, x: Value, w: Value, dy: Value, form: ConvolutionForm): Value {
  const { windows, group } = form;
  const weights = g.constantOf(w);
  const before = windows.kernel.map(
    (kernel, axis) => extentOf(kernel, windows.dilations[axis]) - 1 - windows.before[axis],
  );
  const after = before.map(
    (pad, axis) =>
      spatial(x)[axis] -
      spatial(dy)[axis] -
      pad +
      extentOf(windows.kernel[axis], windows.dilations[axis]) -
      1,
  );
  const isPlain =
    windows.strides.every((stride) => stride === 1) && [...before, ...after].every((pad) => pad >= 0);
  if (weights?.dtype === 'float32' && isPlain) {
    const flipped = g.constant(flipWeights(weights, group), `${w.name}_flipped`);
    return convolve(g, dy, flipped, { windows: { ...windows, before, after }, group }, x);
  }
  const attributes = { ...spreadAttributes(windows, spatial(x), spatial(dy)), group };
  return g.apply('ConvTranspose', [dy, w], attributes, [{ dtype: x.dtype, shape: x.shape }])[0];
}

/** [G·O, I, k…] to [G·I, O, k…] with the kernel in reverse. */
function flipWeights(weights: Tensor, group: number): Tensor {
  const [rows, inner, ...kernel] = weights.shape;
  const outer = rows / group;
  const size = kernel.reduce((product, length) => product * length, 1);
  const flipped = new Float32Array(weights.data.length);
  for (let block = 0; block < group; block++) {
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const from = ((block * outer + o) * inner + i) * size;
        const to = ((block * inner + i) * outer + o) * size;
        for (let k = 0; k < size; k++) flipped[to + size - 1 - k] = weights.data[from + k] as number;
      }
    }
  }
  return tensor('float32', [group * inner, outer, ...kernel], flipped);
}

/**
 * dw [G·O, I, k…] from x [N, G·I, …] and dy [N, G·O, …]: one convolution with the batch for channels, in which the
 * groups stay groups.
 */
function weightGradient(g: Graph, x: Value, dy: Value, w: Value, { windows, group }: ConvolutionForm): Value {
  const [batch, channels] = x.shape;
  const [inner, outer] = [channels / group, dy.shape[1] / group];
  const axes = allAxes(windows.kernel.length);
  // [N, G, I, …] → [I, G·N, …]
  const grouped = reshape(g, x, [batch, group, inner, ...spatial(x)]);
  const turned = transpose(g, grouped, [2, 1, 0, ...axes.map((axis) => axis + 3)]);
  const signal = reshape(g, turned, [inner, group * batch, ...spatial(x)]);
  // [N, G·O, …] → [G·O, N, …]
  const kernel = transpose(g, dy, [1, 0, ...axes.map((axis) => axis + 2)]);
  const lengths = axes.map((axis) => {
    const { before, after, strides, dilations } = windows;
    const padded = spatial(x)[axis] + before[axis] + after[axis];
    return Math.floor((padded - extentOf(spatial(dy)[axis], strides[axis])) / dilations[axis]) + 1;
  });
  const exchanged = {
    strides: windows.dilations,
    dilations: windows.strides,
    pads: [...windows.before, ...windows.after],
    group,
  };
  const shape = [inner, group * outer, ...lengths];
  let [dw] = g.apply('Conv', [signal, kernel], exchanged, [{ dtype: x.dtype, shape }]);
  // Rows that no window reached at the end of x make the result too long.
  for (const axis of axes) dw = slice(g, dw, axis + 2, 0, windows.kernel[axis]);
  return reshape(g, transpose(g, dw, [1, 0, ...axes.map((axis) => axis + 2)]), w.shape);
}

function biasGradient(g: Graph, dy: Value): Value {
  return reduceSum(g, dy, [0, ...allAxes(dy.shape.length - 2).map((axis) => axis + 2)], false);
}

export const CONVOLUTION_RULES: Readonly<Record<string, GradientRule>> = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
};
