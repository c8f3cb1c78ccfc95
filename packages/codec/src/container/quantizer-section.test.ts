import { describe, expect, test } from 'vitest';
import { referenceBackend } from '../backend/reference.js';
import { ByteWriter } from '../bitstream/byte-writer.js';
import { crc32 } from '../bitstream/crc32.js';
import { BitstreamError } from '../errors.js';
import { decodeFrame } from '../frame/frame-decoder.js';

/** A preamble, what is written, and a right checksum. */
function handmade(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  for (const byte of [0xf5, 0x46, 0x57, 1]) writer.writeUint8(byte);
  write(writer);
  writer.writeUint32(crc32(writer.peek()));
  return writer.finish();
}

function expectCode(frame: Uint8Array, code: BitstreamError['code']): void {
  expect(() => decodeFrame(frame, { backend: referenceBackend })).toThrow(BitstreamError);
  expect(() => decodeFrame(frame, { backend: referenceBackend })).toThrow(
    expect.objectContaining({ code, section: 'quantizer' }),
  );
}

describe('defects of listed levels', () => {
  test.each<[string, BitstreamError['code'], (writer: ByteWriter) => void]>([
    ['one level', 'invalid-field', (writer) => writer.writeVarint(1)],
    ['257 levels', 'invalid-field', (writer) => writer.writeVarint(257)],
    ['levels that end early', 'truncated', (writer) => writer.writeVarint(200)],
    ...(
      [
        ['falling levels', [1, 0]],
        ['equal levels', [1, 1]],
        ['both zeros', [-0, 0]],
        ['an infinite level', [0, Number.POSITIVE_INFINITY]],
        ['a level that is no number', [Number.NaN, 1]],
      ] as const
    ).map(([name, levels]): [string, BitstreamError['code'], (writer: ByteWriter) => void] => [
      name,
      'invalid-field',
      (writer) => {
        writer.writeVarint(levels.length);
        for (const level of levels) writer.writeFloat32(level);
      },
    ]),
  ])('%s', (_, code, write) => {
    const frame = handmade((writer) => {
      for (const byte of [0, 0x51, 3]) writer.writeUint8(byte);
      write(writer);
    });
    expectCode(frame, code);
  });
});

describe('defects of groups of channels', () => {
  test.each<[string, BitstreamError['code'], number[]]>([
    ['an axis over the rank', 'invalid-field', [4, 2, 1, 0, 0x80, 0x3f]],
    ['reserved bits of the axis byte', 'reserved-bits', [4, 0x20, 1, 0, 0x80, 0x3f]],
    ['no group', 'invalid-field', [4, 0, 0, 0, 0x80, 0x3f]],
    ['more groups than channels', 'invalid-field', [4, 0, 7, 0, 0x80, 0x3f]],
    ['groups that are not equal', 'invalid-field', [4, 0, 4, 0, 0x80, 0x3f]],
    ['a list for one group', 'invalid-field', [4, 8, 1, 0, 0x80, 0x3f]],
    ['a listed group over the count', 'invalid-field', [4, 8, 3, 0b1100_0000, 0, 0]],
    ['padding of the list', 'reserved-bits', [4, 8, 3, 0, 0xf0, 0]],
    ['a zero point over the levels', 'invalid-field', [4, 0, 1, 4, 0x80, 0x3f]],
    ['a step of 0', 'invalid-field', [4, 0, 1, 0, 0, 0]],
    ['a negative step', 'invalid-field', [4, 0, 1, 0, 0x80, 0xbf]],
    ['a step that is no number', 'invalid-field', [4, 0, 1, 0, 0xc0, 0x7f]],
    ['an infinite offset', 'invalid-field', [4, 0x10, 1, 0, 0, 0x80, 0x7f, 0x80, 0x3f]],
    ['parameters that end early', 'truncated', [4, 0, 6, 0, 0x80, 0x3f]],
  ])('%s', (_, code, bytes) => {
    // float32 [6, 2], quantizer 6
    const frame = handmade((writer) => writer.writeBytes(Uint8Array.of(0, 0x62, 6, 2, ...bytes)));
    expectCode(frame, code);
  });
});
