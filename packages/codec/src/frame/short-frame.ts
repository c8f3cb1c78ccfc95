/** Bundled frames with little around their tensors (bitstream.md §16.4). */

import { ByteWriter } from '../bitstream/byte-writer.js';
import { crc16 } from '../bitstream/crc16.js';
import { writeShortPreamble } from '../container/preamble.js';

/** What a bundled frame says before its tensors, and where they begin. */
export interface BundledStart {
  readonly point: number;
  readonly sequenceNumber: number;
  readonly tensorsOffset: number;
}

/** Frames above this length stay as they are: the bytes saved are less than a hundredth, and the checksum is worth them. */
const LONGEST_SHORTENED_BYTES = 512;

/** Values that the sequence number of a short frame has. */
export const SHORT_SEQUENCE_COUNT = 256;

/**
 * A bundled frame without options as a short one.
 * @param written - the frame without its checksum; not modified
 * @returns the short frame, or undefined if it is not worth the weaker checksum
 */
export function shortFrame(
  written: Uint8Array,
  { point, sequenceNumber, tensorsOffset }: BundledStart,
): Uint8Array | undefined {
  if (written.length > LONGEST_SHORTENED_BYTES) return undefined;
  const writer = new ByteWriter();
  writeShortPreamble(writer);
  writer.writeVarint(point);
  writer.writeUint8(sequenceNumber % SHORT_SEQUENCE_COUNT);
  writer.writeBytes(written.subarray(tensorsOffset));
  writer.writeUint16(crc16(writer.peek()));
  return writer.finish();
}
