import { createLocalSession } from '@featherwire/inference/node';
import { type Tensor, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { buildModel, op } from '../test/model-builder.js';
import { withLinearOutput, withPooledOutput } from './linear-probe.js';
import { graphOf, serializeModel } from './model.js';
import type { ModelProto } from './proto/onnx_pb.js';

const OUTPUT = { output: 'pooled' };

/** Twice the input at `cut`, and more behind it. */
function doubling(shape: readonly number[], opset: number): ModelProto {
  return buildModel({
    nodes: [op('Add', ['x', 'x'], 'cut'), op('Mul', ['cut', 'factor'], 'y')],
    inputs: [{ name: 'x', shape }],
    outputs: ['y'],
    weights: { factor: tensor('float32', [1], Float32Array.of(3)) },
    opset,
  });
}

function shapesOf(shape: readonly number[]) {
  return new Map([['cut', { name: 'cut', dtype: 'float32' as const, shape }]]);
}

async function run(model: ModelProto, x: Tensor): Promise<Tensor> {
  const session = await createLocalSession(serializeModel(model));
  try {
    const { outputs } = await session.run({ x });
    return outputs[session.outputs[0].name];
  } finally {
    await session.close();
  }
}

/** 0, 1, 2 … of a shape. */
function counting(shape: readonly number[]): Tensor {
  const length = shape.reduce((product, dimension) => product * dimension, 1);
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length }, (_, i) => i),
  );
}

describe('pooling a tensor', () => {
  test.each([
    [[1, 2, 2, 2], 13, [3, 11]],
    [[1, 2, 2, 2], 18, [3, 11]],
    [[1, 3, 2], 13, [4, 6]],
    [[1, 3, 2], 18, [4, 6]],
    [[1, 3], 13, [0, 2, 4]],
  ])('of shape %j in operator set %i gives the means of its channels', async (shape, opset, means) => {
    const pooled = withPooledOutput(doubling(shape, opset), 'cut', { ...OUTPUT, shapes: shapesOf(shape) });
    expect(await run(pooled, counting(shape))).toEqual(
      tensor('float32', [1, means.length], Float32Array.from(means)),
    );
    expect(graphOf(pooled).node.some(({ opType }) => opType === 'Mul')).toBe(false);
    expect(graphOf(pooled).initializer.map(({ name }) => name)).not.toContain('factor');
  });

  test('refuses what cannot be pooled', () => {
    const model = doubling([1, 3], 13);
    const pool = (name: string, shapes = shapesOf([1, 3])) =>
      withPooledOutput(model, name, { ...OUTPUT, shapes });
    expect(() => pool('none')).toThrow(/none/);
    expect(() => pool('cut', new Map())).toThrow('expected a known shape');
    expect(() => pool('cut', shapesOf([3]))).toThrow('expected 2 to 4 dimensions, got 1');
    expect(() => withPooledOutput(model, 'cut', { output: 'x', shapes: shapesOf([1, 3]) })).toThrow(
      "already holds a tensor 'x'",
    );
    const old = withPooledOutput.bind(null, doubling([1, 3], 6), 'cut');
    expect(() => old({ ...OUTPUT, shapes: shapesOf([1, 3]) })).toThrow('an operator set from 7');
  });
});

test('a linear map behind the pooled tensor gives scores', async () => {
  const pooled = withPooledOutput(doubling([1, 3], 13), 'cut', { ...OUTPUT, shapes: shapesOf([1, 3]) });
  const weights = tensor('float32', [3, 2], Float32Array.of(1, 0, 0, 1, 0, 1));
  const map = { weights, bias: tensor('float32', [2], Float32Array.of(10, 20)) };
  const probed = withLinearOutput(pooled, map, 'scores');
  expect(await run(probed, counting([1, 3]))).toEqual(tensor('float32', [1, 2], Float32Array.of(10, 26)));
  expect(graphOf(probed).output.map(({ name }) => name)).toEqual(['scores']);
  expect(() => withLinearOutput(pooled, map, 'cut')).toThrow("already holds a tensor 'cut'");
});
