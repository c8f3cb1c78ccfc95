/**
 * Binary range coder with words (bitstream.md §18.3): a range of 32 bits, renormalized by one word of 16 bits at most for each
 * bin, probabilities of 16 bits. All products stay below 2^48. Zero words at the end are left out; the decoder reads them
 * as if they were there. The encoder is `word-range-encoder.ts`.
 */

import type { BinCoder } from './range-coder.js';

/** Bytes of a word. */
export const WORD_BYTES = 2;
/** One more than the largest word, the least range, and one in units of a probability. */
export const WORD = 2 ** 16;
export const START_WORDS = 2;
export const FIRST_RANGE = 2 ** 32 - 1;

/** Reads words; beyond their end it reads zeros. */
export class WordDecoder implements BinCoder {
  readonly #bytes: Uint8Array;
  #position = 0;
  #range = FIRST_RANGE;
  /** The code less the lower end of the interval, below `range`. */
  #code = 0;

  /** @param bytes - whole words, little-endian */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let count = 0; count < START_WORDS; count++) this.#code = this.#code * WORD + this.#next();
  }

  code(_bit: number, probability: number): number {
    const bound = Math.floor((this.#range * probability) / WORD);
    let bit = 1;
    if (this.#code < bound) {
      this.#range = bound;
    } else {
      bit = 0;
      this.#code -= bound;
      this.#range -= bound;
    }
    if (this.#range < WORD) {
      this.#code = this.#code * WORD + this.#next();
      this.#range *= WORD;
    }
    return bit;
  }

  /** True if all words were read. */
  get endsWell(): boolean {
    return this.#position >= this.#bytes.length;
  }

  #next(): number {
    const position = this.#position;
    this.#position += WORD_BYTES;
    return position < this.#bytes.length ? this.#bytes[position] | (this.#bytes[position + 1] << 8) : 0;
  }
}
