/** rANS with contexts on a GPU against the reference, with and without ballots of subgroups. */

import {
  type CodingProfile,
  type ContextModel,
  decodeChunk,
  decodeFrame,
  designContextModel,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  referenceBackend,
} from '@featherwire/codec';
import { type CodedChunk, geometryOfShape, parseFrame } from '@featherwire/codec/parts';
import { createRandom, type Shape, type TensorOf } from '@featherwire/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseContextDivision, createGpuCodec, type GpuCodec, UnsupportedError } from '../src/index.js';
import { type Expectations, expectationsOf, POINT } from './expectations.js';
import { float32, openTestDevice, upload } from './test-device.js';

const backend = referenceBackend;
/** A software adapter takes seconds to make a kernel. */
const TIMEOUT_MS = 120_000;
const random = createRandom(21);
const KINDS = [
  {
    by: 'subgroups where they hold the lanes',
    opened: await openTestDevice('rANS with contexts, by subgroups'),
  },
  { by: 'workgroup memory', opened: await openTestDevice('rANS with contexts, by workgroup memory', []) },
];

/** Levels 0, 1, … of rectified maps whose neighbors are alike, some channels busier than others. */
function smooth(shape: Shape, levelCount: number): TensorOf<'float32'> {
  let value = 0;
  return float32(shape, (i) => {
    const isBusy = Math.floor(i / 24) % 3 === 0;
    value += (random.nextNormal() * (isBusy ? 2 : 0.6) - value) / 2;
    return Math.max(0, Math.min(levelCount - 1, value * levelCount));
  });
}

const quantizerOf = (levelCount: number) =>
  ({
    kind: 'uniform',
    levelCount,
    range: { kind: 'fixed', low: 0, high: levelCount - 1 },
  }) as const;

/** A model of a feature's own indices, and the profile of it. */
function profileOf(
  feature: TensorOf<'float32'>,
  levelCount: number,
  settings: Parameters<typeof designContextModel>[2] = {},
): { model: ContextModel; profile: CodingProfile } {
  const quantizer = quantizerOf(levelCount);
  const frame = encodeFrame(feature, { quantizer, coder: 'rans', backend });
  const { indices } = decodeChunk(frame, 0, { backend });
  const indexed = { indices: indices as Uint8Array, geometry: geometryOfShape(feature.shape) };
  const model = designContextModel([indexed], { levelCount, background: 0 }, settings);
  const plain = designTensorProfile([feature], { quantizer, coder: 'none', backend });
  return { model, profile: { tensors: [{ ...plain, coder: { kind: 'rans-contexts', model } }] } };
}

for (const { by, opened } of KINDS)
  describe.skipIf(!opened)(`rANS with contexts on a GPU, by ${by}`, { timeout: TIMEOUT_MS }, () => {
    let device: GPUDevice;
    let codec: GpuCodec;
    let expectations: Expectations;
    beforeAll(() => {
      device = opened!.device;
      codec = createGpuCodec(device);
      expectations = expectationsOf(device, codec);
    });
    afterAll(() => {
      codec.close();
      opened!.close();
    });

    test.each<[string, Shape, number, Parameters<typeof designContextModel>[2]]>([
      ['maps of 2 levels', [40, 9, 7], 2, {}],
      ['maps of 16 levels', [80, 5, 6], 16, { preference: 'size' }],
      ['fewer channels than a group', [3, 12, 11], 4, {}],
      ['more channels than lanes, the last block of a few', [131, 4, 5], 5, {}],
      ['maps of one column', [20, 12, 1], 3, {}],
      ['maps of one element', [70, 1, 1], 3, {}],
      ['several items', [3, 20, 6, 6], 7, { channelCount: 20 }],
      ['tokens in a row', [30, 48], 8, {}],
      ['tokens in a grid', [2, 30, 48], 8, { channelAxis: 'columns', tokenColumns: 6 }],
      ['a single value', [], 4, {}],
    ])('codes %s in any number of lanes', async (_, shape, levelCount, design) => {
      const feature = smooth(shape, levelCount);
      const { profile, model } = profileOf(feature, levelCount, design);
      for (const laneCount of [1, 2, 4, 8, 16, 32, 64])
        await expectations.expectBundled(feature, profile, { laneCount, chunkCount: 1 });
      await expectations.expectBundled(feature, profile, chooseContextDivision(shape, model));
    });

    test('designed classes choose the tables of channels', async () => {
      const busy = float32([64, 16, 16], (i) => (i % (2 * 256) < 256 ? random.nextUniform() * 4 : 0));
      const { profile, model } = profileOf(busy, 4);
      expect(new Set(model.classOfChannel).size).toBeGreaterThan(1);
      for (const laneCount of [8, 64])
        await expectations.expectBundled(busy, profile, { laneCount, chunkCount: 1 });
    });

    test('codes chunks of items and of tokens', async () => {
      const maps = smooth([6, 18, 4, 5], 4);
      const { profile } = profileOf(maps, 4, { channelCount: 18 });
      for (const chunkCount of [2, 3, 6])
        await expectations.expectBundled(maps, profile, { laneCount: 16, chunkCount });
      const tokens = smooth([25, 33], 6);
      await expectations.expectBundled(tokens, profileOf(tokens, 6).profile, { laneCount: 8, chunkCount: 7 });
    });

    test('codes groups of channels, and levels by their thresholds', async () => {
      const feature = smooth([24, 6, 6], 5);
      const limits = Array.from({ length: 24 }, (_, i) => ({ low: 0, high: 1 + i / 8 }));
      const grouped = {
        kind: 'grouped',
        levelCount: 5,
        axis: 0,
        groupCount: 24,
        range: { kind: 'fixed', limits },
      } as const;
      const listed = { kind: 'levels', levels: [-1, 0, 0.5, 3], thresholds: [-0, 1e-45, 2] } as const;
      for (const quantizer of [grouped, listed]) {
        const tensor = designTensorProfile([feature], { quantizer, coder: 'rans-contexts', backend });
        await expectations.expectBundled(feature, { tensors: [tensor] }, { laneCount: 32, chunkCount: 1 });
      }
    });

    test('makes short frames where the profile has them', async () => {
      const feature = smooth([8, 4, 4], 4);
      const { profile } = profileOf(feature, 4);
      await expectations.expectBundled(feature, { ...profile, shortFrames: true }, { laneCount: 2 });
    });

    test('codes self-contained frames with a model', async () => {
      const feature = smooth([2, 20, 7, 5], 6);
      const { model } = profileOf(feature, 6, { channelCount: 20 });
      const settings = { quantizer: quantizerOf(6), coder: 'rans-contexts', contextModel: model } as const;
      await expectations.expectOwn(feature, { ...settings, laneCount: 4, chunkCount: 1 });
      await expectations.expectOwn(feature, { ...settings, laneCount: 32, chunkCount: 2 });
    });

    test('decodes frames whose chunks have coders, models and lanes of their own', async () => {
      const feature = smooth([3, 20, 7, 5], 6);
      const quantizer = quantizerOf(6);
      const encode = (coder: 'rans' | 'rans-contexts', laneCount: number): Uint8Array =>
        encodeFrame(feature, { quantizer, coder, laneCount, chunkCount: 3, backend });
      const frames = [encode('rans-contexts', 8), encode('rans', 4), encode('rans-contexts', 16)];
      const frame = joinChunks(frames);
      expect(() => decodeFrame(frame, { backend })).not.toThrow();
      await expectations.expectDecoded(frame);
    });

    test('refuses a model of another shape, with the words of the reference', async () => {
      const feature = smooth([20, 4, 4], 4);
      const { profile } = profileOf(feature, 4);
      const input = upload(device, feature);
      const settings = { profile, point: POINT, sequenceNumber: 0, chunkCount: 2, laneCount: 4 };
      const message = 'model expected to fit the feature, got a model of 20 channels for 10 planes';
      expect(() => encodeBundledFrame([feature], { ...settings, backend })).toThrow(message);
      await expect(codec.encodeBundledFrame(input, settings)).rejects.toThrow(new RangeError(message));
      const wide = { ...settings, chunkCount: 1, laneCount: 128 };
      await expect(codec.encodeBundledFrame(input, wide)).rejects.toThrow('from 1 to 64, got 128');
      input.buffer.destroy();
    });

    test('refuses lanes so long that they could cost the device', async () => {
      const long = float32([1, 512, 512], () => 0);
      const { profile } = profileOf(long, 2, { channelAxis: 'planes', channelCount: 1 });
      const settings = { profile, point: POINT, sequenceNumber: 0, laneCount: 64, chunkCount: 1 };
      const input = upload(device, long);
      await expect(codec.encodeBundledFrame(input, settings)).rejects.toThrow(UnsupportedError);
      input.buffer.destroy();
      const frame = encodeBundledFrame([long], { ...settings, backend });
      const profiles = new Map([[POINT, profile]]);
      await expect(codec.decodeFrame(frame, { profiles })).rejects.toThrow(
        /at most 131072 symbols in a lane/,
      );
    });

    test('flipped bits behind a right checksum end as by the reference', async () => {
      const feature = smooth([18, 3, 3], 5);
      const { profile } = profileOf(feature, 5);
      const profiles = new Map([[POINT, profile]]);
      const settings = { profile, point: POINT, sequenceNumber: 0, laneCount: 4, chunkCount: 1 };
      const frame = encodeBundledFrame([feature], { ...settings, backend });
      const { byteOffset } = chunksOf(frame, profiles)[0];
      // The high byte of the first state, behind coder and length.
      const highByte = byteOffset + 3;
      const messages = new Set<string>();
      for (let bit = 56; bit < (frame.length - 4) * 8; bit += 3) {
        const flipped = frame.slice();
        flipped[bit >> 3] ^= 1 << (bit & 7);
        if (bit % 8 === 0) flipped[highByte] = 0;
        const end = flipped.length - 4;
        new DataView(flipped.buffer).setUint32(end, backend.crc32(flipped.subarray(0, end)), true);
        const expected = await outcomeOf(async () => decodeFrame(flipped, { profiles, backend }));
        const got = await outcomeOf(async () => {
          const { buffer } = await codec.decodeFrame(flipped, { profiles });
          buffer.destroy();
        });
        expect(got, `bit ${bit}`).toBe(expected);
        messages.add(expected);
      }
      const seen = [...messages].join();
      expect(seen).toContain('payload does not end where its last index does');
      expect(seen).toContain('is out of range');
      expect(seen).toContain('bytes expected');
    });
  });

/** A frame whose chunk k is that of frame k. @param frames - of the same feature and quantizer */
function joinChunks(frames: readonly Uint8Array[]): Uint8Array {
  const parts = frames.map((frame, k) => {
    const starts = chunksOf(frame).map(({ byteOffset }) => byteOffset);
    return frame.subarray(k === 0 ? 0 : starts[k], starts[k + 1] ?? frame.length - 4);
  });
  const joined = Buffer.concat([...parts, new Uint8Array(4)]);
  joined.writeUInt32LE(backend.crc32(joined.subarray(0, -4)), joined.length - 4);
  return Uint8Array.from(joined);
}

function chunksOf(frame: Uint8Array, profiles = new Map<number, CodingProfile>()): readonly CodedChunk[] {
  const { body } = parseFrame(frame, { profiles }, 1).parts[0];
  if (body.kind !== 'indices') throw new Error('frames of indices have chunks');
  return body.chunks;
}

async function outcomeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return 'decoded';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}
