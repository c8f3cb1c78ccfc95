import {
  allocateData,
  bytesOfData,
  bytesPerElement,
  createRandom,
  DTYPES,
  type DType,
  dataFromBytes,
  elementCount,
  type Tensor,
} from '@featherwire/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  decodeFrame,
  type EncodeOptions,
  encodeFrame,
  inspectFrame,
  loadWasmBackend,
  referenceBackend,
} from '../src/index.js';
import { drawFeature } from './features.js';

/** Header bytes of a frame before its planes or elements, and the checksum, for a shape of one dimension. */
const FRAME_OVERHEAD = 6 + 3 + 4;

let wasm: Backend;
beforeAll(async () => {
  wasm = await loadWasmBackend();
});

type Coding = Omit<EncodeOptions, 'quantizer' | 'backend'>;

/** Codes on both backends, expects equal bytes and the tensor back on both, and no more than the raw size. */
function expectLossless(feature: Tensor, coding: Coding = {}, label = ''): Uint8Array {
  const quantizer = { kind: 'lossless' } as const;
  const frame = encodeFrame(feature, { ...coding, quantizer, backend: referenceBackend });
  const other = encodeFrame(feature, { ...coding, quantizer, backend: wasm });
  expect(Buffer.compare(frame, other), `${label}: backends`).toBe(0);
  for (const backend of [referenceBackend, wasm]) {
    const decoded = decodeFrame(frame, { backend });
    expect([decoded.dtype, decoded.shape], label).toEqual([feature.dtype, feature.shape]);
    expect(Buffer.compare(bytesOfData(decoded.data), bytesOfData(feature.data)), label).toBe(0);
  }
  const raw = encodeFrame(feature, { quantizer: { kind: 'none' }, backend: referenceBackend });
  expect(frame.length, label).toBeLessThanOrEqual(raw.length);
  return frame;
}

function tensorOfBytes(dtype: DType, shape: readonly number[], bytes: Uint8Array): Tensor {
  return { dtype, shape, data: dataFromBytes(dtype, bytes) } as Tensor;
}

/** Elements whose words come from a few values, runs and small numbers, so that every part of the format is met. */
const tensorsOfAnyKind = fc
  .record({
    dtype: fc.constantFrom(...DTYPES),
    shape: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 4 }),
    seed: fc.nat(),
    kind: fc.constantFrom('bytes', 'few', 'small', 'runs', 'truncated'),
  })
  .map(({ dtype, shape, seed, kind }) => {
    const random = createRandom(seed);
    const size = bytesPerElement(dtype);
    const bytes = Uint8Array.from({ length: elementCount(shape) * size }, () => random.nextInteger(256));
    const palette = bytes.slice(0, 3 * size);
    for (let at = 0; at < bytes.length; at += size) {
      if (kind === 'few') bytes.set(palette.subarray(size * random.nextInteger(3)).subarray(0, size), at);
      if (kind === 'small') bytes.fill(0, at + 1, at + size);
      if (kind === 'runs' && at > 0 && random.nextInteger(3) > 0) bytes.copyWithin(at, at - size, at);
      if (kind === 'truncated') bytes.fill(0, at, at + size - 1 - (seed % 2));
    }
    return tensorOfBytes(dtype, shape, bytes);
  });

describe('every tensor comes back bit for bit, alike on both backends, in no more than its raw size', () => {
  test('any element type, shape and bits', () => {
    fc.assert(
      fc.property(
        tensorsOfAnyKind,
        fc.constantFrom<Coding>({}, { coder: 'rans' }, { coder: 'binary' }, { laneCount: 4 }),
        (feature, coding) => {
          expectLossless(feature, coding);
        },
      ),
      { numRuns: 1_500 },
    );
  });

  test.each(DTYPES)('%s: no element, a scalar, a constant, all bits', (dtype) => {
    const size = bytesPerElement(dtype);
    expectLossless({ dtype, shape: [3, 0], data: allocateData(dtype, 0) } as Tensor);
    expectLossless(tensorOfBytes(dtype, [], new Uint8Array(size).fill(0xa5)));
    for (const byte of [0, 0xff, 0x80]) {
      const constant = expectLossless(tensorOfBytes(dtype, [5_000], new Uint8Array(5_000 * size).fill(byte)));
      expect(constant.length).toBe(FRAME_OVERHEAD - 1 + 1 + size);
    }
  });

  test('float32: NaN payloads, signs of zeros, infinities, denormals among numbers', () => {
    const words = new Uint32Array(drawFeature('gaussian', 4_096, 3).data.buffer);
    const special = [
      0x7fc00001, 0xffc12345, 0x7f800001, 0x7f800000, 0xff800000, 0x80000000, 0, 1, 0x807fffff,
    ];
    for (const [i, word] of special.entries()) words[i * 400] = word;
    const feature = { dtype: 'float32', shape: [16, 16, 16], data: new Float32Array(words.buffer) } as const;
    const frame = expectLossless(feature);
    expect(inspectFrame(frame).coder).toBe('planes');
  });

  test('float32: only zeros of both signs, only denormals, only NaN', () => {
    const random = createRandom(4);
    for (const draw of [
      () => random.nextInteger(2) * 2 ** 31,
      () => random.nextInteger(2 ** 23),
      () => 0x7fc00000 + random.nextInteger(50),
    ]) {
      const words = Uint32Array.from({ length: 600 }, draw);
      expectLossless({ dtype: 'float32', shape: [6, 10, 10], data: new Float32Array(words.buffer) });
    }
  });

  test('64-bit integers at both ends of their range, and of ranges of every width', () => {
    const random = createRandom(5);
    for (let bits = 0n; bits <= 64n; bits += 4n) {
      for (const base of [0n, -(2n ** 63n), 2n ** 63n - 2n ** 40n, -77n]) {
        const values = Array.from({ length: 300 }, () => {
          const drawn = (BigInt(random.nextUint32()) << 32n) | BigInt(random.nextUint32());
          return base + (drawn >> (64n - bits));
        });
        expectLossless(
          { dtype: 'int64', shape: [300], data: BigInt64Array.from(values) },
          {},
          `${bits} bits`,
        );
        expectLossless(
          { dtype: 'uint64', shape: [300], data: BigUint64Array.from(values) },
          {},
          `${bits} bits`,
        );
      }
    }
  });

  test('large tensors', () => {
    for (const name of ['relu', 'gaussian'] as const) {
      const { data } = drawFeature(name, 2 ** 17 + 2 ** 12, 6);
      expectLossless({ dtype: 'float32', shape: [33, 64, 64], data }, {}, name);
      expectLossless({ dtype: 'float64', shape: [33, 64, 64], data: Float64Array.from(data) }, {}, name);
    }
  });
});

describe('what is known of the elements takes no bits', () => {
  const bitsPerElement = (feature: Tensor, coding: Coding = {}): number =>
    (8 * expectLossless(feature, coding).length) / feature.data.length;
  const relu = drawFeature('relu', 40_000, 7).data;
  const gaussian = drawFeature('gaussian', 40_000, 8).data;

  test('zeros have no low bits: 60 % of them leave 40 % of 23 mantissa bits and the classes', () => {
    const zeroShare = relu.filter((value) => value === 0).length / relu.length;
    const bits = bitsPerElement({ dtype: 'float32', shape: [40_000], data: relu }, { coder: 'rans' });
    // An exponential distribution has 2 to 3 bits of exponent.
    expect(bits).toBeLessThan((1 - zeroShare) * (23 + 3) + 1);
  });

  test('low bits that are 0 in all elements have no plane', () => {
    const full = bitsPerElement({ dtype: 'float32', shape: [40_000], data: gaussian });
    for (const dropped of [13, 16]) {
      const words = new Uint32Array(gaussian.slice().buffer).map((word) => (word >>> dropped) << dropped);
      const bits = bitsPerElement({
        dtype: 'float32',
        shape: [40_000],
        data: new Float32Array(words.buffer),
      });
      expect(bits).toBeLessThan(full - dropped + 0.3);
    }
  });

  test('maps of one value cost a bit and an element each', () => {
    const data = gaussian.slice();
    for (let plane = 0; plane < 100; plane += 2) data.fill(data[plane * 400], plane * 400, (plane + 1) * 400);
    const half = bitsPerElement({ dtype: 'float32', shape: [100, 20, 20], data });
    const full = bitsPerElement({ dtype: 'float32', shape: [100, 20, 20], data: gaussian });
    expect(half).toBeLessThan(0.5 * full + 0.2);
  });

  test('repeated neighbors are copied: maxima of windows that overlap', () => {
    const pooled = new Float32Array(100 * 20 * 20);
    for (let i = 0; i < pooled.length; i++) pooled[i] = Math.max(...gaussian.subarray(i - 2, i + 3), -4);
    const feature: Tensor = { dtype: 'float32', shape: [100, 20, 20], data: pooled };
    const frame = expectLossless(feature);
    const fields = inspectFrame(frame).fields.map(({ field }) => field);
    expect(fields).toContain('copies: coder');
    expect((8 * frame.length) / pooled.length).toBeLessThan(16);
  });

  test('integers of a narrow range far from 0 take the bits of the range', () => {
    const random = createRandom(9);
    const narrow = Array.from({ length: 20_000 }, () => 10 ** 9 + random.nextInteger(1_000));
    expect(bitsPerElement({ dtype: 'int32', shape: [20_000], data: Int32Array.from(narrow) })).toBeLessThan(
      10.1,
    );
    const stamps = BigInt64Array.from(narrow, (value) => 1_700_000_000_000_000_000n + BigInt(value));
    expect(bitsPerElement({ dtype: 'int64', shape: [20_000], data: stamps })).toBeLessThan(10.1);
  });
});

test('exponents that follow from the one before are coded in groups, and on a small tensor in bins', () => {
  const random = createRandom(12);
  let value = 0;
  const walk = Float32Array.from({ length: 2 ** 14 }, () => {
    value = 0.95 * value + random.nextNormal();
    return Math.max(0, value);
  });
  const rates = (['rans', 'auto', 'binary'] as const).map((coder) => {
    const frame = expectLossless({ dtype: 'float32', shape: [16, 32, 32], data: walk }, { coder });
    const hasGroups = inspectFrame(frame).fields.some(({ field }) => field === 'classes: groups');
    expect(hasGroups, coder).toBe(coder !== 'binary');
    return frame.length;
  });
  expect(rates[1]).toBe(rates[0]);
  const smooth = Float32Array.from({ length: 4_096 }, (_, i) =>
    Math.max(0, walk[i >> 5] + walk[i % 32] + 0.1 * random.nextNormal()),
  );
  const small = expectLossless({ dtype: 'float32', shape: [4, 32, 32], data: smooth });
  const coder = inspectFrame(small).fields.find(({ field }) => field === 'classes: coder');
  expect(coder?.value).toBe('binary');
});

test('a frame is described without memory for its elements', () => {
  const shape = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]; // 2^42
  const frame = Uint8Array.of(0xf5, 0x46, 0x57, 1, 0, 0x73, ...shape, 1, 1, 0, 2, 23, 0, 5, 3);
  expect(() => inspectFrame(frame, { limits: { maxElements: Number.MAX_SAFE_INTEGER } })).toThrow(
    expect.objectContaining({ code: 'truncated' }),
  );
});

test('frames say what is in them, plane by plane, and fields cover all bytes', () => {
  const { data } = drawFeature('relu', 4_000, 10);
  const frame = expectLossless({ dtype: 'float32', shape: [10, 20, 20], data });
  const { quantizer, coder, layout, fields } = inspectFrame(frame);
  expect({ quantizer, coder, layout }).toEqual({
    quantizer: { kind: 'planes' },
    coder: 'planes',
    layout: 'dense',
  });
  expect(fields.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(frame.length);
  for (const part of ['classes', 'bits 16 to 22', 'bits 8 to 15', 'bits 0 to 7']) {
    expect(fields.map(({ field }) => field)).toContain(`${part}: coder`);
  }
});

test('settings that do not go with planes are refused', () => {
  const feature = drawFeature('relu', 100, 11);
  const encode = (coding: Coding) => () =>
    encodeFrame(feature, { quantizer: { kind: 'lossless' }, ...coding, backend: referenceBackend });
  expect(encode({ layout: 'csr' })).toThrow('layout expected dense for lossless planes, got csr');
  expect(encode({ table: { kind: 'flat', precisionBits: 12 } })).toThrow('table expected none');
  expect(encode({ laneCount: 3 })).toThrow('laneCount expected a power of two');
  expect(encode({ layout: 'dense', laneCount: 2 })).not.toThrow();
});
