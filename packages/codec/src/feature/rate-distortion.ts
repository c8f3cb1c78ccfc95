/**
 * Rate-distortion optimized quantization: of the levels near a value the one is taken whose squared error and bits
 * together cost least. The decoder knows nothing of it. Encoding only.
 *
 * Costs are those of a table: the static one that the frame is coded with, else one for the indices at hand, which are
 * found anew under it. Under such a table the best choice is by thresholds, so the kernels of listed levels do it. For
 * coders with contexts the costs are those of an average context.
 */

import type { Shape, Tensor } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { chooseIndices } from '../entropy/binary/index-choice.js';
import { symbolAlphabet } from '../entropy/coded-indices.js';
import { tableOfDescription } from '../entropy/frequency-table.js';
import { levelOfIndex } from '../quantizer/affine.js';
import { affineOf, alphabetOfQuantizer, type IndexingQuantizer } from '../quantizer/alphabet.js';
import { quantizeGroups } from '../quantizer/channel-groups.js';
import { lowerEnvelope } from '../quantizer/lower-envelope.js';
import type { AffineQuantizer, IndexAlphabet, StaticCoder, TableDescription } from '../stages.js';
import { geometryOfIndices, valuesOfTensor } from './feature-values.js';
import type { QuantizedFeature } from './quantize-feature.js';

/** Rounds of indices and table; later ones change little. */
const ROUNDS = 3;
/** Most levels: those of the kernels. */
const MAX_LEVEL_COUNT = 256;

/**
 * Indices of least squared error plus `lambda` times rate.
 * @param quantized - of `feature` by levels at equal distance, else returned as it is if it has no indices
 * @param lambda - squared error, in the square of the levels' distance, that a bit may cost; 0.1 to 0.2 is usual
 * @param coder - whose table is the cost, or `binary`; null to take a table for the indices
 * @throws {RangeError} if `lambda` is negative or not finite, or the quantizer has other levels, or over 256 of them
 *   under a table
 */
export function optimizeIndices<Quantized extends QuantizedFeature>(
  feature: Tensor,
  quantized: Quantized,
  lambda: number,
  coder: StaticCoder | 'binary' | null,
  backend: Backend,
): Quantized {
  if (!(lambda >= 0 && Number.isFinite(lambda)))
    throw new RangeError(`lambda expected a number of at least 0, got ${lambda}`);
  if (quantized.kind === 'direct' || lambda === 0) return quantized;
  const { quantizer } = quantized;
  if (quantizer.kind === 'levels' || quantizer.kind === 'integer')
    throw new RangeError(`lambda expected levels at equal distance, got ${quantizer.kind}`);
  const alphabet = alphabetOfQuantizer(quantizer);
  const values = quantized.coefficients ?? valuesOfTensor(feature);
  // Groups have steps of their own; the costs of a table serve them.
  if (coder === 'binary' && quantizer.kind !== 'grouped') {
    const positions = positionsOf(values, affineOf(quantizer));
    const geometry = geometryOfIndices(feature.shape, quantizer);
    return { ...quantized, indices: chooseIndices(positions, geometry, alphabet, lambda) };
  }
  if (alphabet.levelCount > MAX_LEVEL_COUNT)
    throw new RangeError(`lambda expected at most ${MAX_LEVEL_COUNT} levels, got ${alphabet.levelCount}`);
  const search = searchOf(quantizer, values, feature.shape, lambda, backend);
  const table = coder !== 'binary' && coder?.kind === 'rans' ? coder.table : null;
  if (table) return { ...quantized, indices: search(bitsOfTable(table, alphabet)) };
  let indices = quantized.indices as Uint8Array;
  for (let round = 0; round < ROUNDS; round++)
    indices = search(bitsOfIndices(indices, alphabet.levelCount, backend));
  return { ...quantized, indices };
}

/** Values on the scale of the indices. */
function positionsOf(values: Float32Array, { offset, step, zeroPoint }: AffineQuantizer): Float32Array {
  return values.map((value) => (value - offset) / step + zeroPoint);
}

/** The way from the bits of each index to the indices of the values. */
function searchOf(
  quantizer: Extract<IndexingQuantizer, { kind: 'affine' | 'blocks' | 'spectral' | 'grouped' }>,
  values: Float32Array,
  shape: Shape,
  lambda: number,
  backend: Backend,
): (bits: Float64Array) => Uint8Array {
  if (quantizer.kind !== 'grouped') {
    const affine = affineOf(quantizer);
    return (bits) => cheapestIndices(values, affine, bits, lambda, backend);
  }
  // Errors count in the square of the group's own step: a finer step says that they matter more.
  return (bits) =>
    quantizeGroups(values, shape, quantizer.grouped, {
      quantize: (chunk, affine) => cheapestIndices(chunk, affine, bits, lambda, backend),
      dequantize: backend.dequantize,
    }) as Uint8Array;
}

function bitsOfTable(table: TableDescription, alphabet: IndexAlphabet): Float64Array {
  const { frequencies, precisionBits } = tableOfDescription(symbolAlphabet('rans', alphabet), table);
  return Float64Array.from(frequencies, (frequency) => precisionBits - Math.log2(frequency));
}

/** Information of each index by its share of all; indices that do not occur count as half a one. */
function bitsOfIndices(indices: Uint8Array, levelCount: number, backend: Backend): Float64Array {
  const counts = backend.countSymbols(indices, levelCount);
  return Float64Array.from(counts, (count) => Math.log2(indices.length / Math.max(count, 0.5)));
}

function cheapestIndices(
  values: Float32Array,
  affine: AffineQuantizer,
  bits: Float64Array,
  lambda: number,
  backend: Backend,
): Uint8Array {
  const levels = Float64Array.from(bits, (_, index) => levelOfIndex(index, affine));
  const { kept, thresholds } = lowerEnvelope({ levels, bits }, lambda * affine.step * affine.step);
  if (kept.length === 1) return new Uint8Array(values.length).fill(kept[0]);
  const ranks = backend.quantizeByThresholds(values, Float32Array.from(thresholds));
  return ranks.map((rank) => kept[rank]);
}
