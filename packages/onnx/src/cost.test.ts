import { createLocalSession } from '@featherwire/inference/node';
import { describe, expect, test } from 'vitest';
import { buildGraph, buildModel, int64s, op, weight } from '../test/model-builder.js';
import { makeGraph, makeInt, makeInts } from './attributes.js';
import { modelCost } from './cost.js';
import { inferShapes } from './infer-shapes.js';
import type { ModelProto } from './proto/onnx_pb.js';

async function costOf(model: ModelProto) {
  return modelCost(model, await inferShapes(model, { sessions: createLocalSession }));
}

describe('cost', () => {
  test('Conv takes a kernel per output element, in groups too', async () => {
    const model = buildModel({
      nodes: [
        op('Conv', ['x', 'w'], 'a', [makeInts('pads', [1, 1, 1, 1])]),
        op('Conv', ['a', 'depthwise'], 'y', [makeInt('group', 8), makeInts('strides', [2, 2])]),
      ],
      inputs: [{ name: 'x', shape: [2, 4, 6, 5] }],
      outputs: ['y'],
      weights: { w: weight(8, 4, 3, 3), depthwise: weight(8, 1, 3, 3) },
    });
    const cost = await costOf(model);
    // 2·8·6·5 outputs of 4·3·3; then 2·8·2·2 outputs of 1·3·3
    expect(cost.nodes.map(({ macs }) => macs)).toEqual([480 * 36, 64 * 9]);
    expect(cost.macs).toBe(480 * 36 + 64 * 9);
    expect(cost.parameters).toBe(8 * 36 + 8 * 9);
  });

  test('ConvTranspose spreads a kernel per input element', async () => {
    const model = buildModel({
      nodes: [op('ConvTranspose', ['x', 'w'], 'y', [makeInts('strides', [2, 2])])],
      inputs: [{ name: 'x', shape: [1, 4, 3, 3] }],
      outputs: ['y'],
      weights: { w: weight(4, 6, 2, 2) },
    });
    expect((await costOf(model)).macs).toBe(4 * 3 * 3 * 6 * 2 * 2);
  });

  test('Gemm and MatMul are outputs times depth, transposed and batched too; Einsum is all its indices', async () => {
    const model = buildModel({
      nodes: [
        op('Gemm', ['x', 'w', 'bias'], 'a', [makeInt('transA', 1), makeInt('transB', 1)]),
        op('Reshape', ['a', 'shape'], 'b'),
        op('MatMul', ['b', 'v'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [3, 4] }],
      outputs: ['y'],
      weights: { w: weight(6, 3), bias: weight(6), shape: int64s(2, 2, 6), v: weight(6, 7) },
    });
    const cost = await costOf(model);
    expect(cost.nodes.map(({ macs }) => macs)).toEqual([4 * 6 * 3, 0, 4 * 7 * 6]);
    // The Reshape's int64 target is no parameter.
    expect(cost.parameters).toBe(18 + 6 + 42);
  });

  test('LSTM and GRU take all of W and R in each step of each sequence', async () => {
    for (const [opType, gates] of [
      ['LSTM', 4],
      ['GRU', 3],
    ] as const) {
      const model = buildModel({
        nodes: [op(opType, ['x', 'w', 'r'], ['y'], [makeInt('hidden_size', 6)])],
        inputs: [{ name: 'x', shape: [5, 2, 3] }],
        outputs: ['y'],
        weights: { w: weight(1, gates * 6, 3), r: weight(1, gates * 6, 6) },
      });
      expect((await costOf(model)).macs, opType).toBe(5 * 2 * gates * 6 * (3 + 6));
    }
  });

  test('open dimensions, and bodies that hold counted operators, have no stated cost', async () => {
    const open = buildModel({
      nodes: [op('MatMul', ['x', 'w'], 'y')],
      inputs: [{ name: 'x', shape: ['N', 4] }],
      outputs: ['y'],
      weights: { w: weight(4, 4) },
    });
    expect(await costOf(open)).toMatchObject({ macs: null, parameters: 16 });
    const branch = (name: string, node: ReturnType<typeof op>) =>
      makeGraph(name, buildGraph({ nodes: [node], outputs: [{ name: node.name, shape: [1, 4] }] }));
    const conditional = buildModel({
      nodes: [
        op('If', ['on'], 'y', [
          branch('then_branch', op('MatMul', ['x', 'w'], 'then')),
          branch('else_branch', op('Relu', ['x'], 'else')),
        ]),
      ],
      inputs: [
        { name: 'x', shape: [1, 4] },
        { name: 'on', shape: [], dtype: 'bool' },
      ],
      outputs: ['y'],
      weights: { w: weight(4, 4) },
    });
    expect(await costOf(conditional)).toMatchObject({ macs: null, parameters: 16 });
  });
});
