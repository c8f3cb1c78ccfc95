/** Gradients over random shapes and attributes: convolutions, pooling, broadcasting, slices, padding. */

import { tensor } from '@featherwire/tensor';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { checkGradient, int64s, node } from './check-gradient.js';

const RUNS = { numRuns: 12, seed: 11 };
const up = (min: number, max: number) => fc.integer({ min, max });
const pair = (min: number, max: number) => fc.tuple(up(min, max), up(min, max));

describe('gradients over random shapes', () => {
  test('Conv and ConvTranspose', async () => {
    const form = fc.record({
      group: up(1, 3),
      inner: up(1, 2),
      outer: up(1, 2),
      kernel: pair(1, 3),
      strides: pair(1, 3),
      dilations: pair(1, 2),
      before: pair(0, 1),
      after: pair(0, 1),
      lengths: pair(6, 9),
      transposed: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(form, async ({ group, inner, outer, kernel, lengths, before, after, ...rest }) => {
        const { strides, dilations, transposed } = rest;
        const attributes = { group, strides, dilations, pads: [...before, ...after] };
        // Weights are [M, C/G, …] for Conv and [C, M/G, …] for ConvTranspose.
        const w = [group * (transposed ? inner : outer), transposed ? outer : inner, ...kernel];
        const opType = transposed ? 'ConvTranspose' : 'Conv';
        await checkGradient({
          nodes: [node(opType, ['x', 'w'], 'y', attributes)],
          inputs: { x: [2, group * inner, ...lengths], w },
          dtype: 'float32',
        });
      }),
      RUNS,
    );
  });

  test('AveragePool and MaxPool', async () => {
    const form = fc.record({
      kernel_shape: pair(2, 3),
      strides: pair(1, 3),
      pads: fc.tuple(up(0, 1), up(0, 1), up(0, 1), up(0, 1)),
      ceil_mode: up(0, 1),
      lengths: pair(5, 8),
      count_include_pad: up(0, 1),
    });
    await fc.assert(
      fc.asyncProperty(form, async ({ lengths, count_include_pad, ...attributes }) => {
        const { kernel_shape, strides, pads } = attributes;
        const lastWindow = lengths.map((length, axis) => {
          const free = length + pads[axis] + pads[axis + 2] - kernel_shape[axis];
          return Math.ceil(free / strides[axis]) * strides[axis];
        });
        // Refused, since shape inference and kernels differ; see the test of operator forms.
        fc.pre(lengths.every((length, axis) => lastWindow[axis] < length + pads[axis]));
        const inputs = { x: [1, 2, ...lengths] };
        await checkGradient({
          nodes: [node('AveragePool', ['x'], 'y', { ...attributes, count_include_pad })],
          inputs,
          dtype: 'float32',
        });
        await checkGradient({ nodes: [node('MaxPool', ['x'], 'y', attributes)], inputs, step: 1e-6 });
      }),
      RUNS,
    );
  });

  test('broadcasting', async () => {
    const axis = fc.tuple(up(1, 4), fc.boolean(), fc.boolean());
    const form = fc.record({ axes: fc.array(axis, { minLength: 1, maxLength: 4 }), dropped: up(0, 2) });
    await fc.assert(
      fc.asyncProperty(form, async ({ axes, dropped }) => {
        const a = axes.map(([length, first]) => (first ? 1 : length));
        const b = axes
          .map(([length, , second]) => (second ? 1 : length))
          .slice(Math.min(dropped, axes.length));
        await checkGradient({ nodes: [node('Mul', ['a', 'b'])], inputs: { a, b } });
      }),
      RUNS,
    );
  });

  test('Slice with any step', async () => {
    const step = fc.oneof(up(1, 4), up(-4, -1));
    const form = fc.record({ length: up(2, 9), start: up(-12, 12), end: up(-12, 12), step });
    await fc.assert(
      fc.asyncProperty(form, async ({ length, start, end, step: by }) => {
        const places = Array.from({ length }, (_, i) => i).slice(
          by > 0 ? start : 0,
          by > 0 ? end : undefined,
        );
        fc.pre(by < 0 || places.length > 0);
        const [from, to] = by > 0 ? [start, end] : [length - 1, -length - 1];
        await checkGradient({
          nodes: [node('Slice', ['x', 'starts', 'ends', 'axes', 'steps'])],
          inputs: { x: [2, length] },
          weights: { starts: int64s(from), ends: int64s(to), axes: int64s(1), steps: int64s(by) },
        });
      }),
      RUNS,
    );
  });

  test('Resize and Pad', async () => {
    const coordinates = fc.constantFrom('half_pixel', 'align_corners', 'asymmetric', 'pytorch_half_pixel');
    const form = fc.record({
      mode: fc.constantFrom('linear', 'nearest', 'cubic'),
      coordinates,
      lengths: pair(2, 6),
      sizes: pair(1, 9),
      padding: fc.constantFrom('reflect', 'edge', 'constant'),
    });
    await fc.assert(
      fc.asyncProperty(
        form,
        async ({ mode, coordinates: coordinate_transformation_mode, lengths, sizes, padding }) => {
          const inputs = { x: [1, 2, ...lengths] };
          await checkGradient({
            nodes: [node('Resize', ['x', '', '', 'sizes'], 'y', { mode, coordinate_transformation_mode })],
            inputs,
            weights: { sizes: int64s(1, 2, ...sizes) },
            dtype: 'float32',
          });
          const pads = [0, 0, lengths[0] - 1, 1, 0, 0, 1, lengths[1] - 1];
          await checkGradient({
            nodes: [node('Pad', ['x', 'pads', 'zero'], 'y', { mode: padding })],
            inputs,
            weights: { pads: int64s(...pads), zero: tensor('float64', [], Float64Array.of(0)) },
          });
        },
      ),
      RUNS,
    );
  });
});
