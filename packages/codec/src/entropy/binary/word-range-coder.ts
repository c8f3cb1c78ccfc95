/**
 * Binary range coder with words (bitstream.md §18.3): a range of 32 bits, renormalized by one word of 16 bits at most for each
 * bin, probabilities of 16 bits. All products stay below 2^48. Zero words at the end are left out; the decoder reads them
 * as if they were there.
 */

import type { BinCoder } from './range-coder.js';

/** Bytes of a word. */
export const WORD_BYTES = 2;
/** One more than the largest word, the least range, and one in units of a probability. */
const WORD = 2 ** 16;
const START_WORDS = 2;
const FIRST_RANGE = 2 ** 32 - 1;

/** Collects words. */
export class WordEncoder implements BinCoder {
  #words = new Uint16Array(64);
  #length = 0;
  /** Lower end of the interval; below 2^32 but for a carry on its way. */
  #low = 0;
  #range = FIRST_RANGE;

  code(bit: number, probability: number): number {
    const bound = Math.floor((this.#range * probability) / WORD);
    if (bit === 1) {
      this.#range = bound;
    } else {
      this.#low += bound;
      this.#range -= bound;
    }
    if (this.#range < WORD) {
      this.#shift();
      this.#range *= WORD;
    }
    return bit;
  }

  /** Ends the code with as few words as the interval allows. @returns the words, little-endian */
  finish(): Uint8Array {
    // A multiple of 2^32 or 2^16 in the interval leaves two words or one to the zeros that the other side reads.
    for (const unit of [2 ** 32, WORD, 1]) {
      const candidate = Math.ceil(this.#low / unit) * unit;
      if (candidate < this.#low + this.#range) {
        this.#low = candidate;
        break;
      }
    }
    for (let count = 0; count < START_WORDS; count++) this.#shift();
    let length = this.#length;
    while (length > 0 && this.#words[length - 1] === 0) length--;
    const bytes = new Uint8Array(length * WORD_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < length; i++) view.setUint16(i * WORD_BYTES, this.#words[i], true);
    return bytes;
  }

  /** Moves the top word of `low` out. A carry runs into the words written before; low stays below 2^32 after. */
  #shift(): void {
    if (this.#low >= 2 ** 32) {
      this.#low -= 2 ** 32;
      let position = this.#length - 1;
      while (this.#words[position] === WORD - 1) this.#words[position--] = 0;
      this.#words[position]++;
    }
    if (this.#length === this.#words.length) {
      const grown = new Uint16Array(this.#length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.#length++] = Math.floor(this.#low / WORD);
    this.#low = (this.#low % WORD) * WORD;
  }
}

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
