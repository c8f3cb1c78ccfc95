/**
 * CRC-16 of short frames: reflected polynomial 0x8408, initial value and final exclusive-or 0xFFFF (IBM-SDLC, the CRC of
 * HDLC and X.25). The check value of "123456789" is 0x906E.
 */

const POLYNOMIAL = 0x8408;

/** CRC-16 of `bytes`, in [0, 2^16). Bit by bit: short frames have some ten to some thousand bytes. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  }
  return crc ^ 0xffff;
}
