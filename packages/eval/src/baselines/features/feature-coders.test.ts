import { createRandom, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { GENERAL_COMPRESSORS, missingCompressor } from '../general-compression.js';
import type { Feature, FeatureCoder } from './feature-coder.js';
import { createPictureCoder } from './feature-pictures.js';
import { bytesOfHevcFrames, createVideoCoder, missingVideoCoder } from './feature-video.js';
import { codeIndexPlanes, missingPlaneCoder } from './index-planes.js';
import { createPlaneCoder } from './lossless-planes.js';
import { createPlainCoder } from './plain-coders.js';
import { drawTiles, readTiles, tilePlanes } from './tiling.js';

/** Smooth planes with noise; every second one is lower. */
function smoothFeature(shape: readonly number[], seed: number): Feature {
  const random = createRandom(seed);
  const columns = shape[shape.length - 1];
  const length = shape.reduce((product, dimension) => product * dimension, 1);
  const data = Float32Array.from({ length }, (_, i) => {
    const plane = Math.floor(i / (columns * shape[shape.length - 2]));
    return Math.fround(Math.sin((i % columns) / 3) * (plane % 2 ? 1 : 3) + 0.1 * random.nextUniform());
  });
  return tensor('float32', shape, data);
}

const FEATURES = [1, 2, 3].map((seed) => smoothFeature([1, 5, 8, 12], seed));
const RANGE = { kind: 'fixed', low: -3.2, high: 3.2 } as const;

function largestError(a: Feature, b: Feature): number {
  return a.data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b.data[i])), 0);
}

async function expectWithin(coder: FeatureCoder, error: number): Promise<number[]> {
  const { decoded, bytes } = await coder.code(FEATURES);
  expect(bytes).toHaveLength(FEATURES.length);
  decoded.forEach((feature, i) => {
    expect(feature.shape).toEqual(FEATURES[i].shape);
    expect(largestError(feature, FEATURES[i])).toBeLessThanOrEqual(error);
  });
  return [...bytes];
}

describe('plain elements', () => {
  const elements = FEATURES[0].data.length;

  test('float32 is 4 bytes an element and loses nothing, float16 is 2', async () => {
    expect(await expectWithin(createPlainCoder({ elements: 'float32' }), 0)).toEqual(
      Array(3).fill(4 * elements),
    );
    expect(await expectWithin(createPlainCoder({ elements: 'float16' }), 2 ** -9)).toEqual(
      Array(3).fill(2 * elements),
    );
  });

  test('bytes over the own range carry its limits, over a known range they do not', async () => {
    const own = createPlainCoder({ elements: 'int8' });
    expect(await expectWithin(own, 6.2 / 255 / 2)).toEqual(Array(3).fill(elements + 8));
    const known = createPlainCoder({ elements: 'int8', range: RANGE });
    expect(await expectWithin(known, 6.4 / 255 / 2 + 1e-6)).toEqual(Array(3).fill(elements));
  });

  const here = GENERAL_COMPRESSORS.filter((compressor) => !missingCompressor(compressor));
  test.each(here)('%s is smaller and gives the same values', async (compressor) => {
    const plain = await createPlainCoder({ elements: 'int8', range: RANGE }).code(FEATURES);
    const compressed = await createPlainCoder({ elements: 'int8', range: RANGE, compressor }).code(FEATURES);
    expect(compressed.decoded).toEqual(plain.decoded);
    for (const [i, bytes] of compressed.bytes.entries()) expect(bytes).toBeLessThan(plain.bytes[i]);
  });

  test('no features, features of several shapes, and ranges upside down are refused', async () => {
    const coder = createPlainCoder({ elements: 'int8', range: { kind: 'fixed', low: 1, high: 1 } });
    await expect(coder.code(FEATURES)).rejects.toThrow('low < high');
    await expect(coder.code([])).rejects.toThrow('at least one');
    await expect(coder.code([FEATURES[0], smoothFeature([1, 5, 8, 11], 1)])).rejects.toThrow('one shape');
  });
});

test('a constant feature has one level', async () => {
  const flat = tensor('float32', [1, 1, 2, 2], Float32Array.of(7, 7, 7, 7));
  const { decoded } = await createPlainCoder({ elements: 'int8' }).code([flat]);
  expect([...decoded[0].data]).toEqual([7, 7, 7, 7]);
});

describe('tiling', () => {
  test.each([[[1, 5, 8, 12]], [[1, 1, 3, 7]], [[1, 64]], [[2, 3, 4, 5]], [[1, 100, 1, 1]]])('%j', (shape) => {
    const tiling = tilePlanes(shape);
    const codes = Uint16Array.from(tiling.places, (_, i) => i + 1);
    const picture = drawTiles(codes, tiling, new Uint16Array(tiling.width * tiling.height));
    expect(readTiles(picture, tiling)).toEqual(codes);
    expect(new Set(tiling.places).size).toBe(codes.length);
  });

  test('planes stand whole in the picture, from left to right and top to bottom', () => {
    const { width, height, places } = tilePlanes([1, 3, 2, 2]);
    expect([width, height]).toEqual([4, 4]);
    expect([...places]).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13]);
  });

  test('a shape without planes is refused', () => {
    expect(() => tilePlanes([4])).toThrow(RangeError);
    expect(() => tilePlanes([1, 0, 2, 2])).toThrow(RangeError);
  });
});

describe('tiled pictures', () => {
  test('lossless codecs lose half a level', async () => {
    for (const codec of ['png', 'webp-lossless'] as const) {
      const coder = createPictureCoder({ coding: { codec }, levelCount: 33, range: RANGE });
      await expectWithin(coder, 0.1 + 1e-6);
    }
  });

  test('lossy codecs come close at a high quality', async () => {
    for (const codec of ['jpeg', 'webp', 'avif'] as const) {
      await expectWithin(createPictureCoder({ coding: { codec, quality: 95 } }), 1);
    }
  });
});

const missingVideo = await missingVideoCoder();
describe.skipIf(missingVideo)(`x265 intra${missingVideo ? ` (skipped: ${missingVideo})` : ''}`, () => {
  test('a finer parameter costs bytes and comes closer', async () => {
    const coded = await Promise.all(
      [10, 45].map((quantizationParameter) =>
        createVideoCoder({ quantizationParameter, range: RANGE }).code(FEATURES),
      ),
    );
    const [fine, coarse] = coded.map(({ bytes, sharedBytes }) => {
      expect(bytes).toHaveLength(FEATURES.length);
      expect(sharedBytes).toBeGreaterThan(0);
      return bytes.reduce((sum, each) => sum + each, 0);
    });
    expect(coarse).toBeLessThan(fine);
    expect(largestError(coded[0].decoded[0], FEATURES[0])).toBeLessThan(0.2);
    expect(largestError(coded[1].decoded[0], FEATURES[0])).toBeGreaterThan(
      largestError(coded[0].decoded[0], FEATURES[0]),
    );
  });
});

test('bytes of a stream belong to its frames or to all', () => {
  const unit = (type: number, ...rest: number[]): number[] => [0, 0, 1, type << 1, 1, ...rest];
  const stream = Uint8Array.from([
    ...[0, ...unit(32, 9, 9), ...unit(33, 9)], // parameter sets
    ...[...unit(39, 5), ...unit(19, 0x80, 1), ...unit(19, 0x00, 2, 3)], // a message and two slices of one picture
    ...[0, ...unit(19, 0x80, 4)],
  ]);
  expect(bytesOfHevcFrames(stream)).toEqual({ frames: [6 + 7 + 8, 8], shared: 8 + 6 });
  expect(bytesOfHevcFrames(new Uint8Array(0))).toEqual({ frames: [], shared: 0 });
});

for (const codec of ['jpeg-xl', 'ffv1'] as const) {
  const missing = await missingPlaneCoder(codec);
  test.skipIf(missing)(`${codec} loses half a level${missing ? ` (skipped: ${missing})` : ''}`, async () => {
    const bytes = await expectWithin(createPlaneCoder({ codec, levelCount: 33, range: RANGE }), 0.1 + 1e-6);
    for (const each of bytes) expect(each).toBeGreaterThan(0);
  });

  test.skipIf(missing)(
    `${codec} gives every plane its bytes${missing ? ` (skipped: ${missing})` : ''}`,
    async () => {
      const random = createRandom(5);
      const flat = new Uint16Array(96).fill(3);
      const noise = Uint16Array.from(flat, () => random.nextInteger(200));
      const coded = await codeIndexPlanes(codec, [flat, noise], [1, 2, 6, 8]);
      const { bytes, decoded, sharedBytes, programs } = coded;
      expect(decoded).toEqual([flat, noise]);
      expect(bytes[1]).toBeGreaterThan(96 / 2);
      expect(bytes[0]).toBeLessThan(bytes[1]);
      // The head of a file of ffmpeg has its signature and the stream's parameters.
      expect(sharedBytes > 100).toBe(codec === 'ffv1');
      expect(Math.min(programs.encodeMs, programs.decodeMs)).toBeGreaterThan(0);
    },
  );
}

test('zstd is measured or its absence is named', () => {
  if (missingCompressor('zstd') === null)
    expect(createPlainCoder({ elements: 'int8', compressor: 'zstd' }).name).toBe('int8 + zstd');
  else expect(() => createPlainCoder({ elements: 'int8', compressor: 'zstd' })).toThrow(/zstd/);
  expect(missingCompressor('gzip')).toBeNull();
});
