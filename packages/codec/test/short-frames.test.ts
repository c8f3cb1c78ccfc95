import { createRandom } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { crc16 } from '../src/bitstream/crc16.js';
import {
  type Backend,
  BitstreamError,
  type BundledOptions,
  type CodingProfile,
  createCodingProfile,
  decodeFrame,
  designTensorProfile,
  encodeBundledFrame,
  inspectFrame,
  isBundledFrame,
  loadBackend,
  loadWasmBackend,
  readProfile,
  referenceBackend,
  writeProfile,
} from '../src/index.js';
import { drawFeature } from './features.js';

const POINT = 3;

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadBackend('javascript'), await loadWasmBackend()];
});

function profilesOf(count: number): { short: CodingProfile; long: CodingProfile } {
  const quantizer = { kind: 'uniform', levelCount: 4, range: { kind: 'minmax' } } as const;
  const tensor = designTensorProfile([drawFeature('relu', count, 1)], {
    quantizer,
    backend: referenceBackend,
  });
  return { short: createCodingProfile([tensor]), long: { tensors: [tensor] } };
}

function encode(count: number, profile: CodingProfile, more: Partial<BundledOptions> = {}): Uint8Array {
  const place = { point: POINT, sequenceNumber: 1000 };
  const options = { profile, ...place, backend: referenceBackend, ...more };
  return encodeBundledFrame([drawFeature('relu', count, 2)], options);
}

const decoding = (profile: CodingProfile, backend = referenceBackend) => ({
  backend,
  profiles: new Map([[POINT, profile]]),
});

test('CRC-16 has its check value', () => {
  expect(crc16(new TextEncoder().encode('123456789'))).toBe(0x906e);
  expect(crc16(new Uint8Array(0))).toBe(0);
});

describe('short frames', () => {
  test('hold the same tensor in seven bytes less, on all backends', () => {
    const { short, long } = profilesOf(60);
    const frames = backends.map((backend) => encode(60, short, { backend }));
    for (const frame of frames) expect(frame).toEqual(frames[0]);
    const plain = encode(60, long);
    // Mark for magic, version and type; a byte of the sequence number; two of the checksum.
    expect(frames[0].length).toBe(plain.length - 7);
    expect(isBundledFrame(frames[0])).toBe(true);
    for (const backend of backends)
      expect(decodeFrame(frames[0], decoding(short, backend))).toEqual(decodeFrame(plain, decoding(long)));
  });

  test('say what they are, field by field', () => {
    const { short } = profilesOf(60);
    const frame = encode(60, short);
    const { bundled, fields, byteLength } = inspectFrame(frame, decoding(short));
    expect(bundled).toEqual({ point: POINT, sequenceNumber: 1000 % 256 });
    expect(fields.reduce((sum, field) => sum + field.byteLength, 0)).toBe(byteLength);
    expect(fields.slice(0, 3).map(({ field }) => field)).toEqual([
      'form',
      'operating point',
      'sequence number',
    ]);
    expect(fields.at(-1)).toMatchObject({ field: 'CRC-16', byteLength: 2 });
  });

  test('give way to others where options are asked for or the frame is not small', () => {
    const { short, long } = profilesOf(30_000);
    for (const more of [{ digest: true }, {}]) {
      const frame = encode(30_000, short, more);
      expect(frame).toEqual(encode(30_000, long, more));
      expect(decodeFrame(frame, decoding(short))).toEqual(decodeFrame(frame, decoding(long)));
    }
    const small = profilesOf(60);
    expect(encode(60, small.short, { digest: true })).toEqual(encode(60, small.long, { digest: true }));
  });

  test('are refused where the profile does not allow them, and beyond their length', () => {
    const { short, long } = profilesOf(60);
    const frame = encode(60, short);
    expect(() => decodeFrame(frame, decoding(long))).toThrow(
      expect.objectContaining({
        code: 'invalid-field',
        message: expect.stringContaining('has no short frames'),
      }),
    );
    const long4096 = new Uint8Array(4096);
    long4096.set(frame);
    expect(() => decodeFrame(long4096, decoding(short))).toThrow(/4096 bytes are more/);
    expect(() => decodeFrame(long4096.subarray(0, 4095), decoding(short))).toThrow(BitstreamError);
  });

  test('every change of up to three bits, every burst of two bytes and every truncation is found', () => {
    const { short } = profilesOf(60);
    const frame = encode(60, short);
    const random = createRandom(5);
    const damage: Uint8Array[] = [];
    for (let round = 0; round < 3000; round++) {
      const flipped = frame.slice();
      const bits = new Set(
        Array.from({ length: 1 + random.nextInteger(3) }, () => random.nextInteger(8 * frame.length)),
      );
      for (const bit of bits) flipped[bit >>> 3] ^= 1 << (bit & 7);
      const burst = frame.slice();
      const at = random.nextInteger(frame.length - 1);
      burst[at] ^= 1 + random.nextInteger(255);
      burst[at + 1] ^= random.nextInteger(256);
      damage.push(flipped, burst);
    }
    for (let length = 0; length < frame.length; length++) damage.push(frame.subarray(0, length));
    for (const bytes of damage) expect(() => decodeFrame(bytes, decoding(short))).toThrow(BitstreamError);
  });
});

describe('profiles of short frames', () => {
  test('survive their bytes, and those without are of version 1', () => {
    const { short, long } = profilesOf(60);
    expect(readProfile(writeProfile(short))).toEqual(short);
    expect([...writeProfile(short).subarray(0, 5)]).toEqual([0xf5, 0x46, 0x50, 2, 1]);
    expect(writeProfile(long)[3]).toBe(1);
    expect(readProfile(writeProfile(long))).toEqual(long);
  });

  test('other options and versions are refused', () => {
    const bytes = writeProfile(profilesOf(60).short);
    const patched = (offset: number, value: number): Uint8Array => bytes.with(offset, value);
    for (const options of [0, 2, 3, 255])
      expect(() => readProfile(patched(4, options))).toThrow(
        expect.objectContaining({ code: 'reserved-bits' }),
      );
    for (const version of [0, 3])
      expect(() => readProfile(patched(3, version))).toThrow(
        expect.objectContaining({ code: 'unsupported-version' }),
      );
  });
});
