/**
 * Indices chosen under the adaptive binary coder: for each element, in the order of coding, the index whose squared error
 * and bits together cost least, the bits being those that the coder would take at that very place. What a choice does to
 * the probabilities of later elements is not looked at. Encoding only.
 */

import { allocateIndices } from '../../bitstream/index-array.js';
import type { FeatureGeometry, IndexAlphabet, Indices } from '../../stages.js';
import { type BinSink, CONTEXT_COUNT, codeIndex, Neighborhood } from './context-model.js';
import { PROBABILITY_BITS } from './logistic.js';
import { MixedModel } from './mixed-model.js';
import type { BinCoder } from './range-coder.js';

/** Takes bins and keeps nothing: the model learns from them all the same. */
const NO_CODER: BinCoder = { code: (bit) => bit };

/**
 * Chooses indices.
 * @param positions - of the elements on the scale of the indices: index i is `(position - i)²` away
 * @param lambda - squared error, in the square of the indices' distance, that a bit may cost; not negative
 * @returns an index of `alphabet` for each element: the nearest one, the one before it on the way to the background, or
 *   the background
 */
export function chooseIndices(
  positions: Float32Array,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  lambda: number,
): Indices {
  const { planes, rows, columns } = geometry;
  const { background, levelCount } = alphabet;
  const indices = allocateIndices(positions.length, levelCount);
  const model = new MixedModel(NO_CODER, CONTEXT_COUNT);
  const price = new BinPrice(model);
  const neighborhood = new Neighborhood(indices, geometry, alphabet);
  const costOf = (position: number, index: number): number => {
    price.bits = 0;
    codeIndex(price, index, alphabet);
    return (position - index) ** 2 + lambda * price.bits;
  };
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    neighborhood.startPlane(plane);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        neighborhood.moveTo(at, row, column);
        model.setContexts(neighborhood.contexts);
        const position = positions[at];
        const nearest = Math.min(Math.max(Math.round(position), 0), levelCount - 1);
        let index = nearest;
        if (nearest !== background) {
          let least = costOf(position, nearest);
          for (const other of [nearest - Math.sign(nearest - background), background]) {
            const cost = other === index ? least : costOf(position, other);
            if (cost < least) {
              least = cost;
              index = other;
            }
          }
        }
        indices[at] = codeIndex(model, index, alphabet);
        neighborhood.addLast();
      }
    }
  }
  return indices;
}

/** Sums up what bins would cost. */
class BinPrice implements BinSink {
  bits = 0;
  readonly #model: MixedModel;
  /** Bits of a probability of 12 bits. */
  readonly #bitsOf = Float64Array.from({ length: (1 << PROBABILITY_BITS) + 1 }, (_, probability) =>
    probability === 0 ? PROBABILITY_BITS : PROBABILITY_BITS - Math.log2(probability),
  );

  constructor(model: MixedModel) {
    this.#model = model;
  }

  code(bin: number, target: number): number {
    const probability = this.#model.probabilityOf(bin);
    this.bits += this.#bitsOf[target === 1 ? probability : (1 << PROBABILITY_BITS) - probability];
    return target;
  }

  codeEven(target: number): number {
    this.bits++;
    return target;
  }
}
