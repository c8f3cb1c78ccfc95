import { createRandom, tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  indicesPerSymbol,
  packedAlphabet,
  packSymbols,
  unpackSymbols,
} from '../src/entropy/packed-symbols.js';
import {
  type Backend,
  BitstreamError,
  type CodingProfile,
  decodeFrame,
  designTensorProfile,
  type EncodeOptions,
  encodeBundledFrame,
  encodeFrame,
  inspectFrame,
  loadWasmBackend,
  readProfile,
  referenceBackend,
  writeProfile,
} from '../src/index.js';
import { anyIndices, smoothFeature } from './smooth-features.js';

let wasm: Backend;
beforeAll(async () => {
  wasm = await loadWasmBackend();
});

const LEVEL_COUNTS = [2, 3, 4, 5, 8, 11, 16];

const exact = (levelCount: number) =>
  ({ kind: 'uniform', levelCount, range: { kind: 'fixed', low: 0, high: levelCount - 1 } }) as const;

describe('packed symbols', () => {
  test.each(LEVEL_COUNTS)('hold as many of %i levels as fit a byte by powers of two', (levelCount) => {
    const perSymbol = indicesPerSymbol(levelCount);
    expect(levelCount ** perSymbol).toBeLessThanOrEqual(256);
    expect(levelCount ** (2 * perSymbol)).toBeGreaterThan(256);
  });

  test.each(LEVEL_COUNTS)('of %i levels give back any number of indices', (levelCount) => {
    const random = createRandom(levelCount);
    for (let count = 1; count < 30; count++) {
      const alphabet = { levelCount, background: random.nextInteger(levelCount) };
      const indices = Uint8Array.from({ length: count }, () => random.nextInteger(levelCount));
      const symbols = packSymbols(indices, alphabet);
      expect(Math.max(...symbols)).toBeLessThan(packedAlphabet(alphabet).size);
      expect(unpackSymbols(symbols, count, alphabet)).toEqual(indices);
    }
  });

  test('have the first index in the lowest digit and the background at the end', () => {
    expect(packSymbols(Uint8Array.of(1, 2, 3, 0, 3), { levelCount: 4, background: 1 })).toEqual(
      Uint8Array.of(1 + 4 * 2 + 16 * 3, 3 + 4 + 16 + 64),
    );
    expect(packedAlphabet({ levelCount: 4, background: 1 })).toEqual({ size: 256, peak: 1 + 4 + 16 + 64 });
  });

  test('with another end than the background are refused', () => {
    const alphabet = { levelCount: 3, background: 0 };
    expect(unpackSymbols(Uint8Array.of(2 * 27), 3, alphabet)).toContain('background');
  });
});

describe('a frame of packed symbols', () => {
  test.each([[[40, 9, 9]], [[3, 20, 11, 13]], [[64, 20]], [[500]], [[1, 7, 1, 1]], [[]]])(
    'decodes to what was coded, shape %j',
    (shape) => {
      for (const levelCount of LEVEL_COUNTS) {
        const feature = smoothFeature(shape, levelCount, 3);
        const options = { quantizer: exact(levelCount), coder: 'rans-packed' } as const;
        const frame = encodeFrame(feature, { ...options, backend: wasm });
        expect(encodeFrame(feature, { ...options, backend: referenceBackend })).toEqual(frame);
        for (const backend of [wasm, referenceBackend]) {
          expect(decodeFrame(frame, { backend })).toEqual(feature);
        }
        expect(inspectFrame(frame)).toMatchObject({ coder: 'rans-packed', layout: 'dense' });
      }
    },
  );

  test.each<[string, Partial<EncodeOptions>]>([
    ['17 levels', { quantizer: exact(17) }],
    ['1,000 levels', { quantizer: exact(1_000) }],
    ['a layout', { layout: 'csr' }],
    ['64 lanes', { laneCount: 64 }],
  ])('is refused for %s', (_, settings) => {
    const feature = smoothFeature([20, 9], 4, 5);
    const options = { quantizer: exact(4), coder: 'rans-packed', backend: wasm, ...settings } as const;
    expect(() => encodeFrame(feature, options)).toThrow(RangeError);
  });
});

describe('a bundled frame of packed symbols', () => {
  const profileOf = (samples: ReturnType<typeof smoothFeature>[], levelCount: number): CodingProfile => {
    const options = { quantizer: exact(levelCount), coder: 'rans-packed', backend: wasm } as const;
    return { tensors: [designTensorProfile(samples, options)] };
  };

  test.each(LEVEL_COUNTS)('holds any indices of %i levels', (levelCount) => {
    const profile = profileOf([smoothFeature([12, 10, 9], levelCount, 1)], levelCount);
    expect(readProfile(writeProfile(profile))).toEqual(profile);
    const any = tensor('float32', [12, 10, 9], Float32Array.from(anyIndices(1080, levelCount, 4)));
    for (const chunkCount of [1, 5]) {
      const settings = { profile, point: 0, sequenceNumber: 1, chunkCount };
      const frame = encodeBundledFrame([any], { ...settings, backend: wasm });
      expect(encodeBundledFrame([any], { ...settings, backend: referenceBackend })).toEqual(frame);
      for (const backend of [wasm, referenceBackend]) {
        expect(decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) })).toEqual(any);
      }
    }
  });

  test('is smaller than one of single indices where neighbors are alike', () => {
    const samples = [1, 2].map((seed) => smoothFeature([32, 16, 16], 4, seed));
    const single = designTensorProfile(samples, { quantizer: exact(4), backend: wasm });
    const [packedBytes, singleBytes] = [profileOf(samples, 4), { tensors: [single] }].map((profile) => {
      const settings = { profile, point: 0, sequenceNumber: 1, backend: wasm };
      return encodeBundledFrame([smoothFeature([32, 16, 16], 4, 3)], settings).length;
    });
    expect(packedBytes).toBeLessThan(singleBytes);
  });

  test('has no profile of 17 levels', () => {
    expect(() => profileOf([smoothFeature([12, 10, 9], 17, 1)], 17)).toThrow('2 to 16 for packed symbols');
    const profile = profileOf([smoothFeature([12, 10, 9], 16, 1)], 16);
    const [sixteen] = profile.tensors;
    const quantizer = {
      kind: 'affine',
      affine: { levelCount: 17, offset: 0, step: 1, zeroPoint: 0 },
    } as const;
    const bytes = writeProfile({ tensors: [{ ...sixteen, quantizer }] });
    expect(() => readProfile(bytes)).toThrow(BitstreamError);
  });
});
