/** What the codec on a GPU refuses, and how: settings before any work, features, frames, a lost device. */

import {
  type BitstreamError,
  type CodingProfile,
  decodeFrame,
  designTable,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  referenceBackend,
} from '@featherwire/codec';
import { createRandom } from '@featherwire/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createGpuCodec,
  type GpuCodec,
  type GpuError,
  type GpuFeature,
  type GpuQuantizerChoice,
  UnsupportedError,
} from '../src/index.js';
import { download, float32, openTestDevice, upload } from './test-device.js';

const opened = await openTestDevice('what the codec on a GPU refuses');
const backend = referenceBackend;
const random = createRandom(12);
const feature = float32([3, 8, 8], () => random.nextNormal());
const quantizer: GpuQuantizerChoice = {
  kind: 'uniform',
  levelCount: 6,
  range: { kind: 'fixed', low: -2, high: 2 },
};
const profile: CodingProfile = {
  tensors: [designTensorProfile([feature], { quantizer, coder: 'rans', backend })],
};
const contextProfile: CodingProfile = {
  tensors: [designTensorProfile([feature], { quantizer, coder: 'rans-contexts', backend })],
};
const place = { profile, point: 1, sequenceNumber: 2 };
const profiles = new Map([[1, profile]]);

describe.skipIf(!opened)('the codec on a GPU refuses', () => {
  let device: GPUDevice;
  let codec: GpuCodec;
  let input: GpuFeature;
  beforeAll(() => {
    device = opened!.device;
    codec = createGpuCodec(device);
    input = upload(device, feature);
  });
  afterAll(() => {
    codec.close();
    opened!.close();
  });

  test('NaN, with the words of the reference', async () => {
    const data = feature.data.slice();
    data[100] = data[150] = data[20] = Number.NaN;
    const broken = upload(device, { ...feature, data });
    const expected = () => encodeBundledFrame([{ ...feature, data }], { ...place, backend });
    expect(expected).toThrow('NaN in 3 of 192 elements, the first at 20');
    const packed = { quantizer, coder: 'rans-packed' } as const;
    for (const encode of [
      () => codec.encodeBundledFrame(broken, place),
      () => codec.encodeBundledFrame(broken, { ...place, profile: contextProfile }),
      () => codec.encodeFrame(broken, packed),
    ])
      await expect(encode()).rejects.toThrow(new RangeError(errorOf(expected)?.message));
    broken.buffer.destroy();
  });

  test('a symbol that the table lacks', async () => {
    const table = designTable(Uint32Array.of(0, 0, 900, 900, 0, 0), 2).description;
    const settings = { quantizer, coder: 'rans', table, laneCount: 4 } as const;
    expect(() => encodeFrame(feature, { ...settings, backend })).toThrow(RangeError);
    await expect(codec.encodeFrame(input, settings)).rejects.toThrow(/frequency for symbol 5, got none/);
  });

  test('fine contexts, in both directions', async () => {
    const options = { quantizer, coder: 'rans-contexts', contextPreference: 'least', backend } as const;
    const fine: CodingProfile = { tensors: [designTensorProfile([feature], options)] };
    await expect(codec.encodeBundledFrame(input, { ...place, profile: fine })).rejects.toThrow(
      UnsupportedError,
    );
    const frame = encodeBundledFrame([feature], { ...place, profile: fine, backend });
    const decoding = codec.decodeFrame(frame, { profiles: new Map([[1, fine]]) });
    await expect(decoding).rejects.toThrow(UnsupportedError);
  });

  test('settings that are not for a GPU', async () => {
    const none = designTensorProfile([feature], { quantizer, coder: 'none', backend });
    const half = designTensorProfile([{ dtype: 'uint8', shape: [8], data: new Uint8Array(8) }], {
      quantizer,
      backend,
    });
    for (const tensors of [[none], [half], [...profile.tensors, ...profile.tensors]]) {
      const settings = { ...place, profile: { tensors } };
      await expect(codec.encodeBundledFrame(input, settings)).rejects.toThrow(UnsupportedError);
    }
    const wide: GpuQuantizerChoice = {
      kind: 'uniform',
      levelCount: 300,
      range: { kind: 'fixed', low: 0, high: 1 },
    };
    const measured: GpuQuantizerChoice = { kind: 'uniform', levelCount: 4, range: { kind: 'minmax' } };
    for (const choice of [wide, measured, { kind: 'blocks', blockSize: 2 } as unknown as GpuQuantizerChoice])
      await expect(codec.encodeFrame(input, { quantizer: choice, coder: 'rans-packed' })).rejects.toThrow(
        UnsupportedError,
      );
    for (const coder of ['rans', 'rans-contexts'] as const)
      await expect(codec.encodeFrame(input, { quantizer, coder })).rejects.toThrow(UnsupportedError);
  });

  test('settings out of range', async () => {
    await expect(codec.encodeBundledFrame(input, { ...place, laneCount: 3 })).rejects.toThrow(RangeError);
    await expect(codec.encodeBundledFrame(input, { ...place, laneCount: 64 })).rejects.toThrow(RangeError);
    await expect(codec.encodeBundledFrame(input, { ...place, chunkCount: 0 })).rejects.toThrow(RangeError);
    await expect(codec.encodeBundledFrame(input, { ...place, point: -1 })).rejects.toThrow(RangeError);
    const many: GpuQuantizerChoice = { ...quantizer, levelCount: 17 };
    await expect(codec.encodeFrame(input, { quantizer: many, coder: 'rans-packed' })).rejects.toThrow(
      RangeError,
    );
    const table = { kind: 'flat', precisionBits: 16 } as const;
    await expect(codec.encodeFrame(input, { quantizer, coder: 'rans', table })).rejects.toThrow(RangeError);
    const empty = { shape: [0, 3], buffer: input.buffer };
    await expect(codec.encodeFrame(empty, { quantizer, coder: 'rans-packed' })).rejects.toThrow(RangeError);
  });

  test('buffers that do not hold the feature', async () => {
    const large = { shape: [3, 8, 9], buffer: input.buffer };
    await expect(codec.encodeBundledFrame(large, place)).rejects.toThrow(RangeError);
    const reshaped = { shape: [3, 64], buffer: input.buffer };
    await expect(codec.encodeBundledFrame(reshaped, place)).rejects.toThrow(RangeError);
    const copy = device.createBuffer({ size: 4096, usage: 8 });
    await expect(codec.encodeBundledFrame({ shape: [3, 8, 8], buffer: copy }, place)).rejects.toThrow(
      TypeError,
    );
    const frame = encodeBundledFrame([feature], { ...place, backend });
    await expect(codec.decodeFrame(frame, { profiles, target: copy })).rejects.toThrow(TypeError);
    copy.destroy();
  });

  test('frames that the reference decodes and the kernels do not know', async () => {
    const frames = [
      encodeFrame(feature, { quantizer, coder: 'binary', backend }),
      encodeFrame(feature, { quantizer: { kind: 'lossless' }, backend }),
      encodeFrame(feature, { quantizer, layout: 'significance', backend }),
      encodeFrame(
        { dtype: 'uint8', shape: [9], data: new Uint8Array(9) },
        { quantizer, coder: 'rans', laneCount: 1, backend },
      ),
    ];
    for (const frame of frames) {
      await expect(codec.decodeFrame(frame)).rejects.toThrow(UnsupportedError);
      frame[frame.length - 1] ^= 1;
      await expect(codec.decodeFrame(frame)).rejects.toMatchObject({ code: 'checksum-mismatch' });
    }
  });

  test('every flipped bit behind a right checksum, as the reference does', async () => {
    const small = float32([2, 4, 4], () => random.nextNormal());
    const { tensors } = profile;
    const tensor = { ...tensors[0], shape: [2, 4, 4] };
    const known = new Map([[1, { tensors: [tensor] }]]);
    const settings = {
      profile: { tensors: [tensor] },
      point: 1,
      sequenceNumber: 0,
      chunkCount: 2,
      laneCount: 2,
    };
    const frame = encodeBundledFrame([small], { ...settings, backend });
    const codes = new Set<string>();
    for (let bit = 32; bit < (frame.length - 4) * 8; bit += 3) {
      const flipped = frame.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      const end = flipped.length - 4;
      new DataView(flipped.buffer).setUint32(end, backend.crc32(flipped.subarray(0, end)), true);
      const expected = errorOf(() => decodeFrame(flipped, { profiles: known, backend }));
      const got = await codec.decodeFrame(flipped, { profiles: known }).then(
        ({ buffer }) => {
          buffer.destroy();
          return null;
        },
        (error: Error) => error,
      );
      if (got instanceof UnsupportedError && !isBeforePayload(expected)) continue;
      expect(got?.message, `bit ${bit}`).toBe(expected?.message);
      if (expected) codes.add((expected as BitstreamError).code);
    }
    expect(codes).toContain('payload-mismatch');
    expect(codes).toContain('truncated');
  });

  test('lanes so long that they could cost the device', async () => {
    const certain = designTable(Uint32Array.of(1e6, 0), 0).description;
    const constant: GpuQuantizerChoice = {
      kind: 'uniform',
      levelCount: 2,
      range: { kind: 'fixed', low: 0, high: 1 },
    };
    const long = float32([2 ** 18], () => 0);
    const settings = {
      quantizer: constant,
      coder: 'rans',
      table: certain,
      laneCount: 1,
      chunkCount: 1,
    } as const;
    const frame = encodeFrame(long, { ...settings, backend });
    expect(frame.length).toBeLessThan(64);
    await expect(codec.decodeFrame(frame)).rejects.toThrow(/at most 131072 symbols in a lane/);
    const buffer = upload(device, long);
    await expect(codec.encodeFrame(buffer, settings)).rejects.toThrow(UnsupportedError);
    const divided = { ...settings, laneCount: 2 };
    expect(await codec.encodeFrame(buffer, divided)).toEqual(encodeFrame(long, { ...divided, backend }));
    buffer.buffer.destroy();
  });

  test('frames whose rows take much more than the elements that are allowed', async () => {
    const groupCount = 1024;
    const range = {
      kind: 'fixed',
      limits: Array.from({ length: groupCount }, () => ({ low: 0, high: 1 })),
    } as const;
    const groups: GpuQuantizerChoice = { kind: 'grouped', levelCount: 256, axis: 0, groupCount, range };
    const narrow = float32([groupCount], () => 0.5);
    const frame = encodeFrame(narrow, { quantizer: groups, coder: 'rans', laneCount: 1, backend });
    const limits = { maxElements: 2048 };
    await expect(codec.decodeFrame(frame, { limits })).rejects.toThrow(/groups expected rows of at most/);
    const decoded = await codec.decodeFrame(frame);
    expect(await download(device, decoded)).toEqual(decodeFrame(frame, { backend }).data);
    decoded.buffer.destroy();
  });

  test('elements of another digest than the frame says', async () => {
    const settings = { quantizer, coder: 'rans', laneCount: 2, digest: true, backend } as const;
    const frame = encodeFrame(feature, settings);
    const decoded = await codec.decodeFrame(frame);
    expect(await download(device, decoded)).toEqual(decodeFrame(frame, { backend }).data);
    decoded.buffer.destroy();
    const end = frame.length - 4;
    frame[end - 1] ^= 1;
    new DataView(frame.buffer).setUint32(end, backend.crc32(frame.subarray(0, end)), true);
    await expect(codec.decodeFrame(frame)).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  test('memory that does not hold the frame', async () => {
    const frame = encodeBundledFrame([feature], { ...place, laneCount: 8, chunkCount: 2, backend });
    const division = { laneCount: 8, chunkCount: 2 };
    const target = new Uint8Array(frame.length + 3);
    const encoded = await codec.encodeBundledFrame(input, {
      ...place,
      ...division,
      target: target.subarray(3),
    });
    expect(encoded.buffer).toBe(target.buffer);
    expect(target.subarray(3)).toEqual(frame);
    const small = { ...place, ...division, target: target.subarray(4) };
    await expect(codec.encodeBundledFrame(input, small)).rejects.toThrow(/target expected at least/);
  });

  test('frames over the limits', async () => {
    const frame = encodeBundledFrame([feature], { ...place, backend });
    const limits = { maxElements: 191 };
    await expect(codec.decodeFrame(frame, { profiles, limits })).rejects.toMatchObject({
      code: 'limit-exceeded',
    });
  });
});

/** Whether a defect is found before anything is decoded, which the kernels' knowledge cannot change. */
function isBeforePayload(error: Error | null): boolean {
  return error !== null && (error as BitstreamError).code !== 'payload-mismatch';
}

function errorOf(run: () => unknown): Error | null {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  return null;
}

describe.skipIf(!opened)('a lost device', () => {
  test('ends calls under way and later ones in a typed error', async () => {
    const own = await openTestDevice('a lost device');
    const { device } = own!;
    const codec = createGpuCodec(device);
    const input = upload(device, feature);
    await codec.encodeBundledFrame(input, place);
    const frame = encodeBundledFrame([feature], { ...place, backend });
    const pending = [codec.encodeBundledFrame(input, place), codec.decodeFrame(frame, { profiles })];
    device.destroy();
    for (const result of await Promise.allSettled(pending)) {
      if (result.status === 'rejected') expect((result.reason as GpuError).code).toBe('device-lost');
    }
    await expect(codec.encodeBundledFrame(input, place)).rejects.toMatchObject({ code: 'device-lost' });
    await expect(codec.decodeFrame(frame, { profiles })).rejects.toMatchObject({ code: 'device-lost' });
    codec.close();
  });
});
