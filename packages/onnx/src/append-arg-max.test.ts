import { createLocalSession } from '@featherwire/inference/node';
import { type DType, type Tensor, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { buildModel, op } from '../test/model-builder.js';
import { appendArgMax } from './append-arg-max.js';
import { makeInt } from './attributes.js';
import { serializeModel } from './model.js';
import type { ModelProto } from './proto/onnx_pb.js';
import { elementTypeOf } from './weights.js';

const scores = tensor('float32', [2, 3], Float32Array.of(1, 5, 5, -1, -3, -2));

function castModel(dtype: DType, opset: number, shape: (number | string)[] | null = [2, 3]): ModelProto {
  return buildModel({
    nodes: [op('Cast', ['x'], 'y', [makeInt('to', elementTypeOf(dtype))])],
    inputs: [{ name: 'x', shape: [2, 3] }],
    outputs: [{ name: 'y', shape, dtype }],
    opset,
  });
}

async function run(model: ModelProto): Promise<Readonly<Record<string, Tensor>>> {
  const session = await createLocalSession(serializeModel(model));
  try {
    return (await session.run({ x: scores })).outputs;
  } finally {
    await session.close();
  }
}

describe('appending ArgMax', () => {
  test.each([9, 11, 12, 13, 17, 21])('answers with int32 indices in operator set %i', async (opset) => {
    const outputs = await run(appendArgMax(castModel('float32', opset), 'y', { axis: -1 }));
    expect(outputs).toEqual({ y_argmax: tensor('int32', [2], Int32Array.of(1, 0)) });
  });

  test.each(['float16', 'float64', 'int32', 'int64', 'int8'] as const)(
    'takes scores of %s',
    async (dtype) => {
      const outputs = await run(appendArgMax(castModel(dtype, 13), 'y', { axis: 1 }));
      expect(outputs.y_argmax.data).toEqual(Int32Array.of(1, 0));
    },
  );

  test('the axis leaves the declared shape, and other axes stay', () => {
    const appended = appendArgMax(castModel('float32', 13, ['N', 3]), 'y', { axis: 1 });
    const declared = appended.graph!.output[0];
    expect(declared.name).toBe('y_argmax');
    const type = declared.type!.value;
    expect(type.case === 'tensorType' && type.value.shape?.dim.map((dim) => dim.value.value)).toEqual(['N']);
  });

  test('the original model keeps its output', () => {
    const model = castModel('float32', 13);
    appendArgMax(model, 'y', { axis: 1 });
    expect(model.graph!.output.map(({ name }) => name)).toEqual(['y']);
    expect(model.graph!.node).toHaveLength(1);
  });

  test('mistakes are told apart', () => {
    const model = castModel('float32', 13);
    const codeOf = (action: () => unknown) => {
      try {
        action();
        return 'none';
      } catch (error) {
        return (error as { code?: string }).code ?? (error as Error).name;
      }
    };
    expect(codeOf(() => appendArgMax(model, 'yy', { axis: 1 }))).toBe('unknown-tensor');
    expect(codeOf(() => appendArgMax(model, 'y', { axis: 2 }))).toBe('shape-mismatch');
    expect(codeOf(() => appendArgMax(model, 'y', { axis: 0.5 }))).toBe('RangeError');
    expect(codeOf(() => appendArgMax(castModel('float32', 5), 'y', { axis: 1 }))).toBe('unsupported-type');
    expect(codeOf(() => appendArgMax(castModel('float32', 9, null), 'y', { axis: -1 }))).toBe('unknown-type');
    const twice = appendArgMax(model, 'y', { axis: 1 });
    const again = { ...twice.graph!, output: model.graph!.output };
    expect(codeOf(() => appendArgMax({ ...twice, graph: again }, 'y', { axis: 1 }))).toBe('name-taken');
  });
});
