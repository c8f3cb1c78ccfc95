/**
 * CRC-32 of a buffer's front (bitstream.md §3.4). The checksum is linear once its initial value is taken into the first
 * bytes: every invocation finds the remainder of a segment, multiplies it by the power of x that the bytes after the
 * segment stand for, and adds it to the others.
 */

import { REPORT_CONSTANTS } from './report.js';

const POLYNOMIAL = 0xedb88320;
/** Powers of two bytes that a length of 32 bits may have. */
const POWER_COUNT = 32;
const GROUP = 64;
const SEGMENT_WORDS = 64;
/** Bytes that a workgroup takes. */
export const CHECKSUM_GROUP_BYTES = GROUP * SEGMENT_WORDS * 4;

/** Product of two polynomials modulo that of the checksum; bit 31 is x^0. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= factor;
    factor = (factor >>> 1) ^ (factor & 1 ? POLYNOMIAL : 0);
  }
  return product >>> 0;
}

/** x^(8 · 2^k) for k = 0, 1, …: what 2^k bytes after a segment multiply it by. */
function powersOfBytes(): number[] {
  const powers = [1 << 23];
  while (powers.length < POWER_COUNT) powers.push(multiply(powers.at(-1)!, powers.at(-1)!));
  return powers;
}

/** The text: reads the length in bytes from the report and adds the checksum to it, before its final exclusive-or. */
export function checksumShader(): string {
  return `${REPORT_CONSTANTS}
@group(0) @binding(0) var<storage, read> bytes: array<u32>;
@group(0) @binding(1) var<storage, read_write> report: array<atomic<u32>>;

const POLYNOMIAL = ${POLYNOMIAL}u;
const SEGMENT_WORDS = ${SEGMENT_WORDS}u;
const POWERS = array<u32, ${POWER_COUNT}>(${powersOfBytes()
    .map((power) => `${power >>> 0}u`)
    .join(', ')});

// Remainders of all bytes.
var<workgroup> remainders: array<u32, 256>;
var<workgroup> sum: atomic<u32>;

fn divided(remainder: u32) -> u32 {
  return (remainder >> 1u) ^ (POLYNOMIAL * (remainder & 1u));
}

fn multiply(a: u32, b: u32) -> u32 {
  var product = 0u;
  var factor = b;
  for (var bit = 0x80000000u; bit != 0u; bit >>= 1u) {
    if ((a & bit) != 0u) { product ^= factor; }
    factor = divided(factor);
  }
  return product;
}

fn addByte(crc: u32, byte: u32) -> u32 {
  return (crc >> 8u) ^ remainders[(crc ^ byte) & 0xffu];
}

@compute @workgroup_size(${GROUP})
fn addChecksum(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  for (var byte = thread; byte < 256u; byte += ${GROUP}u) {
    var remainder = byte;
    for (var bit = 0u; bit < 8u; bit++) { remainder = divided(remainder); }
    remainders[byte] = remainder;
  }
  workgroupBarrier();
  let length = atomicLoad(&report[REPORT_byteCount]);
  let first = id.x * SEGMENT_WORDS * 4u;
  if (first < length) {
    let end = min(length, first + SEGMENT_WORDS * 4u);
    var crc = 0u;
    for (var position = first; position < end; position += 4u) {
      var word = bytes[position >> 2u];
      // The initial value.
      if (position == 0u) { word = ~word; }
      for (var byte = position; byte < min(end, position + 4u); byte++) {
        crc = addByte(crc, word & 0xffu);
        word >>= 8u;
      }
    }
    var after = length - end;
    for (var power = 0u; after > 0u; power++) {
      if ((after & 1u) == 1u) { crc = multiply(crc, POWERS[power]); }
      after >>= 1u;
    }
    atomicXor(&sum, crc);
  }
  workgroupBarrier();
  if (thread == 0u) { atomicXor(&report[REPORT_checksum], atomicLoad(&sum)); }
}
`;
}
