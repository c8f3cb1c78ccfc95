/**
 * Probabilities of bins from several contexts at once, mixed in the logistic domain and learned as they are coded
 * (bitstream.md §9.3; Mahoney, "Adaptive weighing of context models", 2005).
 */

import { createStretchTable, MAX_LOGIT, PROBABILITY_BITS, squash } from './logistic.js';
import type { BinCoder } from './range-coder.js';

/** Models that are mixed, each with a context of its own. */
export const MODEL_COUNT = 5;
/** Bins of one context, a power of two. */
const BIN_COUNT = 32;
const EVEN_ODDS = 1 << (PROBABILITY_BITS - 1);
/** Mixing weights have 16 fraction bits; all start at 0.25. Five logits of 2047 under the largest fit 31 bits. */
const FIRST_WEIGHT = 16_384;
const MAX_WEIGHT = 3 * 65_536 - 1;
const LEARNING_SHIFT = 11;
/** Counts of a context stop here, which makes its memory about 250 bins long. */
const MAX_COUNT = 250;

/** Adaptive models and the weights that mix them; one set of weights for each bin. */
export class MixedModel {
  readonly #coder: BinCoder;
  readonly #stretch = createStretchTable();
  /** Probabilities of 1 with 16 bits, by context and bin. */
  readonly #probabilities: Uint16Array;
  readonly #counts: Uint8Array;
  readonly #weights = new Int32Array(BIN_COUNT * MODEL_COUNT).fill(FIRST_WEIGHT);
  readonly #logits = new Int32Array(MODEL_COUNT);
  #contexts: Int32Array = new Int32Array(MODEL_COUNT);

  constructor(coder: BinCoder, contextCount: number) {
    this.#coder = coder;
    this.#probabilities = new Uint16Array(contextCount * BIN_COUNT).fill(1 << 15);
    this.#counts = new Uint8Array(contextCount * BIN_COUNT);
  }

  /** @param contexts - one for each model; read while bins are coded */
  setContexts(contexts: Int32Array): void {
    this.#contexts = contexts;
  }

  /** Probability of 1 of a bin, in 1 … 4095. */
  probabilityOf(bin: number): number {
    let sum = 0;
    for (let m = 0; m < MODEL_COUNT; m++) {
      const probability = this.#probabilities[this.#contexts[m] * BIN_COUNT + bin];
      this.#logits[m] = this.#stretch[probability >>> 4];
      sum += this.#weights[bin * MODEL_COUNT + m] * this.#logits[m];
    }
    return squash(Math.min(Math.max(sum >> 16, -MAX_LOGIT), MAX_LOGIT));
  }

  /** Codes a bin and learns from it. */
  code(bin: number, target: number): number {
    const probability = this.probabilityOf(bin);
    const bit = this.#coder.code(target, probability);
    this.#learn(bin, bit, (bit << PROBABILITY_BITS) - probability);
    return bit;
  }

  /** Codes a bit that nothing is known of. */
  codeEven(target: number): number {
    return this.#coder.code(target, EVEN_ODDS);
  }

  /** The logits are those that the bin was predicted from. */
  #learn(bin: number, bit: number, error: number): void {
    for (let m = 0; m < MODEL_COUNT; m++) {
      const weight = bin * MODEL_COUNT + m;
      const change = (this.#logits[m] * error + (1 << (LEARNING_SHIFT - 1))) >> LEARNING_SHIFT;
      this.#weights[weight] = Math.min(Math.max(this.#weights[weight] + change, -MAX_WEIGHT), MAX_WEIGHT);
      const context = this.#contexts[m] * BIN_COUNT + bin;
      const count = this.#counts[context];
      const old = this.#probabilities[context];
      // 1 / (count + 1.6) with 14 bits: the first bins move a probability far, later ones less.
      const rate = Math.floor(163_840 / (10 * count + 16));
      this.#probabilities[context] = old + ((((bit === 1 ? 65_535 : 0) - old) * rate) >> 14);
      if (count < MAX_COUNT) this.#counts[context] = count + 1;
    }
  }
}
