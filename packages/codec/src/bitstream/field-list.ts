/** Lists of fields of equal width, as groups of channels and marks of planes are written: padded to whole bytes. */

import { BitReader, BitWriter } from './bits.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';

/** Bits that hold the integers below `bound`. @param bound - 1 to 2^32 */
export function fieldBits(bound: number): number {
  return 32 - Math.clz32(bound - 1);
}

/** Writes a list. @param bound - above all fields, 2 to 65,536 */
export function writeFieldList(writer: ByteWriter, fields: Iterable<number>, bound: number): void {
  const bits = new BitWriter();
  for (const field of fields) bits.writeBits(field, fieldBits(bound));
  writer.writeBytes(bits.finish());
}

/**
 * Reads `count` fields.
 * @param name - of one field, in errors
 * @throws {BitstreamError} `invalid-field` for a field of `bound` or more, `reserved-bits` for padding that is not zero
 */
export function readFieldList(reader: ByteReader, count: number, bound: number, name: string): Uint16Array {
  const start = reader.offset;
  const width = fieldBits(bound);
  const bits = new BitReader(reader.readBytes(Math.ceil((count * width) / 8)));
  const fields = Uint16Array.from({ length: count }, () => bits.readBits(width));
  const wrong = fields.findIndex((field) => field >= bound);
  if (wrong >= 0)
    throw reader.error('invalid-field', `${name} ${fields[wrong]} at ${wrong} is over ${bound - 1}`, start);
  if (!bits.paddingIsZero) throw reader.error('reserved-bits', `padding of the ${name}s is not zero`, start);
  return fields;
}
