/** Encoder of the binary range coder with words (`word-range-coder.ts`). With kernels nothing of it is loaded. */

import type { BinCoder } from './range-coder.js';
import { FIRST_RANGE, START_WORDS, WORD, WORD_BYTES } from './word-range-coder.js';

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
