import { createRandom, type Tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  bytesOfRate,
  decodeFrame,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  encodeWithinBytes,
  loadWasmBackend,
  type QuantizerChoice,
  referenceBackend,
} from '../index.js';

function feature(seed: number, isSigned: boolean): Tensor {
  const random = createRandom(seed);
  const data = Float32Array.from({ length: 20_000 }, () => {
    const value = random.nextNormal() * (random.nextInteger(4) === 0 ? 3 : 0.7);
    return isSigned ? value : Math.max(0, value);
  });
  return { dtype: 'float32', shape: [20_000], data };
}

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadWasmBackend()];
});

const CHOICES: QuantizerChoice[] = [
  { kind: 'uniform', levelCount: 4, range: { kind: 'minmax' } },
  { kind: 'uniform', levelCount: 12, range: { kind: 'model' } },
  { kind: 'asymmetric', bits: 6, range: { kind: 'minmax' } },
  { kind: 'grouped', levelCount: 8, axis: 0, groupCount: 1, range: { kind: 'minmax' } },
];

function squaredError(input: Tensor, frame: Uint8Array): number {
  const { data } = decodeFrame(frame, { backend: referenceBackend });
  return (input.data as Float32Array).reduce((sum, value, i) => sum + (value - Number(data[i])) ** 2, 0);
}

describe('rate-distortion optimized quantization', () => {
  test.each(CHOICES)(
    '%j: rate falls with lambda, error and rate together cost less than without',
    (quantizer) => {
      for (const isSigned of [false, true]) {
        const input = feature(3, isSigned);
        const encode = (lambda: number, backend = referenceBackend): Uint8Array =>
          encodeFrame(input, { quantizer, lambda, coder: 'rans', layout: 'dense', backend });
        const plain = encode(0);
        expect(plain).toEqual(
          encodeFrame(input, { quantizer, coder: 'rans', layout: 'dense', backend: referenceBackend }),
        );
        let last = plain.length;
        for (const lambda of [0.05, 0.15, 0.5, 2]) {
          const frame = encode(lambda);
          expect(frame).toEqual(encode(lambda, backends[1]));
          expect(frame.length).toBeLessThanOrEqual(last);
          last = frame.length;
          const step = stepOf(input, quantizer);
          const cost = (bytes: Uint8Array): number =>
            squaredError(input, bytes) + lambda * step ** 2 * 8 * bytes.length;
          expect(cost(frame), `lambda ${lambda}`).toBeLessThan(cost(plain));
        }
      }
    },
  );

  test('a lambda beyond all errors leaves one level', () => {
    const input = feature(4, false);
    const quantizer = CHOICES[0];
    const frame = encodeFrame(input, { quantizer, lambda: 1e6, backend: referenceBackend });
    expect(new Set(decodeFrame(frame, { backend: referenceBackend }).data as Float32Array).size).toBe(1);
  });

  test('a bundled frame is optimized under the table of its profile', () => {
    const quantizer = { kind: 'uniform', levelCount: 8, range: { kind: 'minmax' } } as const;
    const tensor = designTensorProfile([feature(5, true)], { quantizer, backend: referenceBackend });
    const options = {
      profile: { tensors: [tensor] },
      point: 0,
      sequenceNumber: 0,
      backend: referenceBackend,
    };
    const [plain, optimized] = [0, 0.2].map((lambda) =>
      encodeBundledFrame([feature(6, true)], { ...options, lambda }),
    );
    expect(optimized.length).toBeLessThan(0.97 * plain.length);
  });

  test('quantizers without equal steps, and senseless lambdas, are refused', () => {
    const input = feature(7, true);
    const backend = referenceBackend;
    const levels: QuantizerChoice = { kind: 'levels', levels: [0, 1], thresholds: [0.5] };
    expect(() => encodeFrame(input, { quantizer: levels, lambda: 0.1, backend })).toThrow(/got levels/);
    const wide: QuantizerChoice = { kind: 'asymmetric', bits: 9, range: { kind: 'minmax' } };
    expect(() => encodeFrame(input, { quantizer: wide, lambda: 0.1, backend })).toThrow(/at most 256/);
    for (const lambda of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => encodeFrame(input, { quantizer: CHOICES[0], lambda, backend })).toThrow(/lambda expected/);
  });
});

/** Distance of neighboring levels, from what decoding gives. */
function stepOf(input: Tensor, quantizer: QuantizerChoice): number {
  const frame = encodeFrame(input, { quantizer, backend: referenceBackend });
  const levels = [...new Set(decodeFrame(frame, { backend: referenceBackend }).data as Float32Array)].sort(
    (a, b) => a - b,
  );
  return Math.min(...levels.slice(1).map((level, i) => level - levels[i]));
}

test('a target rate is a byte budget', () => {
  const input = feature(8, false);
  const maxBytes = bytesOfRate(input.shape, 0.6);
  expect(maxBytes).toBe(1500);
  const { frame } = encodeWithinBytes(input, { maxBytes, backend: referenceBackend });
  expect(frame.length).toBeLessThanOrEqual(maxBytes);
  expect(frame.length).toBeGreaterThan(0.6 * maxBytes);
  expect(() => bytesOfRate([4], 0)).toThrow(/bitsPerElement expected/);
});
