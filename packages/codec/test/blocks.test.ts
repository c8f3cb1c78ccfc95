import { createRandom, float16FromFloat32, type Tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  type ChannelBasis,
  channelMomentsOf,
  decodeChunk,
  decodeFrame,
  designChannelBasis,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  inspectFrame,
  joinChunks,
  loadWasmBackend,
  readProfile,
  referenceBackend,
  writeProfile,
} from '../src/index.js';
import { coefficientsOfValues, valuesOfCoefficients } from '../src/quantizer/block-transform.js';

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadWasmBackend()];
});

/** Waves and a little noise. */
function smooth(shape: number[], seed: number, isRectified: boolean, noise = 0.1): Tensor {
  const random = createRandom(seed);
  const [rows, columns] = shape.slice(-2);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const data = Float32Array.from({ length: count }, (_, i) => {
    const [plane, row, column] = [
      Math.floor(i / (rows * columns)),
      Math.floor(i / columns) % rows,
      i % columns,
    ];
    const value = 2 * Math.sin(row / 4 + plane) * Math.cos(column / 5 - plane) + noise * random.nextNormal();
    return isRectified ? Math.max(0, value) : value;
  });
  return { dtype: 'float32', shape, data };
}

const meanSquare = (a: Tensor, b: Tensor): number => {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (Number(a.data[i]) - Number(b.data[i])) ** 2;
  return sum / a.data.length;
};

describe('the transform', () => {
  test.each([1, 2, 4, 8] as const)(
    'of blocks of %d comes back within the error of its integers',
    (blockSize) => {
      for (const [planes, rows, columns] of [
        [1, 8, 8],
        [3, 9, 17],
        [2, 4, 5],
      ]) {
        const geometry = { planes, rows, columns };
        const random = createRandom(rows);
        const values = Float32Array.from({ length: planes * rows * columns }, () => random.nextNormal());
        const step = 2 ** -10;
        const coefficients = coefficientsOfValues(values, geometry, blockSize);
        const indices = Uint16Array.from(coefficients, (value) => Math.round(value / step) + 32_767);
        const back = valuesOfCoefficients(indices, geometry, {
          blockSize,
          levelCount: 65_535,
          step,
          isRectified: false,
          basis: null,
        });
        back.forEach((value, i) => {
          expect(Math.abs(value - values[i]), `element ${i}`).toBeLessThan(0.02);
        });
      }
    },
  );

  test('an even block has one coefficient', () => {
    const geometry = { planes: 1, rows: 8, columns: 8 };
    const coefficients = coefficientsOfValues(new Float32Array(64).fill(3), geometry, 8);
    expect([...coefficients].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([
      24,
      ...new Array(63).fill(0),
    ]);
  });
});

describe('frames of blocks', () => {
  test.each([
    [[8, 16, 16], 8, true],
    [[3, 13, 21], 8, false],
    [[2, 2, 6, 7], 4, true],
    [[3, 5, 7], 2, false],
    [[3, 5, 7], 1, true],
    [[5, 4], 8, false],
  ] as [number[], 1 | 2 | 4 | 8, boolean][])(
    'shape %j, blocks of %d, rectified %j',
    (shape, blockSize, isRectified) => {
      const input = smooth(shape, 3, isRectified);
      for (const lambda of [0, 0.2]) {
        const options = { quantizer: { kind: 'blocks', blockSize, step: 0.25 } as const, lambda };
        const frames = backends.map((backend) => encodeFrame(input, { ...options, backend, digest: true }));
        expect(frames[0]).toEqual(frames[1]);
        const outputs = backends.map((backend) => decodeFrame(frames[0], { backend }));
        expect(outputs[0]).toEqual(outputs[1]);
        expect(outputs[0].shape).toEqual(shape);
        if (isRectified) expect((outputs[0].data as Float32Array).every((value) => value >= 0)).toBe(true);
        // Each coefficient is within half a step, or where a bit is worth more, within one.
        expect(meanSquare(input, outputs[0])).toBeLessThan(lambda === 0 ? 0.25 ** 2 / 10 : 0.25 ** 2 / 3);
      }
    },
  );

  test('a smooth map takes fewer bits than levels of the elements of no more error', () => {
    const input = smooth([16, 32, 32], 4, true, 0.02);
    const backend = backends[1];
    const quantizer = { kind: 'blocks', blockSize: 8, step: 0.5 } as const;
    const blocks = encodeFrame(input, { quantizer, lambda: 0.15, backend });
    expect(inspectFrame(blocks).coder).toBe('binary');
    const error = meanSquare(input, decodeFrame(blocks, { backend }));
    for (let levelCount = 2; ; levelCount++) {
      const uniform = { kind: 'uniform', levelCount, range: { kind: 'minmax' } } as const;
      const frame = encodeFrame(input, { quantizer: uniform, coder: 'binary', backend });
      if (meanSquare(input, decodeFrame(frame, { backend })) > error) continue;
      expect(blocks.length).toBeLessThan(0.9 * frame.length);
      break;
    }
  });

  test('chunks, profiles and other element types', () => {
    const backend = backends[1];
    const input = smooth([6, 12, 12], 5, false);
    const quantizer = { kind: 'blocks', blockSize: 4, step: 0.2, levelCount: 101 } as const;
    const frame = encodeFrame(input, { quantizer, chunkCount: 5, backend });
    const chunks = Array.from({ length: 5 }, (_, i) => decodeChunk(frame, i, { backend }));
    const whole = decodeFrame(frame, { backend });
    expect(joinChunks(frame, chunks, { backend })).toEqual(whole);
    const profile = { tensors: [designTensorProfile([input], { quantizer, backend })] };
    expect(readProfile(writeProfile(profile))).toEqual(profile);
    const bundled = encodeBundledFrame([input], { profile, point: 2, sequenceNumber: 0, backend });
    expect(decodeFrame(bundled, { backend, profiles: new Map([[2, profile]]) })).toEqual(whole);
    const half: Tensor = { ...input, dtype: 'float16', data: float16FromFloat32(input.data as Float32Array) };
    const output = decodeFrame(encodeFrame(half, { quantizer, backend }), { backend });
    expect(output.dtype).toBe('float16');
  });

  test('under the binary coder lambda costs less than no lambda and than the nearest indices of a coarser table', () => {
    const input = smooth([8, 16, 16], 7, false);
    const quantizer = { kind: 'blocks', blockSize: 8, step: 0.5 } as const;
    const backend = backends[1];
    const cost = (lambda: number): number => {
      const frame = encodeFrame(input, { quantizer, lambda, backend });
      expect(frame).toEqual(encodeFrame(input, { quantizer, lambda, backend: backends[0] }));
      const error = meanSquare(input, decodeFrame(frame, { backend })) * input.data.length;
      return error + 0.15 * 0.5 ** 2 * 8 * frame.length;
    };
    expect(cost(0.15)).toBeLessThan(0.99 * cost(0));
    // A bit that is worth any error leaves nothing.
    const zeros = decodeFrame(encodeFrame(input, { quantizer, lambda: 1e6, backend }), { backend });
    expect(new Set(zeros.data as Float32Array)).toEqual(new Set([0]));
  });

  test('what has no coefficients is refused', () => {
    const backend = referenceBackend;
    const encode =
      (input: Tensor, more: object = {}) =>
      () =>
        encodeFrame(input, { quantizer: { kind: 'blocks', blockSize: 8, step: 0.1, ...more }, backend });
    const input = smooth([2, 9, 9], 6, false);
    expect(encode(input, { blockSize: 5 })).toThrow(/blockSize expected 1, 2, 4 or 8/);
    expect(encode(input, { step: 0 })).toThrow(/step expected/);
    expect(encode(input, { step: 1e-6 })).toThrow(/step expected one of at most/);
    expect(encode(input, { levelCount: 4 })).toThrow(/odd integer/);
    expect(encode(smooth([9, 2, 9], 6, false))).toThrow(/at least 4 rows/);
    const infinite = {
      ...input,
      data: (input.data as Float32Array).map((value, i) => (i === 3 ? Infinity : value)),
    };
    expect(encode(infinite as Tensor)).toThrow(/finite elements/);
  });

  test('blocks may reach beyond the limit of elements as far as those of encoders do', () => {
    const backend = referenceBackend;
    const input = smooth([2, 9, 9], 6, false);
    const frame = encodeFrame(input, { quantizer: { kind: 'blocks', blockSize: 8, step: 0.1 }, backend });
    expect(decodeFrame(frame, { backend, limits: { maxElements: 162 } }).shape).toEqual([2, 9, 9]);
    // One element, 64 coefficients.
    const hostile = Uint8Array.of(
      0xf5,
      0x46,
      0x57,
      1,
      0,
      0x82,
      1,
      1,
      3,
      3,
      0,
      0,
      0x80,
      0x3f,
      0,
      0,
      0,
      0,
      0,
      0,
    );
    expect(() => decodeFrame(hostile, { backend, limits: { maxElements: 15 } })).toThrow(
      expect.objectContaining({ code: 'limit-exceeded' }),
    );
  });
});

/** Channels that are sums of few maps, with noise. */
function mixed(shape: number[], seed: number, isRectified: boolean): Tensor {
  const planeSize = shape[shape.length - 2] * shape[shape.length - 1];
  const channels = shape[shape.length - 3];
  const maps = smooth([shape.length > 3 ? shape[0] : 1, 3, ...shape.slice(-2)], seed, false, 0.5);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => {
    const channel = Math.floor(i / planeSize) % channels;
    const set = Math.floor(i / (planeSize * channels));
    const at = set * 3 * planeSize + (i % planeSize);
    let value = 0.01 * Math.sin(i * i);
    for (let map = 0; map < 3; map++)
      value += Math.cos(channel * (map + 1)) * Number(maps.data[at + map * planeSize]);
    return isRectified ? Math.max(0, value) : value;
  });
  return { dtype: 'float32', shape, data };
}

function basisOf(...samples: Tensor[]): ChannelBasis {
  return designChannelBasis(channelMomentsOf(samples));
}

describe('blocks of components', () => {
  test.each([
    [[1, 12, 16, 16], 8, false],
    [[2, 12, 9, 13], 4, true],
    [[12, 3, 5], 2, false],
    [[12, 1, 40], 1, false],
  ] as [number[], 1 | 2 | 4 | 8, boolean][])(
    'shape %j, blocks of %d, rectified %j: all backends agree, and the error is that of the steps',
    (shape, blockSize, isRectified) => {
      const input = mixed(shape, 8, isRectified);
      const step = 0.2;
      const quantizer = { kind: 'blocks', blockSize, step, basis: basisOf(input) } as const;
      const frames = backends.map((backend) => encodeFrame(input, { quantizer, backend, digest: true }));
      expect(frames[0]).toEqual(frames[1]);
      const outputs = backends.map((backend) => decodeFrame(frames[0], { backend }));
      expect(outputs[0]).toEqual(outputs[1]);
      expect(meanSquare(input, outputs[0])).toBeLessThan(step ** 2 / 10);
    },
  );

  test('channels with much in common take a fraction of the bits, in a profile without the weights', () => {
    const backend = backends[1];
    const [seen, unseen] = [mixed([1, 24, 16, 16], 9, false), mixed([1, 24, 16, 16], 10, false)];
    const common = { kind: 'blocks', blockSize: 8, step: 0.4, levelCount: 1023 } as const;
    const [plain, basis] = [common, { ...common, basis: basisOf(seen) }].map((quantizer) => {
      const profile = { tensors: [designTensorProfile([seen], { quantizer, backend })] };
      expect(profile.tensors[0].coder).toBeNull();
      expect(readProfile(writeProfile(profile))).toEqual(profile);
      const options = { profile, point: 1, sequenceNumber: 0, lambda: 0.1, backend };
      const frame = encodeBundledFrame([unseen], options);
      expect(inspectFrame(frame, { profiles: new Map([[1, profile]]) }).coder).toBe('binary');
      const output = decodeFrame(frame, { backend, profiles: new Map([[1, profile]]) });
      return { bytes: frame.length, error: meanSquare(unseen, output) };
    });
    expect(basis.bytes).toBeLessThan(0.4 * plain.bytes);
    expect(basis.error).toBeLessThan(plain.error);
  });

  test('rows and columns may vary, channels may not', () => {
    const backend = backends[1];
    const seen = mixed([1, 12, 16, 16], 11, false);
    const quantizer = {
      kind: 'blocks',
      blockSize: 4,
      step: 0.2,
      levelCount: 501,
      basis: basisOf(seen),
    } as const;
    const profile = {
      tensors: [designTensorProfile([seen], { quantizer, varyingAxes: [2, 3], backend })],
    };
    const input = mixed([1, 12, 9, 21], 12, false);
    const frame = encodeBundledFrame([input], { profile, point: 0, sequenceNumber: 0, backend });
    const profiles = new Map([[0, readProfile(writeProfile(profile))]]);
    expect(meanSquare(input, decodeFrame(frame, { backend, profiles }))).toBeLessThan(0.2 ** 2 / 10);
    expect(() => designTensorProfile([seen], { quantizer, varyingAxes: [1], backend })).toThrow(
      /varyingAxes/,
    );
    const other = mixed([1, 13, 16, 16], 12, false);
    expect(() => encodeFrame(other, { quantizer, backend })).toThrow(/shape expected 12 channels/);
    const mutated = writeProfile(profile);
    for (let length = 0; length < mutated.length; length++)
      expect(() => readProfile(mutated.subarray(0, length))).toThrow(
        expect.objectContaining({ name: 'BitstreamError' }),
      );
  });
});
