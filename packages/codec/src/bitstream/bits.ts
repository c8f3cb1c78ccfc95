/** Bit fields, least significant bit first (bitstream.md §2), and the Rice code of tables. */

import { ByteWriter } from './byte-writer.js';

/** Rice parameters that a field of 3 bits can hold. */
const RICE_PARAMETERS = 8;

/** Appends bit fields; the last byte is filled with zeros when they are finished. */
export class BitWriter {
  readonly #bytes = new ByteWriter();
  #pending = 0;
  #pendingBits = 0;

  /** Bits written so far. */
  get bitLength(): number {
    return this.#bytes.length * 8 + this.#pendingBits;
  }

  /** @param count - 0 to 16 @param value - below `2 ** count` */
  writeBits(value: number, count: number): void {
    this.#pending |= value << this.#pendingBits;
    this.#pendingBits += count;
    while (this.#pendingBits >= 8) {
      this.#bytes.writeUint8(this.#pending & 0xff);
      this.#pending >>>= 8;
      this.#pendingBits -= 8;
    }
  }

  /** `value >> parameter` ones, a zero, then the low `parameter` bits. */
  writeRice(value: number, parameter: number): void {
    for (let ones = value >>> parameter; ones > 0; ones--) this.writeBits(1, 1);
    this.writeBits(0, 1);
    this.writeBits(value & ((1 << parameter) - 1), parameter);
  }

  /** Fills the last byte up and hands out a copy of all. */
  finish(): Uint8Array {
    this.writeBits(0, -this.bitLength & 7);
    return this.#bytes.finish();
  }
}

/**
 * Reads bit fields from `bytes`. Reading past the end yields zeros and sets `overrun`, so that inner loops
 * need no checks; the caller checks once.
 */
export class BitReader {
  readonly #bytes: Uint8Array;
  #bitOffset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** True once a read went past the end. */
  get overrun(): boolean {
    return this.#bitOffset > this.#bytes.length * 8;
  }

  /** Whole bytes that the bits read so far touch. */
  get byteLength(): number {
    return Math.ceil(this.#bitOffset / 8);
  }

  /** True if the unread bits of the last touched byte are zeros. */
  get paddingIsZero(): boolean {
    const used = this.#bitOffset & 7;
    return used === 0 || this.#bytes[this.#bitOffset >>> 3] >>> used === 0;
  }

  /** @param count - 0 to 16 */
  readBits(count: number): number {
    const byte = Math.floor(this.#bitOffset / 8);
    const shift = this.#bitOffset & 7;
    const window =
      (this.#bytes[byte] ?? 0) | ((this.#bytes[byte + 1] ?? 0) << 8) | ((this.#bytes[byte + 2] ?? 0) << 16);
    this.#bitOffset += count;
    return (window >>> shift) & ((1 << count) - 1);
  }

  /** Inverse of `BitWriter.writeRice`; gives -1 for a value of `limit` or more. */
  readRice(parameter: number, limit: number): number {
    let ones = 0;
    while (this.readBits(1) === 1) {
      if (++ones << parameter >= limit) return -1;
    }
    const value = (ones << parameter) | this.readBits(parameter);
    return value < limit ? value : -1;
  }
}

/** The Rice parameter below `count` that codes the values in the fewest bits; the smallest such. */
export function bestRiceParameter(values: Uint32Array, count = RICE_PARAMETERS): number {
  let best = 0;
  let bestBits = Number.POSITIVE_INFINITY;
  for (let parameter = 0; parameter < count; parameter++) {
    let bits = values.length * (1 + parameter);
    for (let i = 0; i < values.length; i++) bits += values[i] >>> parameter;
    if (bits < bestBits) {
      best = parameter;
      bestBits = bits;
    }
  }
  return best;
}

/** 0, -1, 1, -2, … become 0, 1, 2, 3, … */
export function foldSign(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

/** Inverse of `foldSign`. */
export function unfoldSign(folded: number): number {
  return folded & 1 ? -(folded + 1) / 2 : folded / 2;
}
