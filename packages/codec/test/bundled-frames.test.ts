import { createRandom, type Tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  BitstreamError,
  type BundledOptions,
  type CodingProfile,
  decodeFrame,
  decodeTensors,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  inspectFrame,
  isBundledFrame,
  loadBackend,
  loadWasmBackend,
  type QuantizerChoice,
  readProfile,
  referenceBackend,
  writeProfile,
} from '../src/index.js';
import { CHOICES, feature, minmax, profileOf, sealed } from './profiled-features.js';
import { unlikeIndices } from './smooth-features.js';

const POINT = 7;
const BUNDLED_OVERHEAD = 16;

/** Planes of waves, whose neighbors are alike. */
function smoothFeature(shape: number[], seed: number): Tensor {
  const [planes, rows, columns] = shape;
  const data = new Float32Array(planes * rows * columns);
  for (let i = 0; i < data.length; i++) {
    const [plane, row, column] = [
      Math.floor(i / (rows * columns)),
      Math.floor(i / columns) % rows,
      i % columns,
    ];
    data[i] = Math.max(0, Math.sin(row / (2 + (plane % 5)) + seed) * Math.cos(column / 3 + plane + seed));
  }
  return { dtype: 'float32', shape, data };
}

/** Planes whose statistics depend on the channel. */
function unlikeFeature([planes, rows, columns]: [number, number, number], seed: number) {
  const { indices } = unlikeIndices({ planes, rows, columns }, { levelCount: 6, background: 0 }, seed);
  return { dtype: 'float32', shape: [planes, rows, columns], data: Float32Array.from(indices) } as const;
}

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadBackend('javascript'), await loadWasmBackend()];
});

function bundled(features: Tensor[], profile: CodingProfile, more: Partial<BundledOptions> = {}): Uint8Array {
  return encodeBundledFrame(features, {
    profile,
    point: POINT,
    sequenceNumber: 300,
    backend: referenceBackend,
    ...more,
  });
}

const decoding = (profile: CodingProfile, backend: Backend = referenceBackend) => ({
  backend,
  profiles: new Map([[POINT, profile]]),
});

/** What a self-contained frame gives under the limits of the profile. */
function expected(input: Tensor, profile: CodingProfile, choice: QuantizerChoice): Tensor {
  const { quantizer } = profile.tensors[0];
  if (choice.kind !== 'uniform' && choice.kind !== 'asymmetric')
    return decodeFrame(encodeFrame(input, { quantizer: choice, backend: referenceBackend }), {
      backend: referenceBackend,
    });
  if (quantizer.kind !== 'affine') throw new Error(quantizer.kind);
  const indices = referenceBackend.quantize(input.data as Float32Array, quantizer.affine);
  return { ...input, data: referenceBackend.dequantize(indices, quantizer.affine) } as Tensor;
}

describe('bundled frames', () => {
  test.each(CHOICES)('%s: a tensor comes back as its self-contained frame gives it', (_, choice) => {
    const samples = [1, 2, 3].map((seed) => feature([4, 9, 10], seed));
    const profile = profileOf(samples, choice);
    const input = feature([4, 9, 10], 4);
    const frames = backends.map((backend) => bundled([input], profile, { backend }));
    expect(Buffer.compare(frames[0], frames[1])).toBe(0);
    for (const backend of backends) {
      const output = decodeFrame(frames[0], decoding(profile, backend));
      expect(output).toEqual(expected(input, profile, choice));
    }
    const { bundled: named, digest } = inspectFrame(frames[0], decoding(profile));
    expect(named).toEqual({ point: POINT, sequenceNumber: 300 });
    expect(digest).toBeNull();
  });

  test.each([[40], [2, 512], [64, 28, 28], [16, 128, 128]])(
    'shape %j, %j, %j: everything but the entropy code takes 16 bytes at most',
    (...shape) => {
      const dimensions = shape.filter((dimension) => dimension !== undefined);
      const profile = profileOf([feature(dimensions, 1)], { kind: 'uniform', levelCount: 4, range: minmax });
      const frame = bundled([feature(dimensions, 2)], profile, { sequenceNumber: 16_383 });
      const { fields, coder } = inspectFrame(frame, decoding(profile));
      expect(coder).toBe('static');
      const code = fields.find(({ field }) => field === 'states and words')!.byteLength;
      expect(frame.length - code).toBeLessThanOrEqual(BUNDLED_OVERHEAD);
    },
  );

  test('dimensions that vary are stated, others are held to', () => {
    const samples = [feature([3, 5, 8], 1), feature([3, 5, 20], 2)];
    const tensor = designTensorProfile(samples, {
      quantizer: { kind: 'uniform', levelCount: 8, range: minmax },
      varyingAxes: [2],
      backend: referenceBackend,
    });
    const profile = readProfile(writeProfile({ tensors: [tensor] }));
    const input = feature([3, 5, 33], 3);
    expect(decodeFrame(bundled([input], profile), decoding(profile)).shape).toEqual([3, 5, 33]);
    expect(() => bundled([feature([3, 6, 33], 3)], profile)).toThrow(/expected float32 \[3, 5, \*\]/);
    expect(() => bundled([feature([3, 5, 33], 3, 'float16')], profile)).toThrow(/got float16/);
    expect(() => bundled([feature([3, 5, 0], 3)], profile)).toThrow(RangeError);
  });

  test('a table of samples codes indices that no sample has', () => {
    const zeros: Tensor = { dtype: 'float32', shape: [500], data: new Float32Array(500) };
    const profile = profileOf([zeros], {
      kind: 'uniform',
      levelCount: 16,
      range: { kind: 'fixed', low: -1, high: 9 },
    });
    const input = feature([500], 5);
    expect(decodeFrame(bundled([input], profile), decoding(profile))).toEqual(
      expected(input, profile, { kind: 'uniform', levelCount: 16, range: minmax }),
    );
  });

  test('contexts take fewer bits than a table, and fit any number of rows', () => {
    const quantizer = { kind: 'uniform', levelCount: 4, range: minmax } as const;
    const samples = [1, 2, 3].map((seed) => smoothFeature([24, 16, 16], seed));
    const [table, contexts] = (['rans', 'rans-contexts'] as const).map((coder) => ({
      tensors: [
        designTensorProfile(samples, { quantizer, coder, varyingAxes: [1], backend: referenceBackend }),
      ],
    }));
    expect(readProfile(writeProfile(contexts))).toEqual(contexts);
    const input = smoothFeature([24, 20, 16], 4);
    const frames = backends.map((backend) => bundled([input], contexts, { backend }));
    expect(Buffer.compare(frames[0], frames[1])).toBe(0);
    expect(frames[0].length).toBeLessThan(0.85 * bundled([input], table).length);
    for (const backend of backends) {
      expect(decodeFrame(frames[0], decoding(contexts, backend))).toEqual(
        decodeFrame(bundled([input], table), decoding(table)),
      );
    }
    const { fields } = inspectFrame(frames[0], decoding(contexts));
    const code = fields.find(({ field }) => field === 'states and bytes')!.byteLength;
    // One byte of it says how many rows there are.
    expect(frames[0].length - code).toBeLessThanOrEqual(BUNDLED_OVERHEAD + 1);
    for (const laneCount of [1, 64]) {
      const frame = bundled([input], contexts, { laneCount });
      expect(inspectFrame(frame, decoding(contexts)).coder).toBe('static');
      expect(decodeFrame(frame, decoding(contexts))).toEqual(decodeFrame(frames[0], decoding(contexts)));
    }
    expect(() => bundled([input], table, { laneCount: 64 })).toThrow('from 1 to 32, got 64');
    expect(() => bundled([input], contexts, { chunkCount: 2 })).toThrow(/12 planes/);
    const chunked = bundled([input], table, { chunkCount: 2 });
    expect(() => decodeFrame(chunked, decoding(contexts))).toThrow(BitstreamError);
  });

  test('fine contexts take fewer bits than coarse ones, with classes of channels that fit the feature', () => {
    const quantizer = { kind: 'uniform', levelCount: 6, range: minmax } as const;
    const samples = [1, 2, 3].map((seed) => unlikeFeature([24, 40, 40], seed));
    const [size, least] = (['size', 'least'] as const).map((contextPreference) => {
      const coder = { coder: 'rans-contexts', contextPreference } as const;
      const options = { quantizer, ...coder, varyingAxes: [1], backend: referenceBackend };
      return { tensors: [designTensorProfile(samples, options)] };
    });
    expect(readProfile(writeProfile(least))).toEqual(least);
    const known = unlikeFeature([24, 44, 40], 4);
    const turned: Tensor = { ...known, data: known.data.slice().reverse() };
    for (const input of [known, turned]) {
      const frames = backends.map((backend) => bundled([input], least, { backend }));
      expect(Buffer.compare(frames[0], frames[1])).toBe(0);
      for (const backend of backends) {
        const decoded = decodeFrame(frames[0], decoding(least, backend));
        expect(decoded).toEqual(decodeFrame(bundled([input], size), decoding(size)));
      }
      expect(frames[0].length).toBeLessThan(bundled([input], size).length);
      const { fields } = inspectFrame(frames[0], decoding(least));
      expect(fields.some(({ field }) => field === 'classes of channels')).toBe(input === turned);
    }
    expect(() => bundled([known], least, { laneCount: 32 })).toThrow('at most 16');
    const wide = bundled([known], size, { laneCount: 32 });
    expect(() => decodeFrame(wide, decoding(least))).toThrow(
      expect.objectContaining({ code: 'invalid-field' }),
    );
  });

  test('another coder than the static one can be asked for', () => {
    const profile = profileOf([feature([8, 16, 16], 1)], { kind: 'uniform', levelCount: 4, range: minmax });
    const input = feature([8, 16, 16], 2);
    const frames = (['binary', 'rans', 'auto'] as const).map((coder) => bundled([input], profile, { coder }));
    for (const frame of frames) {
      expect(inspectFrame(frame, decoding(profile)).coder).not.toBe('static');
      expect(decodeFrame(frame, decoding(profile))).toEqual(
        decodeFrame(bundled([input], profile), decoding(profile)),
      );
    }
  });

  test('several tensors of several types share one frame', () => {
    const make = (seed: number): Tensor[] => [
      feature([4, 8, 8], seed),
      feature([60], seed + 1, 'float16'),
      feature([2, 30], seed + 2, 'uint8'),
    ];
    const quantizer = { kind: 'uniform', levelCount: 5, range: minmax } as const;
    const profile = {
      tensors: make(1).map((sample) =>
        designTensorProfile([sample], { quantizer, backend: referenceBackend }),
      ),
    };
    const frame = bundled(make(10), profile, { digest: true });
    const tensors = decodeTensors(frame, decoding(profile));
    expect(tensors.map(({ dtype, shape }) => [dtype, shape])).toEqual(
      make(1).map(({ dtype, shape }) => [dtype, shape]),
    );
    expect(() => decodeFrame(frame, decoding(profile))).toThrow(
      expect.objectContaining({ code: 'invalid-field' }),
    );
    expect(() => bundled(make(1).slice(1), profile)).toThrow(/features expected 3/);
    const shared = 5 + 1 + 1 + 2 + 4 + 4; // preamble, options, point, sequence number, digest, checksum
    const own = inspectFrame(frame, decoding(profile)).tensors.map(({ ownBytes }) => ownBytes);
    expect(own.reduce((sum, bytes) => sum + bytes, shared)).toBe(frame.length);
    expect(own[0]).toBeGreaterThan(own[1]);
  });

  test('are told from self-contained ones by their first bytes', () => {
    const profile = profileOf([feature([30], 1)], { kind: 'uniform', levelCount: 4, range: minmax });
    const frame = bundled([feature([30], 2)], profile);
    expect(isBundledFrame(frame.subarray(0, 5))).toBe(true);
    const backend = referenceBackend;
    expect(isBundledFrame(encodeFrame(feature([3], 1), { quantizer: { kind: 'none' }, backend }))).toBe(
      false,
    );
    expect(() => isBundledFrame(frame.subarray(0, 4))).toThrow(
      expect.objectContaining({ code: 'truncated' }),
    );
    expect(() => isBundledFrame(Uint8Array.of(1, 2, 3))).toThrow(
      expect.objectContaining({ code: 'wrong-magic' }),
    );
  });

  test('a frame of an unknown point, or of another type, is refused', () => {
    const profile = profileOf([feature([30], 1)], { kind: 'uniform', levelCount: 4, range: minmax });
    const frame = bundled([feature([30], 2)], profile);
    const other = profileOf([feature([30], 1, 'float16')], { kind: 'uniform', levelCount: 4, range: minmax });
    const backend = referenceBackend;
    expect(() => decodeFrame(frame, { backend })).toThrow(expect.objectContaining({ code: 'unknown-point' }));
    expect(() => decodeFrame(frame, decoding(other))).toThrow(
      expect.objectContaining({ code: 'invalid-field' }),
    );
  });

  test('NaN, a wrong count and a negative sequence number are refused', () => {
    const profile = profileOf([feature([3], 1)], { kind: 'uniform', levelCount: 4, range: minmax });
    const nan: Tensor = { dtype: 'float32', shape: [3], data: Float32Array.of(1, Number.NaN, 2) };
    expect(() => bundled([nan], profile)).toThrow(/NaN in 1 of 3/);
    expect(() => bundled([feature([3], 1)], profile, { sequenceNumber: -1 })).toThrow(
      /sequenceNumber expected/,
    );
    expect(() => bundled([feature([3], 1)], profile, { chunkCount: 0 })).toThrow(/chunkCount expected/);
  });
});

describe('damage', () => {
  test('with the digest no wrong tensor is returned as right', () => {
    const random = createRandom(8);
    const profile = profileOf([feature([6, 10, 10], 1)], { kind: 'uniform', levelCount: 4, range: minmax });
    const frame = bundled([feature([6, 10, 10], 2)], profile, { digest: true, chunkCount: 2 });
    const right = decodeFrame(frame, decoding(profile));
    const codes = new Map<string, number>();
    for (let round = 0; round < 4_000; round++) {
      const damaged = frame.slice();
      for (let flips = 1 + random.nextInteger(3); flips > 0; flips--)
        damaged[random.nextInteger(frame.length - 4)] ^= 1 << random.nextInteger(8);
      try {
        // The sequence number is no part of the tensor.
        expect(decodeFrame(sealed(damaged), decoding(profile))).toEqual(right);
      } catch (error) {
        if (!(error instanceof BitstreamError)) throw error;
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      }
    }
    expect(codes.get('digest-mismatch')).toBeGreaterThan(30);
    expect(codes.get('payload-mismatch')).toBeGreaterThan(100);
  });

  test('every truncation of a frame and of a profile is refused', () => {
    const profile = profileOf([feature([40], 1)], { kind: 'uniform', levelCount: 9, range: minmax });
    const frame = bundled([feature([40], 2)], profile, { digest: true });
    for (let length = 0; length < frame.length; length++)
      expect(() => decodeFrame(frame.subarray(0, length), decoding(profile))).toThrow(BitstreamError);
    const bytes = writeProfile(profile);
    for (let length = 0; length < bytes.length; length++)
      expect(() => readProfile(bytes.subarray(0, length))).toThrow(BitstreamError);
  });
});
