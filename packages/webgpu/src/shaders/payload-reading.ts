/** Reading of payloads, for kernels that decode. Reads outside of a payload are not made: who reads knows its end. */

/** Declares the frame's bytes as binding 4 and `wordAt`. */
export const PAYLOAD_READING = `
@group(0) @binding(4) var<storage, read> bytes: array<u32>;

// 16 bits that begin at any byte.
fn wordAt(position: u32) -> u32 {
  let shift = (position & 3u) * 8u;
  var word = bytes[position >> 2u] >> shift;
  if (shift > 16u) { word |= bytes[(position >> 2u) + 1u] << (32u - shift); }
  return word & 0xffffu;
}
`;
