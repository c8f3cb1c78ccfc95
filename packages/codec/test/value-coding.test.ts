import { createRandom, tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { crc32 } from '../src/bitstream/crc32.js';
import {
  type Backend,
  BitstreamError,
  type CodingProfile,
  type DecodeOptions,
  decodeFrame,
  decodeFrameInto,
  decodeTensors,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  encodeTensors,
  loadBackend,
  loadWasmBackend,
  referenceBackend,
} from '../src/index.js';
import { drawFeature } from './features.js';

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadBackend('javascript'), await loadWasmBackend()];
});

const KINDS = ['rans', 'rans-packed'] as const;
const COUNTS = [1, 7, 63, 64, 65, 16_383, 16_384, 16_385, 40_003];

const profileOf = (levelCount: number, kind: (typeof KINDS)[number]): CodingProfile => {
  const samples = [drawFeature('leakyRelu', 3_000, 5)];
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low: -0.5, high: 2 } } as const;
  const options = { quantizer, coder: kind, varyingAxes: [0], backend: referenceBackend };
  return { tensors: [designTensorProfile(samples, options)] };
};

describe.each(KINDS)('quantization and %s in one call', (kind) => {
  test.each(kind === 'rans' ? [2, 5, 256] : [2, 3, 4, 6, 16])(
    'gives the frame and the tensor of the single stages, %i levels',
    (levelCount) => {
      const profile = profileOf(levelCount, kind);
      const profiles = new Map([[0, profile]]);
      for (const count of COUNTS) {
        const feature = drawFeature('leakyRelu', count, count);
        feature.data[0] = Number.POSITIVE_INFINITY;
        const settings = { profile, point: 0, sequenceNumber: 3 };
        const frames = backends.map((backend) => encodeBundledFrame([feature], { ...settings, backend }));
        expect(frames[1]).toEqual(frames[0]);
        // A digest takes the way of single stages.
        const checked = encodeBundledFrame([feature], { ...settings, digest: true, backend: backends[1] });
        const expected = decodeFrame(checked, { backend: referenceBackend, profiles });
        expect(checked.subarray(8, checked.length - 8)).toEqual(frames[0].subarray(7, frames[0].length - 4));
        for (const backend of backends) {
          expect(decodeFrame(frames[0], { backend, profiles })).toEqual(expected);
        }
      }
    },
  );

  test('refuses NaN wherever it stands', () => {
    const profile = profileOf(4, kind);
    for (const backend of backends) {
      for (const at of [0, 16_390, 40_002]) {
        const feature = drawFeature('leakyRelu', 40_003, 1);
        feature.data[at] = Number.NaN;
        const encode = () => encodeBundledFrame([feature], { profile, point: 0, sequenceNumber: 3, backend });
        expect(encode).toThrow(`got NaN in 1 of 40003 elements, the first at ${at}`);
      }
      // What an earlier call left behind is not looked at.
      const feature = drawFeature('leakyRelu', 5, 1);
      expect(encodeBundledFrame([feature], { profile, point: 0, sequenceNumber: 3, backend })).toBeDefined();
    }
  });
});

describe('a frame decoded into memory of the caller', () => {
  const quantizer = { kind: 'uniform', levelCount: 4, range: { kind: 'minmax' } } as const;
  const feature = tensor('float32', [30, 20], drawFeature('relu', 600, 2).data);

  test.each(['rans', 'rans-packed', 'binary', 'rans-contexts'] as const)('of %s', (coder) => {
    for (const backend of backends) {
      for (const extras of [{}, { digest: true, chunkCount: 3 }]) {
        const frame = encodeFrame(feature, { quantizer, coder, backend, ...extras });
        const target = new Float32Array(700).fill(9);
        const decoded = decodeFrameInto(frame, target, { backend });
        expect(decoded).toEqual(decodeFrame(frame, { backend }));
        expect(decoded.data.buffer).toBe(target.buffer);
        expect(target.subarray(600).every((value) => value === 9)).toBe(true);
      }
    }
  });

  test('is refused if it is longer or of another type', () => {
    const [backend] = backends;
    const frame = encodeFrame(feature, { quantizer, backend });
    expect(() => decodeFrameInto(frame, new Float32Array(599), { backend })).toThrow(BitstreamError);
    const bytes = encodeFrame(tensor('uint8', [4], Uint8Array.of(1, 2, 3, 4)), {
      quantizer: { kind: 'integer' },
      backend,
    });
    expect(() => decodeFrameInto(bytes, new Float32Array(600), { backend })).toThrow('float32 expected');
  });

  test.each(['levels between limits', 'listed levels'])('goes where it is told, of %s', (kind) => {
    const listed = { kind: 'levels', levels: [0, 0.5, 1.5], thresholds: [0.25, 1] } as const;
    for (const backend of backends) {
      const coded = { feature, quantizer: kind === 'listed levels' ? listed : quantizer };
      const frame = encodeTensors([coded, coded], { backend });
      const memory = new Float32Array(1200);
      let used = 0;
      const allocate = (count: number): Float32Array => {
        used += count;
        return memory.subarray(used - count, used);
      };
      const decoded = decodeTensors(frame, { backend, allocate });
      expect(decoded).toEqual(decodeTensors(frame, { backend }));
      expect(decoded.map(({ data }) => data.buffer)).toEqual([memory.buffer, memory.buffer]);
      expect(used).toBe(1200);
    }
  });

  test('is accepted before anything is decoded or allocated', () => {
    const [backend] = backends;
    const frame = encodeFrame(feature, { quantizer, backend });
    const seen: unknown[] = [];
    const accept: DecodeOptions['accept'] = (tensors, bundled) => {
      seen.push(
        tensors.map(({ dtype, shape }) => [dtype, ...shape]),
        bundled,
      );
      throw new RangeError('not this one');
    };
    const allocate = (): Float32Array => {
      throw new Error('allocated');
    };
    const options = { backend, accept, allocate };
    expect(() => decodeTensors(frame, options)).toThrow('not this one');
    expect(() => decodeFrameInto(frame, new Float32Array(600), options)).toThrow('not this one');
    expect(seen).toEqual([[['float32', 30, 20]], null, [['float32', 30, 20]], null]);
    const damaged = frame.slice();
    damaged[damaged.length >> 1] ^= 1;
    expect(() => decodeTensors(damaged, options)).toThrow(BitstreamError);
    expect(seen).toHaveLength(4);
  });
});

test('every backend gives the CRC-32 of any bytes, in parts too', () => {
  const random = createRandom(4);
  for (const length of [0, 1, 15, 16, 17, 1_000, 65_536, 70_001]) {
    const bytes = Uint8Array.from({ length }, () => random.nextInteger(256));
    const cut = random.nextInteger(length + 1);
    for (const backend of backends) {
      expect(backend.crc32(bytes)).toBe(crc32(bytes));
      expect(backend.crc32(bytes.subarray(cut), backend.crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes));
    }
  }
});
