/**
 * Lengths as unsigned LEB128: seven bits a byte, lowest first, the top bit set on all but the last byte
 * (docs/protocol.md §2). Only the shortest form of a number is a length, so a message has one form.
 */

import { ProtocolError } from './protocol-error.js';

/** Largest number that is written: 2^32 - 1, five bytes. */
export const MAX_VARINT = 2 ** 32 - 1;
const MAX_VARINT_BYTES = 5;

/** Bytes that a number takes, 1 … 5. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/**
 * Writes a number at `offset`.
 * @param value - an integer in [0, 2^32)
 * @returns the offset after it
 */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value;
  let end = offset;
  while (rest >= 0x80) {
    target[end++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[end++] = rest;
  return end;
}

/**
 * Reads the number at `offset`.
 * @returns the number and the offset after it
 * @throws {ProtocolError} `truncated`, or `bad-length` if it is over 2^32 - 1 or not in its shortest form
 */
export function readVarint(source: Uint8Array, offset: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    if (offset + i >= source.length) throw new ProtocolError('truncated', offset, 'a length ends too early');
    const byte = source[offset + i];
    value += (byte & 0x7f) * 0x80 ** i;
    if (byte >= 0x80) continue;
    if (i > 0 && byte === 0) {
      throw new ProtocolError('bad-length', offset, 'length expected in its shortest form');
    }
    if (value > MAX_VARINT) break;
    return { value, end: offset + i + 1 };
  }
  throw new ProtocolError('bad-length', offset, `length expected at most ${MAX_VARINT}`);
}
