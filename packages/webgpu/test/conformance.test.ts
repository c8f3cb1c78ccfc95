/** Frames and features of the GPU against the reference: the same bytes and the same bits. */

import {
  type CodingProfile,
  decodeFrame,
  designTable,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  referenceBackend,
} from '@featherwire/codec';
import { designPackedTable } from '@featherwire/codec/parts';
import { createRandom, type TensorOf } from '@featherwire/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createGpuCodec,
  type GpuCodec,
  type GpuDivision,
  type GpuQuantizerChoice,
  type SymbolKind,
} from '../src/index.js';
import { type Expectations, expectationsOf, POINT } from './expectations.js';
import { download, float32, openTestDevice, upload } from './test-device.js';

const opened = await openTestDevice('frames of the GPU against the reference');
const backend = referenceBackend;

const random = createRandom(11);
const rectified = float32([6, 9, 7], () => Math.max(0, random.nextNormal()));
const signed = float32([4, 40, 5], () => random.nextNormal());
const fixed = (low: number, high: number): { kind: 'fixed'; low: number; high: number } => ({
  kind: 'fixed',
  low,
  high,
});
const uniform = (levelCount: number, low = 0, high = 2): GpuQuantizerChoice => ({
  kind: 'uniform',
  levelCount,
  range: fixed(low, high),
});
const grouped: GpuQuantizerChoice = {
  kind: 'grouped',
  levelCount: 9,
  axis: 1,
  groupCount: 40,
  range: {
    kind: 'fixed',
    limits: Array.from({ length: 40 }, (_, i) => ({ low: -1 - i / 9, high: 2 + i / 7 })),
  },
};

function profileOf(
  feature: TensorOf<'float32'>,
  quantizer: GpuQuantizerChoice,
  coder: SymbolKind,
): CodingProfile {
  return { tensors: [designTensorProfile([feature], { quantizer, coder, backend })] };
}

describe.skipIf(!opened)('the codec on a GPU', () => {
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

  test.each<[string, TensorOf<'float32'>, GpuQuantizerChoice, SymbolKind, GpuDivision]>([
    ['packed symbols of 2 levels', rectified, uniform(2), 'rans-packed', { laneCount: 32, chunkCount: 3 }],
    ['packed symbols of 3 levels', rectified, uniform(3), 'rans-packed', { laneCount: 4, chunkCount: 2 }],
    [
      'packed symbols of 16 levels',
      signed,
      uniform(16, -2, 2),
      'rans-packed',
      { laneCount: 16, chunkCount: 4 },
    ],
    ['indices of 256 levels', signed, uniform(256, -3, 3), 'rans', { laneCount: 32, chunkCount: 4 }],
    ['indices of 5 levels in one lane', rectified, uniform(5), 'rans', { laneCount: 1, chunkCount: 1 }],
    ['more chunks than planes', rectified, uniform(7), 'rans', { laneCount: 2, chunkCount: 99 }],
    ['a zero point', signed, { kind: 'asymmetric', bits: 5, range: fixed(-2, 3) }, 'rans', { laneCount: 8 }],
    ['groups of channels', signed, grouped, 'rans', { laneCount: 32, chunkCount: 3 }],
    ['packed symbols of groups', signed, grouped, 'rans-packed', { laneCount: 8, chunkCount: 4 }],
    ['one element', float32([], () => 0.7), uniform(4), 'rans', { laneCount: 32 }],
  ])('codes %s under a profile', async (_, feature, quantizer, coder, division) => {
    await expectations.expectBundled(feature, profileOf(feature, quantizer, coder), division);
  });

  test('codes listed levels by their thresholds', async () => {
    const quantizer: GpuQuantizerChoice = {
      kind: 'levels',
      levels: [-1, -0.25, 0, 1e-40, 2],
      thresholds: [-0.5, 0, 1e-45, 0.5],
    };
    const values = [-0, 0, 1e-45, -1e-45, 2e-45, 0.5, 0.49999997, -0.5, -0.50000006, Infinity, -Infinity];
    const feature = float32([3, 11], (i) => values[i % values.length]);
    await expectations.expectBundled(feature, profileOf(feature, quantizer, 'rans'), {
      laneCount: 4,
      chunkCount: 2,
    });
  });

  test('decides as the reference on both sides of every threshold', async () => {
    for (const [levelCount, low, high] of [
      [256, -1.7, 3.1],
      [7, 0, 3e-38],
      [16, -4e38 / 8, 4e38 / 8],
    ]) {
      const quantizer = uniform(levelCount, low, high);
      const width = (high - low) / (levelCount - 1);
      const near = Float32Array.from({ length: levelCount }, (_, i) => low + (i + 0.5) * width);
      const bits = new Uint32Array(near.buffer);
      const around = float32([levelCount, 9], () => 0);
      const aroundBits = new Uint32Array(around.data.buffer);
      for (let i = 0; i < aroundBits.length; i++) {
        aroundBits[i] = bits[Math.floor(i / 9)] + (i % 9) - 4;
        // Below the bits of 0 are those of NaN.
        if (Number.isNaN(around.data[i])) around.data[i] = -0;
      }
      await expectations.expectBundled(around, profileOf(around, quantizer, 'rans'), {
        laneCount: 32,
        chunkCount: 2,
      });
    }
  });

  test('designs tables for chunks of a self-contained frame', async () => {
    await expectations.expectOwn(rectified, {
      quantizer: uniform(4),
      coder: 'rans-packed',
      laneCount: 8,
      chunkCount: 3,
    });
    await expectations.expectOwn(signed, {
      quantizer: uniform(15, -2, 2),
      coder: 'rans-packed',
      laneCount: 32,
      chunkCount: 1,
    });
  });

  test('codes self-contained frames under given tables', async () => {
    const counts = Uint32Array.from({ length: 20 }, (_, i) => 1 + i);
    const table = designTable(counts, 0, { coverAll: true }).description;
    await expectations.expectOwn(rectified, {
      quantizer: uniform(20),
      coder: 'rans',
      table,
      laneCount: 4,
      chunkCount: 2,
    });
    const packed = designPackedTable(new Uint32Array(256).fill(3), { size: 256, peak: 0 });
    await expectations.expectOwn(rectified, {
      quantizer: uniform(2),
      coder: 'rans-packed',
      table: packed,
      laneCount: 8,
      chunkCount: 4,
    });
  });

  test('decodes frames of any division that the CPU chooses', async () => {
    for (const quantizer of [uniform(4), uniform(40)]) {
      const profile = profileOf(signed, quantizer, 'rans');
      const profiles = new Map([[POINT, profile]]);
      const settings = { profile, point: POINT, sequenceNumber: 0, backend };
      await expectations.expectDecoded(encodeBundledFrame([signed], settings), profiles);
      await expectations.expectDecoded(
        encodeFrame(signed, { quantizer, coder: 'rans', laneCount: 2, backend }),
      );
    }
  });

  test('reads a frame back in two parts if it is much larger than the one before', async () => {
    const noise = float32([64, 32, 8], () => random.nextUniform() * 2);
    const profile = profileOf(noise, uniform(256), 'rans');
    await expectations.expectBundled(
      float32([64, 32, 8], () => 0),
      profile,
      { laneCount: 4, chunkCount: 8 },
    );
    await expectations.expectBundled(noise, profile, { laneCount: 4, chunkCount: 8 });
  });

  test('codes several features at the same time', async () => {
    const profile = profileOf(signed, uniform(9, -2, 2), 'rans-packed');
    const features = Array.from({ length: 4 }, () => float32(signed.shape, () => random.nextNormal()));
    await Promise.all(
      features.map((feature) =>
        expectations.expectBundled(feature, profile, { laneCount: 8, chunkCount: 2 }),
      ),
    );
  });

  test('decodes a frame that begins at any byte of its memory', async () => {
    const profile = profileOf(signed, uniform(9, -2, 2), 'rans');
    const frame = encodeBundledFrame([signed], { profile, point: POINT, sequenceNumber: 1, backend });
    const memory = new Uint8Array(frame.length + 8);
    for (const offset of [1, 2, 3]) {
      memory.set(frame, offset);
      await expectations.expectDecoded(
        memory.subarray(offset, offset + frame.length),
        new Map([[POINT, profile]]),
      );
    }
  });

  test('makes short frames where the profile has them', async () => {
    const small = float32([2, 3, 4], (i) => i / 20);
    const profile = { ...profileOf(small, uniform(4), 'rans'), shortFrames: true };
    for (const division of [
      { laneCount: 2, chunkCount: 1 },
      { laneCount: 2, chunkCount: 2 },
    ])
      await expectations.expectBundled(small, profile, division);
    const target = new Uint8Array(64);
    const input = upload(device, small);
    const settings = { profile, point: POINT, sequenceNumber: 300, laneCount: 2, chunkCount: 1 };
    const frame = await codec.encodeBundledFrame(input, { ...settings, target });
    input.buffer.destroy();
    expect(frame.buffer).toBe(target.buffer);
    expect(frame).toEqual(encodeBundledFrame([small], { ...settings, backend }));
  });

  test('decodes into a buffer of the caller', async () => {
    const profile = profileOf(rectified, uniform(4), 'rans-packed');
    const settings = { profile, point: POINT, sequenceNumber: 1, chunkCount: 2, laneCount: 8 };
    const frame = encodeBundledFrame([rectified], { ...settings, backend });
    const target = upload(
      device,
      float32([rectified.data.length + 5], () => -7),
    );
    const profiles = new Map([[POINT, profile]]);
    const decoded = await codec.decodeFrame(frame, { profiles, target: target.buffer });
    expect(decoded.buffer).toBe(target.buffer);
    const elements = await download(device, target);
    const expected = decodeFrame(frame, { profiles, backend });
    expect(elements.subarray(0, rectified.data.length)).toEqual(expected.data);
    expect([...elements.subarray(rectified.data.length)]).toEqual([-7, -7, -7, -7, -7]);
    target.buffer.destroy();
  });
});
