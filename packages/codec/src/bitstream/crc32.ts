/**
 * CRC-32 of frames: reflected polynomial 0xEDB88320, initial value and final exclusive-or 0xFFFFFFFF
 * (ISO-HDLC, the CRC of zlib and PNG). The check value of "123456789" is 0xCBF43926.
 */

const POLYNOMIAL = 0xedb88320;

/** Remainders of every byte, then of every byte followed by one to three zero bytes. */
const REMAINDERS: readonly Uint32Array[] = createRemainders();

/** CRC-32 of `bytes`, in [0, 2^32). @param previous - CRC-32 of the bytes before them */
export function crc32(bytes: Uint8Array, previous = 0): number {
  const [t0, t1, t2, t3] = REMAINDERS;
  let crc = ~previous;
  let i = 0;
  for (const end = bytes.length & ~3; i < end; i += 4) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    crc = t3[crc & 0xff] ^ t2[(crc >>> 8) & 0xff] ^ t1[(crc >>> 16) & 0xff] ^ t0[crc >>> 24];
  }
  for (; i < bytes.length; i++) crc = t0[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function createRemainders(): Uint32Array[] {
  const tables = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)];
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
    tables[0][byte] = remainder;
  }
  for (let zeros = 1; zeros < 4; zeros++) {
    for (let byte = 0; byte < 256; byte++) {
      const previous = tables[zeros - 1][byte];
      tables[zeros][byte] = (previous >>> 8) ^ tables[0][previous & 0xff];
    }
  }
  return tables;
}
