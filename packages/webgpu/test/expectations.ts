/** What frames and features of the GPU are held to: the reference's bytes and bits. */

import {
  type CodingProfile,
  decodeFrame,
  encodeBundledFrame,
  encodeFrame,
  referenceBackend,
} from '@featherwire/codec';
import type { TensorOf } from '@featherwire/tensor';
import { expect } from 'vitest';
import type { GpuCodec, GpuDivision, GpuEncodeOptions } from '../src/index.js';
import { download, upload } from './test-device.js';

const backend = referenceBackend;
/** Operating point of bundled frames. */
export const POINT = 3;

/** Checks by one codec. */
export interface Expectations {
  /** Encodes as the reference does with the same settings, and decodes. */
  expectBundled(feature: TensorOf<'float32'>, profile: CodingProfile, division: GpuDivision): Promise<void>;
  expectOwn(feature: TensorOf<'float32'>, settings: GpuEncodeOptions): Promise<void>;
  /** Decodes as the reference does. */
  expectDecoded(frame: Uint8Array, profiles?: ReadonlyMap<number, CodingProfile>): Promise<void>;
}

/** @param device - that of the codec */
export function expectationsOf(device: GPUDevice, codec: GpuCodec): Expectations {
  const expectDecoded: Expectations['expectDecoded'] = async (frame, profiles = new Map()) => {
    const decoded = await codec.decodeFrame(frame, { profiles });
    const elements = await download(device, decoded);
    decoded.buffer.destroy();
    const expected = decodeFrame(frame, { profiles, backend });
    expect(decoded.shape).toEqual(expected.shape);
    // As integers, so that -0 is not 0.
    expect(new Uint32Array(elements.buffer)).toEqual(new Uint32Array((expected.data as Float32Array).buffer));
  };
  return {
    expectDecoded,
    async expectBundled(feature, profile, division) {
      const settings = { profile, point: POINT, sequenceNumber: 300, ...division };
      const input = upload(device, feature);
      const frame = await codec.encodeBundledFrame(input, settings);
      input.buffer.destroy();
      expect(frame).toEqual(encodeBundledFrame([feature], { ...settings, backend }));
      await expectDecoded(frame, new Map([[POINT, profile]]));
    },
    async expectOwn(feature, settings) {
      const input = upload(device, feature);
      const frame = await codec.encodeFrame(input, settings);
      input.buffer.destroy();
      expect(frame).toEqual(encodeFrame(feature, { ...settings, backend }));
      await expectDecoded(frame);
    },
  };
}
