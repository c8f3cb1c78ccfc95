/**
 * Gradients of Resize and Pad. Along each axis both are linear maps with a small matrix, so the gradient is the product
 * with its transpose; padding with a constant is undone by cutting off.
 */

import { type Tensor, tensor } from '@featherwire/tensor';
import { floatAttribute, intAttribute, stringAttribute } from '../graph/attributes.js';
import type { Graph, Operation, Value } from '../graph/graph.js';
import { integersOf } from '../graph/normal-forms.js';
import { cast, matMul, pad, transpose } from '../graph/operators.js';
import { allAxes } from '../graph/shapes.js';
import { type InterpolationRule, interpolationMatrix } from './interpolation.js';
import { type GradientRule, inputOf, ofFirstOutput, outputOf, unsupportedForm } from './rule.js';

/** Applies the transpose of a matrix [out, in] along an axis of length `out`. */
function applyTransposed(g: Graph, dy: Value, axis: number, matrix: Tensor): Value {
  const order = allAxes(dy.shape.length);
  const last = order.length - 1;
  const exchanged = order.map((position) => (position === axis ? last : position === last ? axis : position));
  const moved = transpose(g, dy, exchanged);
  return transpose(g, matMul(g, moved, cast(g, g.constant(matrix), dy.dtype)), exchanged);
}

const resize: GradientRule = ofFirstOutput((g, operation, dy) => [
  () => {
    const x = inputOf(operation, 0);
    const rule = interpolationRule(operation);
    const scales = operation.inputs[2];
    const stated = scales ? g.constantOf(scales) : undefined;
    let gradient = dy;
    for (const [axis, length] of x.shape.entries()) {
      const resized = outputOf(operation).shape[axis];
      const factor = stated && stated.data.length > 0 ? Number(stated.data[axis]) : resized / length;
      if (resized === length && factor === 1) continue;
      gradient = applyTransposed(g, gradient, axis, interpolationMatrix(length, resized, factor, rule));
    }
    return gradient;
  },
]);

function interpolationRule(operation: Operation): InterpolationRule {
  const { attributes } = operation;
  for (const unknown of ['axes', 'keep_aspect_ratio_policy']) {
    if (unknown in attributes) throw unsupportedForm(operation, unknown);
  }
  if (intAttribute(attributes, 'antialias', 0) === 1) throw unsupportedForm(operation, 'antialias');
  const coordinates = stringAttribute(attributes, 'coordinate_transformation_mode', 'half_pixel');
  if (coordinates === 'tf_crop_and_resize') throw unsupportedForm(operation, coordinates);
  return {
    coordinates,
    mode: stringAttribute(attributes, 'mode', 'nearest'),
    nearest: stringAttribute(attributes, 'nearest_mode', 'round_prefer_floor'),
    cubicCoefficient: floatAttribute(attributes, 'cubic_coeff_a', -0.75),
    excludesOutside: intAttribute(attributes, 'exclude_outside', 0) === 1,
  };
}

const padding: GradientRule = ofFirstOutput((g, operation, dy) => [
  () => {
    const x = inputOf(operation, 0);
    const rank = x.shape.length;
    const pads = integersOf(g, inputOf(operation, 1), `pads of Pad '${operation.name}'`);
    const mode = stringAttribute(operation.attributes, 'mode', 'constant');
    if (mode === 'constant') {
      const cut = pads.map((count) => -count);
      return pad(g, dy, cut.slice(0, rank), cut.slice(rank));
    }
    let gradient = dy;
    for (const [axis, length] of x.shape.entries()) {
      if (pads[axis] === 0 && pads[axis + rank] === 0) continue;
      gradient = applyTransposed(
        g,
        gradient,
        axis,
        paddingMatrix(length, pads[axis], pads[axis + rank], mode),
      );
    }
    return gradient;
  },
]);

/** Which element each place of a padded axis copies, as a matrix [padded, length]. */
function paddingMatrix(length: number, before: number, after: number, mode: string): Tensor {
  const padded = length + before + after;
  const matrix = new Float32Array(padded * length);
  for (let row = 0; row < padded; row++) matrix[row * length + sourceOf(row - before, length, mode)] = 1;
  return tensor('float32', [padded, length], matrix);
}

/** The element that a place outside of [0, length) copies. */
function sourceOf(position: number, length: number, mode: string): number {
  switch (mode) {
    case 'edge':
      return Math.min(Math.max(position, 0), length - 1);
    case 'wrap':
      return ((position % length) + length) % length;
    default: {
      // reflect: the edge itself is not repeated
      const period = Math.max(1, 2 * (length - 1));
      const within = ((position % period) + period) % period;
      return within < length ? within : period - within;
    }
  }
}

export const SAMPLING_RULES: Readonly<Record<string, GradientRule>> = { Pad: padding, Resize: resize };
