import { createLocalSession, createWorkerSession } from '@featherwire/inference/node';
import { describe, expect, test } from 'vitest';
import { buildModel, int64s, op, weight } from '../test/model-builder.js';
import { makeInt, makeInts } from './attributes.js';
import { inferShapes } from './infer-shapes.js';
import { withInputShapes } from './input-shapes.js';
import { fillRanks, tensorInfoOf } from './value-info.js';

const sessions = createLocalSession;

describe('shape inference', () => {
  test('gives type and shape of inputs, weights and inner tensors, with symbols for open dimensions', async () => {
    const model = buildModel({
      nodes: [
        op('Conv', ['x', 'w'], 'a', [makeInts('pads', [1, 1, 1, 1]), makeInts('strides', [2, 2])]),
        op('Cast', ['a'], 'half', [makeInt('to', 10)]),
        op('Flatten', ['half'], 'y'),
      ],
      inputs: [{ name: 'x', shape: ['N', 3, 8, 8] }],
      outputs: ['y'],
      weights: { w: weight(5, 3, 3, 3) },
    });
    const open = await inferShapes(model, { sessions });
    expect(open.get('x')).toEqual({ name: 'x', dtype: 'float32', shape: ['N', 3, 8, 8] });
    expect(open.get('w')?.shape).toEqual([5, 3, 3, 3]);
    expect(open.get('half')).toEqual({ name: 'half', dtype: 'float16', shape: ['N', 5, 4, 4] });
    const fixed = await inferShapes(model, { sessions, inputShapes: { x: [2, 3, 8, 8] } });
    expect(fixed.get('y')?.shape).toEqual([2, 80]);
  });

  test('shape arithmetic over known dimensions is computed, through as many Reshapes as there are', async () => {
    const halve = (input: string, output: string) => [
      op('Shape', [input], `${output}_dims`),
      op('Cast', [`${output}_dims`], `${output}_float`, [makeInt('to', 1)]),
      op('Mul', [`${output}_float`, 'factors'], `${output}_scaled`),
      op('Cast', [`${output}_scaled`], `${output}_target`, [makeInt('to', 7)]),
      op('Reshape', [input, `${output}_target`], output),
    ];
    const model = buildModel({
      nodes: [...halve('x', 'a'), ...halve('a', 'b'), ...halve('b', 'y')],
      inputs: [{ name: 'x', shape: ['H', 16] }],
      outputs: ['y'],
      weights: { factors: { dtype: 'float32', shape: [2], data: Float32Array.of(2, 0.5) } },
    });
    const fixed = await inferShapes(model, { sessions, inputShapes: { x: [4, 16] } });
    expect(['a', 'b', 'y'].map((name) => fixed.get(name)?.shape)).toEqual([
      [8, 8],
      [16, 4],
      [32, 2],
    ]);
    const open = await inferShapes(model, { sessions });
    expect(open.get('y')?.shape).toBeNull();
    expect(fillRanks(open, fixed).get('y')?.shape).toEqual(['?', '?']);
  });

  test('a scalar is told from a tensor of unknown rank', async () => {
    const model = buildModel({
      nodes: [
        op('ReduceSum', ['x'], 'total', [makeInt('keepdims', 0)]),
        op('Reshape', ['x', 'target'], 'unknown'),
      ],
      inputs: [
        { name: 'x', shape: [6] },
        { name: 'target', shape: ['R'], dtype: 'int64' },
      ],
      outputs: ['total', 'unknown'],
    });
    const shapes = await inferShapes(model, { sessions });
    expect(shapes.get('total')?.shape).toEqual([]);
    expect(shapes.get('unknown')?.shape).toBeNull();
  });

  test('values that are no tensors of a known type are left out, the others stay', async () => {
    const model = buildModel({
      nodes: [
        op('Relu', ['x'], 'a'),
        op('SequenceConstruct', ['a', 'a'], 'list'),
        op('SequenceAt', ['list', 'zero'], 'b'),
        op('Relu', ['b'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [2] }],
      outputs: ['y'],
      weights: { zero: { dtype: 'int64', shape: [], data: BigInt64Array.of(0n) } },
    });
    const shapes = await inferShapes(model, { sessions });
    expect(shapes.has('list')).toBe(false);
    expect(shapes.get('a')?.shape).toEqual([2]);
    expect(shapes.get('y')?.dtype).toBe('float32');
  });

  test('large weights do not have to be in the model the engine sees', async () => {
    const model = buildModel({
      nodes: [op('MatMul', ['x', 'w'], 'a'), op('Reshape', ['a', 'shape'], 'y')],
      inputs: [{ name: 'x', shape: [2, 256] }],
      outputs: ['y'],
      weights: { w: weight(256, 128), shape: int64s(4, -1) },
    });
    let seenBytes = 0;
    const counting: typeof sessions = (bytes, options) => {
      seenBytes = Math.max(seenBytes, bytes.length);
      return sessions(bytes, options);
    };
    expect((await inferShapes(model, { sessions: counting })).get('y')?.shape).toEqual([4, 64]);
    expect(seenBytes).toBeLessThan(10_000);
  });

  test.each([
    ['this thread', createLocalSession],
    ['a worker thread', createWorkerSession],
  ])('a model that the engine refuses is an inference failure, in %s', async (_, factory) => {
    const model = buildModel({
      nodes: [op('NoSuchOperator', ['x'], 'a'), op('Relu', ['a'], 'y')],
      inputs: [{ name: 'x', shape: [2] }],
      outputs: ['y'],
    });
    await expect(inferShapes(model, { sessions: factory })).rejects.toMatchObject({
      code: 'inference-failed',
    });
  });
});

describe('fixed input shapes', () => {
  const model = buildModel({
    nodes: [op('Add', ['x', 'z'], 'y')],
    inputs: [
      { name: 'x', shape: ['N', 4, '?'] },
      { name: 'z', shape: ['N', 1, 1] },
    ],
    outputs: [{ name: 'y', shape: ['N', 4, 'W'] }],
  });
  const shapesOf = (changed: typeof model) =>
    [...changed.graph!.input, ...changed.graph!.output].map((value) => tensorInfoOf(value)?.shape);

  test('a symbol gets its value wherever it is declared', () => {
    expect(shapesOf(withInputShapes(model, { x: [2, 4, 7] }))).toEqual([
      [2, 4, 7],
      [2, 1, 1],
      [2, 4, 'W'],
    ]);
    expect(shapesOf(model)[0]).toEqual(['N', 4, '?']);
  });

  test('contradictions and unknown names are refused', () => {
    const codeOf = (shapes: Record<string, number[]>) => {
      try {
        withInputShapes(model, shapes);
        return 'none';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(codeOf({ x: [2, 5, 7] })).toBe('shape-mismatch');
    expect(codeOf({ x: [2, 4] })).toBe('shape-mismatch');
    expect(codeOf({ x: [2, 4, -1] })).toBe('shape-mismatch');
    expect(codeOf({ x: [2, 4, 7], z: [3, 1, 1] })).toBe('shape-mismatch');
    expect(codeOf({ X: [2, 4, 7] })).toBe('unknown-tensor');
  });
});
