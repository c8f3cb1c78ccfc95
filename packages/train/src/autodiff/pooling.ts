/** Gradients of pooling. */

import { elementCount, type TensorOf, tensor } from '@featherwire/tensor';
import { intAttribute, intsAttribute } from '../graph/attributes.js';
import type { Operation, Value } from '../graph/graph.js';
import { cast, div, equal, expand, mul, reduceSum, reshape, scale, zeros } from '../graph/operators.js';
import { allAxes } from '../graph/shapes.js';
import { type GradientRule, inputOf, ofFirstOutput, outputOf, unsupportedForm } from './rule.js';
import { spreadAttributes, type Windows, windowsOf } from './windows.js';

function poolWindows(operation: Operation): Windows {
  const kernel = intsAttribute(operation.attributes, 'kernel_shape') ?? [];
  const [x, y] = [inputOf(operation, 0), outputOf(operation)];
  return windowsOf(operation, kernel, x.shape.slice(2), y.shape.slice(2));
}

/** Overlapping windows may have one maximum: their gradients are added at its place. */
const maxPool: GradientRule = ofFirstOutput((g, operation, dy) => [
  () => {
    const x = inputOf(operation, 0);
    const indices = operation.outputs[1];
    if (!indices) throw unsupportedForm(operation, 'no indices');
    if (intAttribute(operation.attributes, 'storage_order', 0) !== 0) {
      throw unsupportedForm(operation, 'column-major indices');
    }
    const flat = [elementCount(dy.shape)];
    const target = zeros(g, [elementCount(x.shape)], x.dtype);
    const inputs = [target, reshape(g, indices, flat), reshape(g, dy, flat)];
    const attributes = { axis: 0, reduction: 'add' };
    const [dx] = g.apply('ScatterElements', inputs, attributes, [{ dtype: x.dtype, shape: target.shape }]);
    return reshape(g, dx, x.shape);
  },
]);

/** Each output spreads its gradient evenly over the elements it is the mean of. */
const averagePool: GradientRule = ofFirstOutput((g, operation, dy) => [
  () => {
    const x = inputOf(operation, 0);
    const windows = poolWindows(operation);
    const share = div(g, dy, g.constant(windowCounts(operation, windows)));
    const channels = x.shape[1];
    const kernel = expand(g, g.scalar(1, x.dtype), [channels, 1, ...windows.kernel]);
    const attributes = { ...spreadAttributes(windows, x.shape.slice(2), dy.shape.slice(2)), group: channels };
    return g.apply('ConvTranspose', [share, kernel], attributes, [{ dtype: x.dtype, shape: x.shape }])[0];
  },
]);

/** Elements that each window's sum is divided by, [1, 1, …]; padding counts if the operator says so. */
function windowCounts(operation: Operation, windows: Windows): TensorOf<'float32'> {
  const narrow = outputOf(operation).shape.slice(2);
  const wide = inputOf(operation, 0).shape.slice(2);
  const countsPads = intAttribute(operation.attributes, 'count_include_pad', 0) === 1;
  const perAxis = narrow.map((length, axis) => {
    const { kernel, strides, dilations, before, after } = windows;
    const first = countsPads ? -before[axis] : 0;
    const end = countsPads ? wide[axis] + after[axis] : wide[axis];
    return Array.from({ length }, (_, position) => {
      const start = position * strides[axis] - before[axis];
      const touched = Array.from({ length: kernel[axis] }, (_, k) => start + k * dilations[axis]);
      return touched.filter((at) => at >= first && at < end).length;
    });
  });
  const counts = perAxis.reduce((product, axis) => product.flatMap((a) => axis.map((b) => a * b)), [1]);
  return tensor('float32', [1, 1, ...narrow], Float32Array.from(counts));
}

function spatialAxes(x: Value): number[] {
  return allAxes(x.shape.length - 2).map((axis) => axis + 2);
}

const globalAverage: GradientRule = ofFirstOutput((g, operation, dy) => [
  () => {
    const x = inputOf(operation, 0);
    return expand(g, scale(g, dy, 1 / elementCount(x.shape.slice(2))), x.shape);
  },
]);

const globalMax: GradientRule = ofFirstOutput((g, operation, dy) => [
  () => {
    const x = inputOf(operation, 0);
    const attaining = cast(g, equal(g, x, outputOf(operation)), x.dtype);
    return mul(g, attaining, div(g, dy, reduceSum(g, attaining, spatialAxes(x))));
  },
]);

export const POOLING_RULES: Readonly<Record<string, GradientRule>> = {
  AveragePool: averagePool,
  GlobalAveragePool: globalAverage,
  GlobalMaxPool: globalMax,
  MaxPool: maxPool,
};
