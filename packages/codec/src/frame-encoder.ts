/** Tensor to frame: knows the order of the stages on the way out (bitstream.md §1). */

import { bytesOfData, type Tensor } from '@featherwire/tensor';
import type { Backend } from './backend/backend.js';
import { ByteWriter } from './bitstream/byte-writer.js';
import { crc32 } from './bitstream/crc32.js';
import { writeHeader } from './container/header.js';
import { geometryOfShape } from './feature.js';
import { writeIndexSection } from './index-section.js';
import { encodeIndexSection, type SectionCoding } from './layout-choice.js';
import { encodePlanes } from './plane-choice.js';
import { type QuantizerChoice, quantizeFeature } from './quantize-feature.js';
import { alphabetOfQuantizer } from './quantizer/alphabet.js';

export type {
  GroupRangeChoice,
  MeasuredRangeChoice,
  QuantizerChoice,
  RangeChoice,
} from './quantize-feature.js';

/** How a tensor is coded. */
export interface EncodeOptions extends SectionCoding {
  readonly quantizer: QuantizerChoice;
  /** Runs the hot stages; the bytes do not depend on it. */
  readonly backend: Backend;
}

/**
 * Codes a tensor as a self-contained frame.
 * @param feature - any shape of up to 8 dimensions, zero-sized and scalar ones included; not modified
 * @returns the frame's bytes, owned by the caller
 * @throws {RangeError} if the feature holds NaN under a quantizer, has no finite element to take a range from, or a setting is
 * out of range @throws {TypeError} if the element type cannot be quantized as asked
 */
export function encodeFrame(feature: Tensor, options: EncodeOptions): Uint8Array {
  if (options.quantizer.kind === 'lossless') return encodeLossless(feature, options);
  const writer = new ByteWriter();
  const quantized = quantizeFeature(feature, options.quantizer, options.backend);
  writeHeader(writer, { dtype: feature.dtype, shape: feature.shape, quantizer: quantized.quantizer });
  if (quantized.kind === 'indexed') {
    const alphabet = alphabetOfQuantizer(quantized.quantizer);
    const geometry = geometryOfShape(feature.shape);
    const section = encodeIndexSection(quantized.indices, geometry, alphabet, options.backend, options);
    writeIndexSection(writer, section);
  } else if (quantized.quantizer.kind === 'none') {
    writer.writeBytes(bytesOfData(feature.data));
  }
  return seal(writer);
}

/** Planes of bits, or the elements as they are if those are not larger. */
function encodeLossless(feature: Tensor, options: EncodeOptions): Uint8Array {
  const writer = new ByteWriter();
  const planes = encodePlanes(feature, options.backend, options);
  const quantizer = { kind: planes ? 'planes' : 'none' } as const;
  writeHeader(writer, { dtype: feature.dtype, shape: feature.shape, quantizer });
  writer.writeBytes(planes ?? bytesOfData(feature.data));
  return seal(writer);
}

/** The frame with its checksum. */
function seal(writer: ByteWriter): Uint8Array {
  writer.writeUint32(crc32(writer.peek()));
  return writer.finish();
}
