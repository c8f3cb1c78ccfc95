/** Which models and operators can be imported, and how the others are refused. */

import { createLocalSession } from '@featherwire/inference/node';
import { inferShapes, modelOfRecord, type NodeRecord, withInputShapes } from '@featherwire/onnx';
import { describe, expect, test } from 'vitest';
import { createGraph, importModel } from '../src/graph/import-model.js';
import { prepareModel } from '../src/node/prepare-model.js';
import { node, normals } from './check-gradient.js';

function modelOf(nodes: readonly NodeRecord[], shape: readonly (number | string)[] = [1, 2, 5], opset = 18) {
  const inputs = [{ name: 'x', dtype: 'float32' as const, shape }];
  return modelOfRecord({ name: 'm', opset, inputs, nodes, outputs: ['y'], weights: new Map() });
}

async function imported(model: ReturnType<typeof modelOf>) {
  const shapes = await inferShapes(model, { sessions: createLocalSession });
  const g = createGraph(model);
  return { g, values: importModel(g, model, { shapes }) };
}

describe('importing', () => {
  test('an open dimension is named with its tensor', async () => {
    const model = modelOf([node('Relu', ['x'])], ['N', 2, 5]);
    await expect(imported(model)).rejects.toMatchObject({
      code: 'open-shape',
      message: expect.stringContaining("'x'"),
    });
    const { values } = await imported(withInputShapes(model, { x: [3, 2, 5] }));
    expect(values.get('y')!.shape).toEqual([3, 2, 5]);
  });

  test('windows that lie in the padding are refused', async () => {
    const attributes = { kernel_shape: [2], strides: [3], pads: [0, 1], ceil_mode: 1 };
    const model = modelOf([node('AveragePool', ['x'], 'y', attributes)]);
    await expect(imported(model)).rejects.toThrow(
      "AveragePool 'AveragePool of y' has windows that lie in the padding",
    );
  });

  test('operators whose meaning has changed are refused in their old form', async () => {
    const model = modelOf([node('Hardmax', ['x'])], [2, 3], 11);
    await expect(imported(model)).rejects.toMatchObject({ code: 'unsupported-operator' });
  });

  test('newer operator sets keep their number', async () => {
    const { g } = await imported(modelOf([node('Gelu', ['x'])], [2, 3], 20));
    expect(g.opset).toBe(20);
  });

  test('shape arithmetic and constants are folded when a model is prepared', async () => {
    const nodes = [
      node('Shape', ['x'], 's'),
      node('Gather', ['s', 'zero'], 'n', { axis: 0 }),
      node('Unsqueeze', ['n', 'zero1'], 'n1'),
      node('Concat', ['n1', 'rest'], 'shape', { axis: 0 }),
      node('Reshape', ['x', 'shape'], 'r'),
      node('MatMul', ['r', 'w'], 'y'),
    ];
    const int64s = (shape: number[], ...numbers: number[]) =>
      ({ dtype: 'int64', shape, data: BigInt64Array.from(numbers, BigInt) }) as const;
    const model = modelOfRecord({
      name: 'm',
      opset: 13,
      inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 2, 5] }],
      nodes,
      outputs: ['y'],
      weights: new Map([
        ['zero', int64s([], 0)],
        ['zero1', int64s([1], 0)],
        ['rest', int64s([1], 10)],
        ['w', normals('float32', [10, 3], 1)],
      ]),
    });
    const prepared = await prepareModel(model, { x: [4, 2, 5] });
    expect(prepared.model.graph!.node.map(({ opType }) => opType)).toEqual(['Reshape', 'MatMul']);
    expect(prepared.shapes.get('y')!.shape).toEqual([4, 3]);
  });
});
