import { createRandom, tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  BitstreamError,
  decodeFrame,
  type EncodeOptions,
  encodeFrame,
  inspectFrame,
  loadWasmBackend,
  referenceBackend,
} from '../src/index.js';
import { smoothFeature } from './smooth-features.js';

let wasm: Backend;
beforeAll(async () => {
  wasm = await loadWasmBackend();
});

const exact = (levelCount: number) =>
  ({ kind: 'uniform', levelCount, range: { kind: 'fixed', low: 0, high: levelCount - 1 } }) as const;

describe('kernels of trees of bins', () => {
  test('give the lanes of the reference, and its indices', () => {
    const random = createRandom(4);
    for (let round = 0; round < 200; round++) {
      const levelCount = 2 + random.nextInteger([3, 15, 255][round % 3]);
      const geometry = {
        planes: 1 + random.nextInteger(4),
        rows: 1 + random.nextInteger(12),
        columns: 1 + random.nextInteger(40),
      };
      const spread = random.nextUniform() * levelCount;
      const indices = Uint8Array.from({ length: geometry.planes * geometry.rows * geometry.columns }, () =>
        Math.min(levelCount - 1, Math.floor(Math.abs(random.nextNormal()) * spread)),
      );
      const alphabet = { levelCount, background: random.nextInteger(levelCount) };
      for (const laneCount of [1, 2, 4]) {
        const lanes = referenceBackend.encodeTrees(indices, geometry, alphabet, laneCount);
        expect(wasm.encodeTrees(indices, geometry, alphabet, laneCount), `round ${round}`).toEqual(lanes);
        expect(wasm.decodeTrees(lanes, geometry, alphabet), `round ${round}`).toEqual(indices);
      }
    }
  });

  test.each([3, 4])('of two bins in four lanes take any indices and any words, %i levels', (levelCount) => {
    const geometry = { planes: 3, rows: 60, columns: 41 };
    const random = createRandom(levelCount);
    const last = levelCount - 1;
    const shapes: ((i: number) => number)[] = [
      () => 0, // zero words at the end, which are left out
      () => last,
      (i) => (i % 40 === 39 ? last : 0), // learned to be certain, then wrong
      (i) => i % levelCount,
      () => random.nextInteger(levelCount),
    ];
    for (const [round, indexAt] of shapes.entries()) {
      const indices = Uint8Array.from({ length: 3 * 60 * 41 }, (_, i) => indexAt(i));
      const alphabet = { levelCount, background: round % levelCount };
      const lanes = referenceBackend.encodeTrees(indices, geometry, alphabet, 4);
      expect(wasm.encodeTrees(indices, geometry, alphabet, 4), `shape ${round}`).toEqual(lanes);
      expect(wasm.decodeTrees(lanes, geometry, alphabet), `shape ${round}`).toEqual(indices);
      for (let change = 0; change < 40; change++) {
        const damaged = lanes.map((lane) => {
          const length = change % 3 === 0 ? random.nextInteger(lane.length + 1) : lane.length;
          const changed = lane.slice(0, length);
          if (length > 0) changed[random.nextInteger(length)] ^= 1 << random.nextInteger(8);
          return changed;
        });
        expect(wasm.decodeTrees(damaged, geometry, alphabet), `shape ${round}, change ${change}`).toEqual(
          referenceBackend.decodeTrees(damaged, geometry, alphabet),
        );
      }
    }
  });

  test('hand what takes too much room to the reference', () => {
    // Learned to be certain, then always wrong: far more than 2 bytes an index.
    const indices = Uint8Array.from({ length: 4_000 }, (_, i) => (i % 40 === 39 ? 255 : 0));
    const geometry = { planes: 1, rows: 4_000, columns: 1 };
    for (const alternate of [indices, indices.map((_, i) => (Math.imul(i, 0x9e3779b1) >>> 13) & 255)]) {
      const alphabet = { levelCount: 256, background: 0 };
      const lanes = referenceBackend.encodeTrees(alternate, geometry, alphabet, 4);
      expect(wasm.encodeTrees(alternate, geometry, alphabet, 4)).toEqual(lanes);
    }
  });
});

describe('a frame of the fast binary coder', () => {
  test.each([[[40, 9, 9]], [[3, 20, 11, 13]], [[64, 20]], [[500]], [[1, 7, 1, 1]], [[]]])(
    'decodes to what was coded, shape %j',
    (shape) => {
      for (const levelCount of [2, 3, 4, 6, 16, 60, 256]) {
        const feature = smoothFeature(shape, levelCount, 3);
        const options = { quantizer: exact(levelCount), coder: 'binary-fast' } as const;
        for (const laneCount of [undefined, 1, 2, 4]) {
          const settings = laneCount ? { ...options, laneCount } : options;
          const frame = encodeFrame(feature, { ...settings, backend: wasm });
          expect(encodeFrame(feature, { ...settings, backend: referenceBackend })).toEqual(frame);
          for (const backend of [wasm, referenceBackend]) {
            expect(decodeFrame(frame, { backend })).toEqual(feature);
          }
          expect(inspectFrame(frame)).toMatchObject({ coder: 'binary-fast', layout: 'dense' });
        }
      }
    },
  );

  test.each<[string, Partial<EncodeOptions>]>([
    ['257 levels', { quantizer: exact(257) }],
    ['a layout', { layout: 'csr' }],
    ['8 lanes', { laneCount: 8 }],
    ['3 lanes', { laneCount: 3 }],
  ])('is refused for %s', (_, settings) => {
    const feature = smoothFeature([20, 9], 4, 5);
    const options = { quantizer: exact(4), coder: 'binary-fast', backend: wasm, ...settings } as const;
    expect(() => encodeFrame(feature, options)).toThrow(RangeError);
  });

  test('of chunks decodes to the same', () => {
    const feature = smoothFeature([12, 10, 9], 5, 1);
    const options = { quantizer: exact(5), coder: 'binary-fast', chunkCount: 5, digest: true } as const;
    const frame = encodeFrame(feature, { ...options, backend: wasm });
    expect(decodeFrame(frame, { backend: referenceBackend })).toEqual(feature);
  });

  test('is what auto takes for large smooth maps of many levels', () => {
    const random = createRandom(2);
    const columns = 64;
    const data = new Float32Array(48 * columns * columns);
    for (let i = 0; i < data.length; i++) {
      const near = i >= columns ? 0.48 * (data[i - 1] + data[i - columns]) : 0;
      data[i] = near + random.nextNormal();
    }
    const feature = tensor('float32', [48, columns, columns], data);
    const quantizer = { kind: 'uniform', levelCount: 100, range: { kind: 'minmax' } } as const;
    const auto = encodeFrame(feature, { quantizer, backend: wasm });
    expect(inspectFrame(auto).coder).toBe('binary-fast');
    expect(auto.length).toBeLessThan(
      0.98 * encodeFrame(feature, { quantizer, coder: 'rans', backend: wasm }).length,
    );
    const hurried = encodeFrame(feature, { quantizer, maxMs: 0, backend: wasm });
    expect(inspectFrame(hurried).coder).toBe('rans');
  });

  test('ends in an error on any word that is missing', () => {
    const feature = smoothFeature([12, 10, 9], 5, 1);
    const options = { quantizer: exact(5), coder: 'binary-fast', backend: wasm } as const;
    const frame = encodeFrame(feature, options);
    for (let length = 0; length < frame.length; length++) {
      expect(() => decodeFrame(frame.subarray(0, length), { backend: wasm })).toThrow(BitstreamError);
    }
  });

  test('whose code is not below the range is refused by every backend', () => {
    const geometry = { planes: 3, rows: 4, columns: 9 };
    const lane = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4);
    for (const backend of [referenceBackend, wasm])
      expect(backend.decodeTrees([lane], geometry, { levelCount: 242, background: 0 })).toBe(
        'lane 0 is of no encoder',
      );
  });
});
