/**
 * Binary range coder (bitstream.md §9.4; Martin, "Range encoding", 1979, with the carry handling of Schindler): a
 * range of 32 bits, renormalized by bytes, probabilities of 12 bits. Zero bytes at the end are left out; the
 * decoder reads them as if they were there. The encoder is `range-encoder.ts`.
 */

import { PROBABILITY_BITS } from './logistic.js';

/** Least range, and one more than the largest of the low bytes. */
export const MIN_RANGE = 2 ** 24;
export const START_BYTES = 4;

/** Codes a bin under the probability that it is 1; an encoder gives the bit back, a decoder finds it. */
export interface BinCoder {
  /** @param bit - 0 or 1; of no meaning to a decoder @param probability - of 1, in 1 … 4095 */
  code(bit: number, probability: number): number;
}

/** Reads bytes; beyond their end it reads zeros. */
export class BinDecoder implements BinCoder {
  readonly #bytes: Uint8Array;
  #position = 0;
  #range = 0xffffffff;
  /** The code less the lower end of the interval, below `range`. */
  #code = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let count = 0; count < START_BYTES; count++) this.#code = this.#code * 256 + this.#next();
  }

  code(_bit: number, probability: number): number {
    const bound = (this.#range >>> PROBABILITY_BITS) * probability;
    let bit = 1;
    if (this.#code < bound) {
      this.#range = bound;
    } else {
      bit = 0;
      this.#code -= bound;
      this.#range -= bound;
    }
    while (this.#range < MIN_RANGE) {
      this.#code = this.#code * 256 + this.#next();
      this.#range *= 256;
    }
    return bit;
  }

  /** True if all bytes were read. */
  get endsWell(): boolean {
    return this.#position >= this.#bytes.length;
  }

  #next(): number {
    const position = this.#position++;
    return position < this.#bytes.length ? this.#bytes[position] : 0;
  }
}
