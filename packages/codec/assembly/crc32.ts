/** CRC-32 of bytes, 16 at a time; bitstream.md §3.4. */

import { REMAINDERS } from './layout';

const POLYNOMIAL: u32 = 0xedb88320;

/** Fills the tables: remainders of every byte, then of every byte with one to 15 zero bytes after it. Call once. */
export function initializeCrc32(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (POLYNOMIAL & (0 - (remainder & 1)));
    store<u32>(REMAINDERS + (<usize>byte << 2), remainder);
  }
  for (let at = REMAINDERS; at < REMAINDERS + 15 * 1024; at += 4) {
    const previous = load<u32>(at);
    store<u32>(at, (previous >>> 8) ^ load<u32>(REMAINDERS + ((<usize>previous & 0xff) << 2)), 1024);
  }
}

/** Remainder of the byte at bit `shift` of a word, with `zeros` bytes after it. */
@inline function remainder(word: u64, shift: u64, zeros: usize): u32 {
  return load<u32>(REMAINDERS + (zeros << 10) + (<usize>((word >> shift) & 0xff) << 2));
}

@inline function remainders(word: u64, zeros: usize): u32 {
  const low = remainder(word, 0, zeros + 7) ^ remainder(word, 8, zeros + 6) ^ remainder(word, 16, zeros + 5) ^ remainder(word, 24, zeros + 4);
  return low ^ remainder(word, 32, zeros + 3) ^ remainder(word, 40, zeros + 2) ^ remainder(word, 48, zeros + 1) ^ remainder(word, 56, zeros);
}

/** CRC-32 of `count` bytes at `source`. @param previous - CRC-32 of the bytes before them */
export function crc32(source: usize, count: u32, previous: u32): u32 {
  let crc = ~previous;
  let at = source;
  for (const blockEnd = source + (<usize>count & ~15); at < blockEnd; at += 16) {
    crc = remainders(load<u64>(at) ^ <u64>crc, 8) ^ remainders(load<u64>(at, 8), 0);
  }
  for (const end = source + count; at < end; at++) crc = remainder(<u64>(crc ^ load<u8>(at)), 0, 0) ^ (crc >>> 8);
  return ~crc;
}
