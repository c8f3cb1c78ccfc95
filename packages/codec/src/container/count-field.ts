/** Counts in the quantizer of a frame. */

import type { ByteReader } from '../bitstream/byte-reader.js';

/** Reads a varint within limits, both included. @throws {BitstreamError} `invalid-field` outside */
export function readCount(reader: ByteReader, field: string, least: number, most: number): number {
  const start = reader.offset;
  const count = reader.readVarint();
  if (count < least || count > most) {
    throw reader.error('invalid-field', `${field} ${count} is not in ${least} … ${most}`, start);
  }
  reader.note(field, count);
  return count;
}
