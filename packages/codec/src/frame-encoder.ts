/** Tensor to frame: knows the order of the stages on the way out (bitstream.md §1). */

import { bytesOfData, elementCount, type Tensor } from '@featherwire/tensor';
import type { Backend } from './backend/backend.js';
import { ByteWriter } from './bitstream/byte-writer.js';
import { crc32 } from './bitstream/crc32.js';
import { integerRange, writeHeader } from './container/header.js';
import { writeCodedIndices } from './entropy/coded-indices.js';
import { encodeIndices, type IndexCoding } from './entropy/encode-indices.js';
import { geometryOfShape, valuesOfTensor } from './feature.js';
import { asymmetricQuantizer, uniformQuantizer } from './quantizer/affine.js';
import { alphabetOfQuantizer, type IndexingQuantizer } from './quantizer/alphabet.js';
import { finiteLimits } from './quantizer/range.js';
import type { Indices, Quantizer } from './stages.js';

/** Clip limits: the range of the tensor's finite values, or given ones. */
export type RangeChoice =
  | { readonly kind: 'minmax' }
  | { readonly kind: 'fixed'; readonly low: number; readonly high: number };

/** What a caller may ask of the quantizer. */
export type QuantizerChoice =
  /** Elements as they are, of any type: lossless and not compressed. */
  | { readonly kind: 'none' }
  /** `levelCount` levels, 2 to 65,536, between clip limits, both limits being levels. */
  | { readonly kind: 'uniform'; readonly levelCount: number; readonly range: RangeChoice }
  /** 2^bits levels, bits from 1 to 16, over a range that holds 0; zero is a level. */
  | { readonly kind: 'asymmetric'; readonly bits: number; readonly range: RangeChoice }
  /** Lossless for int8 and uint8. */
  | { readonly kind: 'integer' };

/** How a tensor is coded. */
export interface EncodeOptions extends IndexCoding {
  readonly quantizer: QuantizerChoice;
  /** Runs the hot stages; the bytes do not depend on it. */
  readonly backend: Backend;
}

/**
 * Codes a tensor as a self-contained frame.
 * @param feature - any shape of up to 8 dimensions, zero-sized and scalar ones included; not modified
 * @returns the frame's bytes, owned by the caller
 * @throws {RangeError} if the feature holds NaN, has no finite element to take a range from, or a setting is
 * out of range @throws {TypeError} if the element type cannot be quantized as asked
 */
export function encodeFrame(feature: Tensor, options: EncodeOptions): Uint8Array {
  const writer = new ByteWriter();
  const count = elementCount(feature.shape);
  const quantized = quantize(feature, count, options);
  writeHeader(writer, { dtype: feature.dtype, shape: feature.shape, quantizer: quantized.quantizer });
  if (quantized.kind === 'indexed') {
    const alphabet = alphabetOfQuantizer(quantized.quantizer);
    const geometry = geometryOfShape(feature.shape);
    const coded = encodeIndices(quantized.indices, geometry, alphabet, options.backend, options);
    writeCodedIndices(writer, coded);
  } else if (quantized.quantizer.kind === 'none') {
    writer.writeBytes(bytesOfData(feature.data));
  }
  writer.writeUint32(crc32(writer.peek()));
  return writer.finish();
}

type QuantizedFeature =
  /** The header says it all, or the elements follow as they are. */
  | { readonly kind: 'direct'; readonly quantizer: Extract<Quantizer, { kind: 'none' | 'constant' }> }
  | { readonly kind: 'indexed'; readonly quantizer: IndexingQuantizer; readonly indices: Indices };

function quantize(feature: Tensor, count: number, options: EncodeOptions): QuantizedFeature {
  const { quantizer: choice, backend } = options;
  if (choice.kind === 'none' || count === 0) return { kind: 'direct', quantizer: { kind: 'none' } };
  if (choice.kind === 'integer') return quantizeIntegers(feature, backend);
  const values = valuesOfTensor(feature);
  const measured = backend.measureRange(values);
  if (measured.nanCount > 0) {
    const first = values.findIndex(Number.isNaN);
    throw new RangeError(
      `feature expected numbers, got NaN in ${measured.nanCount} of ${count} elements, the first at ${first}`,
    );
  }
  if (measured.low === measured.high && Number.isFinite(measured.low) && choice.range.kind === 'minmax') {
    return { kind: 'direct', quantizer: { kind: 'constant', value: measured.low } };
  }
  const { low, high } = choice.range.kind === 'fixed' ? choice.range : finiteLimits(values, measured);
  const affine =
    choice.kind === 'uniform'
      ? uniformQuantizer(choice.levelCount, low, high)
      : asymmetricQuantizer(choice.bits, low, high);
  return {
    kind: 'indexed',
    quantizer: { kind: 'affine', affine },
    indices: backend.quantize(values, affine),
  };
}

function quantizeIntegers(feature: Tensor, backend: Backend): QuantizedFeature {
  if (!integerRange(feature.dtype)) {
    throw new TypeError(`feature expected int8 or uint8 for the integer quantizer, got ${feature.dtype}`);
  }
  const values = valuesOfTensor(feature);
  const { low, high } = backend.measureRange(values);
  if (low === high) return { kind: 'direct', quantizer: { kind: 'constant', value: low } };
  const indices = Uint8Array.from(values, (value) => value - low);
  return {
    kind: 'indexed',
    quantizer: { kind: 'integer', lowest: low, levelCount: high - low + 1 },
    indices,
  };
}
