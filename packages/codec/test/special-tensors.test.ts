import { bytesOfData, type Tensor, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { decodeFrame, encodeFrame, type QuantizerChoice, referenceBackend } from '../src/index.js';

const minmax = { kind: 'minmax' } as const;

describe('special tensors have stated outcomes', () => {
  const uniform4 = { kind: 'uniform', levelCount: 4, range: minmax } as const;
  const roundTrip = (feature: Tensor, quantizer: QuantizerChoice): Tensor =>
    decodeFrame(encodeFrame(feature, { quantizer, backend: referenceBackend }), {
      backend: referenceBackend,
    });

  test('NaN is refused with its place', () => {
    const feature = tensor('float32', [3], Float32Array.of(1, Number.NaN, 2));
    expect(() => encodeFrame(feature, { quantizer: uniform4, backend: referenceBackend })).toThrow(
      'feature expected numbers, got NaN in 1 of 3 elements, the first at 1',
    );
  });
  test('infinities saturate to the range of the finite elements', () => {
    const feature = tensor(
      'float32',
      [4],
      Float32Array.of(Number.NEGATIVE_INFINITY, 0, 3, Number.POSITIVE_INFINITY),
    );
    expect(roundTrip(feature, uniform4).data).toEqual(Float32Array.of(0, 0, 3, 3));
  });
  test('a tensor without a finite element is refused', () => {
    const feature = tensor('float32', [1], Float32Array.of(Number.POSITIVE_INFINITY));
    expect(() => encodeFrame(feature, { quantizer: uniform4, backend: referenceBackend })).toThrow(
      RangeError,
    );
  });
  test('NaN and infinities survive uncoded', () => {
    const feature = tensor('float32', [2], Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY));
    expect(bytesOfData(roundTrip(feature, { kind: 'none' }).data)).toEqual(bytesOfData(feature.data));
  });
  test('a constant tensor is exact and takes no payload', () => {
    const feature = tensor('float32', [1_000], new Float32Array(1_000).fill(Math.fround(0.1)));
    expect(roundTrip(feature, uniform4)).toEqual(feature);
    expect(encodeFrame(feature, { quantizer: uniform4, backend: referenceBackend }).length).toBe(16);
  });
  test('a constant tensor under a fixed range costs a table and one state', () => {
    const feature = tensor('float32', [1_000], new Float32Array(1_000).fill(0.5));
    const quantizer = { kind: 'uniform', levelCount: 3, range: { kind: 'fixed', low: 0, high: 1 } } as const;
    expect(roundTrip(feature, quantizer)).toEqual(feature);
    expect(encodeFrame(feature, { quantizer, backend: referenceBackend }).length).toBeLessThan(40);
  });
  test('a zero-sized dimension', () => {
    const feature = tensor('float32', [2, 0, 3], new Float32Array(0));
    expect(roundTrip(feature, uniform4)).toEqual(feature);
  });
  test('a scalar', () => {
    const feature = tensor('float32', [], Float32Array.of(-2.5));
    expect(roundTrip(feature, uniform4)).toEqual(feature);
  });
  test('denormal and huge ranges stay finite', () => {
    for (const values of [
      [0, 1e-45, 2e-45],
      [-3.4e38, 0, 3.4e38],
      [-3.4e38, 3.4e38, 3.3e38],
    ]) {
      const feature = tensor('float32', [3], Float32Array.from(values));
      const decoded = roundTrip(feature, uniform4).data as Float32Array;
      expect(decoded.every(Number.isFinite), String(values)).toBe(true);
    }
  });
  test('float16, int8 and uint8 keep their type, and integers are exact', () => {
    const int8 = tensor('int8', [5], Int8Array.of(-128, -1, 0, 5, 127));
    const uint8 = tensor('uint8', [4], Uint8Array.of(0, 3, 200, 255));
    expect(roundTrip(int8, { kind: 'integer' })).toEqual(int8);
    expect(roundTrip(uint8, { kind: 'integer' })).toEqual(uint8);
    expect(roundTrip(int8, { kind: 'uniform', levelCount: 256, range: minmax })).toEqual(int8);
    const float16 = tensor('float16', [3], Uint16Array.of(0x3c00, 0x4000, 0xc200));
    expect(roundTrip(float16, { kind: 'asymmetric', bits: 16, range: minmax }).dtype).toBe('float16');
    expect(() => roundTrip(float16, { kind: 'integer' })).toThrow(TypeError);
  });
  test('types that cannot be quantized are refused by name', () => {
    const feature = tensor('int64', [1], BigInt64Array.of(1n));
    expect(() => roundTrip(feature, uniform4)).toThrow(/float32, float16, int8 or uint8 .* int64/);
  });
  test('settings out of range are refused', () => {
    const feature = tensor('float32', [2], Float32Array.of(0, 1));
    const encode =
      (quantizer: QuantizerChoice): (() => Uint8Array) =>
      () =>
        encodeFrame(feature, { quantizer, backend: referenceBackend });
    for (const levelCount of [1, 0, 2.5, 65_537]) {
      expect(encode({ kind: 'uniform', levelCount, range: minmax })).toThrow(RangeError);
    }
    for (const bits of [0, 17])
      expect(encode({ kind: 'asymmetric', bits, range: minmax })).toThrow(RangeError);
    for (const [low, high] of [
      [1, 1],
      [2, 1],
      [0, Number.POSITIVE_INFINITY],
      [Number.NaN, 1],
    ]) {
      expect(encode({ kind: 'uniform', levelCount: 2, range: { kind: 'fixed', low, high } })).toThrow(
        RangeError,
      );
    }
    expect(encode({ kind: 'uniform', levelCount: 2, range: minmax })).not.toThrow();
    expect(encode({ kind: 'uniform', levelCount: 65_536, range: minmax })).not.toThrow();
    const nineAxes = tensor('float32', new Array<number>(9).fill(1), Float32Array.of(1));
    expect(() => roundTrip(nineAxes, { kind: 'none' })).toThrow(RangeError);
  });
});
