import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { buildModel, op, weight } from '../test/model-builder.js';
import { makeInts } from './attributes.js';
import { modelCost } from './cost.js';
import { listCuts } from './cuts/single-cuts.js';
import { declaredShapes } from './declarations.js';
import { OnnxError } from './errors.js';
import { opsetVersion, parseModel, serializeModel, withFields } from './model.js';
import { TensorProtoSchema } from './proto/onnx_pb.js';
import { splitModel } from './split.js';
import { valueInfoOf } from './value-info.js';
import { tensorFromProto } from './weights.js';

const model = buildModel({
  nodes: [op('MatMul', ['x', 'w'], 'y')],
  inputs: [{ name: 'x', shape: [1, 3] }],
  outputs: [{ name: 'y', shape: [1, 5] }],
  weights: { w: weight(3, 5) },
});

const deep = buildModel({
  nodes: [
    op('Conv', ['x', 'k'], 'a', [makeInts('pads', [1, 1])]),
    op('Shape', ['a'], 's'),
    op('Reshape', ['a', 's'], 'y'),
  ],
  inputs: [{ name: 'x', shape: [1, 3, 'W'] }],
  outputs: [{ name: 'y', shape: [1, 5, 'W'] }],
  weights: { k: weight(5, 3, 3) },
});
deep.graph!.valueInfo.push(valueInfoOf({ name: 'a', dtype: 'float32', shape: [1, 5, 'W'] }));

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof OnnxError) return error.code;
    throw error;
  }
  return 'none';
}

describe('model bytes', () => {
  test('writing then reading gives the same model', () => {
    const bytes = serializeModel(model);
    expect(serializeModel(parseModel(bytes))).toEqual(bytes);
  });

  test('weights read from a Buffer at an odd offset are right, and their slice() copies', () => {
    const bytes = serializeModel(model);
    for (const offset of [0, 1, 2, 3]) {
      const padded = Buffer.alloc(bytes.byteLength + offset);
      padded.set(bytes, offset);
      const read = parseModel(padded.subarray(offset)).graph!.initializer[0];
      expect(tensorFromProto(read)).toEqual(weight(3, 5));
      const copy = read.rawData.slice();
      copy.fill(0);
      expect(tensorFromProto(read)).toEqual(weight(3, 5));
    }
  });

  test('every truncation is refused with an OnnxError or read as a smaller model, never another error', () => {
    const bytes = serializeModel(model);
    for (let length = 0; length < bytes.byteLength; length++)
      codeOf(() => parseModel(bytes.subarray(0, length)));
    expect(codeOf(() => parseModel(bytes.subarray(0, bytes.byteLength - 1)))).toBe('invalid-protobuf');
  });

  test('on bytes with a flipped bit nothing but an OnnxError comes out of reading, listing cuts and splitting', () => {
    const bytes = serializeModel(deep);
    for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      codeOf(() => {
        const read = parseModel(flipped);
        const shapes = declaredShapes(read);
        modelCost(read, shapes);
        for (const { name } of listCuts(read, { shapes })) splitModel(read, [name], { shapes });
      });
    }
  });

  test('over 2 GiB of weights are refused before they are written', () => {
    const gibibyte = new Uint8Array(2 ** 30);
    const huge = ['a', 'b', 'c'].map((name) => create(TensorProtoSchema, { name, rawData: gibibyte }));
    const graph = withFields(model.graph!, { initializer: huge });
    expect(codeOf(() => serializeModel(withFields(model, { graph })))).toBe('too-large');
  });

  test('bytes that are no model are told apart: no protobuf, and protobuf without a graph', () => {
    expect(codeOf(() => parseModel(new TextEncoder().encode('not an onnx file, just text')))).toBe(
      'invalid-protobuf',
    );
    expect(codeOf(() => parseModel(new Uint8Array(0)))).toBe('invalid-model');
    expect(codeOf(() => parseModel(Uint8Array.of(8, 7)))).toBe('invalid-model');
  });

  test('withFields leaves the original as it was', () => {
    const changed = withFields(model, { producerName: 'other' });
    expect(changed.producerName).toBe('other');
    expect(model.producerName).toBe('');
    expect(changed.graph).toBe(model.graph);
    expect(changed.docString).toBe('');
  });

  test('the operator set of ONNX goes by both of its names', () => {
    expect(opsetVersion(model)).toBe(13);
    expect(opsetVersion(model, 'ai.onnx')).toBe(13);
    expect(opsetVersion(model, 'com.microsoft')).toBeUndefined();
  });
});
