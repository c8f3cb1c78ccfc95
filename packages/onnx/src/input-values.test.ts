import { expect, test } from 'vitest';
import { buildModel, op } from '../test/model-builder.js';
import { withInputValues } from './input-values.js';
import { tensorFromProto } from './weights.js';

const model = buildModel({
  nodes: [op('Concat', ['a', 'b', 'c'], 'y')],
  inputs: [
    { name: 'a', shape: [], dtype: 'int64' },
    { name: 'b', shape: ['N'], dtype: 'float16' },
    { name: 'c', shape: [2, 2], dtype: 'uint8' },
  ],
  outputs: ['y'],
});

test('inputs become weights of the declared type and shape, an open dimension as long as the list', () => {
  const fixed = withInputValues(model, { a: [16_000], b: [1, 0.5, -2], c: [0, 1, 2, 255] });
  expect(fixed.graph!.input).toEqual([]);
  expect(fixed.graph!.initializer.map((weight) => tensorFromProto(weight))).toEqual([
    { dtype: 'int64', shape: [], data: BigInt64Array.of(16_000n) },
    { dtype: 'float16', shape: [3], data: Uint16Array.of(0x3c00, 0x3800, 0xc000) },
    { dtype: 'uint8', shape: [2, 2], data: Uint8Array.of(0, 1, 2, 255) },
  ]);
  expect(model.graph!.input).toHaveLength(3);
  expect(withInputValues(model, {})).toBe(model);
});

test('unknown names, wrong counts and elements beyond the type are refused', () => {
  const refusal = (code: string) => expect.objectContaining({ code });
  expect(() => withInputValues(model, { d: [1] })).toThrow(refusal('unknown-tensor'));
  expect(() => withInputValues(model, { a: [1, 2] })).toThrow(refusal('shape-mismatch'));
  expect(() => withInputValues(model, { a: [1.5] })).toThrow(refusal('shape-mismatch'));
  expect(() => withInputValues(model, { c: [0, 1, 2, 256] })).toThrow(refusal('shape-mismatch'));
});
