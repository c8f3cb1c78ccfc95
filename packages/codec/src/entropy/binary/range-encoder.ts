/** Encoder of the binary range coder (`range-coder.ts`). With kernels nothing of it is loaded. */

import { PROBABILITY_BITS } from './logistic.js';
import { type BinCoder, MIN_RANGE, START_BYTES } from './range-coder.js';

/** Collects bytes. */
export class BinEncoder implements BinCoder {
  #bytes = new Uint8Array(256);
  #length = 0;
  /** Lower end of the interval; below 2^32 but for a carry on its way. */
  #low = 0;
  #range = 0xffffffff;

  code(bit: number, probability: number): number {
    const bound = (this.#range >>> PROBABILITY_BITS) * probability;
    if (bit === 1) {
      this.#range = bound;
    } else {
      this.#low += bound;
      this.#range -= bound;
    }
    while (this.#range < MIN_RANGE) {
      this.#shift();
      this.#range *= 256;
    }
    return bit;
  }

  /** Ends the code with as few bytes as the interval allows. */
  finish(): Uint8Array {
    // The value in the interval with the most zeros at its end: the other side reads zeros there anyway.
    for (let zeroBits = 32; zeroBits >= 0; zeroBits--) {
      const unit = 2 ** zeroBits;
      const candidate = Math.ceil(this.#low / unit) * unit;
      if (candidate < this.#low + this.#range) {
        this.#low = candidate;
        break;
      }
    }
    for (let count = 0; count < START_BYTES; count++) this.#shift();
    let length = this.#length;
    while (length > 0 && this.#bytes[length - 1] === 0) length--;
    return this.#bytes.slice(0, length);
  }

  /** Moves the top byte of `low` out. A carry runs into the bytes written before; low stays below 2^32 after. */
  #shift(): void {
    if (this.#low >= 2 ** 32) {
      this.#low -= 2 ** 32;
      let position = this.#length - 1;
      while (this.#bytes[position] === 0xff) this.#bytes[position--] = 0;
      this.#bytes[position]++;
    }
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(this.#length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#length++] = Math.floor(this.#low / MIN_RANGE);
    this.#low = (this.#low % MIN_RANGE) * 256;
  }
}
