/** Tensors to frame: knows the order of the stages on the way out (bitstream.md §1). */

import { bytesOfData, type Tensor, type TensorData } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { ByteWriter } from '../bitstream/byte-writer.js';
import { writeTensorHeader } from '../container/header.js';
import { type FrameForm, writeDType, writePreamble } from '../container/preamble.js';
import { startTimeBudget } from '../entropy/time-budget.js';
import { geometryOfIndices, geometryOfShape } from '../feature/feature-values.js';
import { quantizeByProfile } from '../feature/fixed-quantizer.js';
import { type QuantizedFeature, type QuantizerChoice, quantizeFeature } from '../feature/quantize-feature.js';
import { optimizeIndices } from '../feature/rate-distortion.js';
import { dataOfQuantized, digestOfData } from '../feature/reconstruct.js';
import { writeIndexSection } from '../indices/index-section.js';
import { encodeIndexSection, type SectionCoding } from '../indices/layout-choice.js';
import { encodePlanes } from '../planes/plane-choice.js';
import { type CodingProfile, MAX_TENSOR_COUNT } from '../profile/coding-profile.js';
import { alphabetOfQuantizer } from '../quantizer/alphabet.js';
import {
  elementsOf,
  type FeatureGeometry,
  type IndexAlphabet,
  type Indices,
  type Quantizer,
} from '../stages.js';
import { type StaticValueCoding, sectionOfValues, staticValueCoding } from './encode-values.js';
import {
  type BundledPlace,
  type FrameExtras,
  formOf,
  writeBundledHead,
  writeChunkCount,
  writeVaryingDimensions,
} from './frame-head.js';
import { type BundledStart, shortFrame } from './short-frame.js';

export type {
  GroupRangeChoice,
  MeasuredRangeChoice,
  QuantizerChoice,
  RangeChoice,
} from '../feature/quantize-feature.js';
export type { BundledPlace, FrameExtras } from './frame-head.js';

/** How a tensor is coded. */
export interface TensorCodingOptions extends SectionCoding {
  readonly quantizer: QuantizerChoice;
  /**
   * Squared error, in the square of the levels' distance, that a bit may cost: rate-distortion optimized quantization, for
   * `uniform`, `asymmetric` and `blocks` quantizers, but for the binary coder of up to 256 levels. 0 by default, the nearest
   * levels; 0.1 to 0.2 is usual.
   */
  readonly lambda?: number;
}

/** How a frame of one tensor is made. */
export interface EncodeOptions extends TensorCodingOptions, FrameExtras {
  /** Runs the hot stages; the bytes do not depend on it. */
  readonly backend: Backend;
}

/** A tensor with the way it is coded. */
export interface TensorToCode extends TensorCodingOptions {
  readonly feature: Tensor;
}

/** How a bundled frame is made. */
export interface BundledOptions
  extends FrameExtras,
    BundledPlace,
    Pick<SectionCoding, 'coder' | 'layout' | 'laneCount'> {
  readonly profile: CodingProfile;
  /** As in `TensorCodingOptions`; a bit is that of the profile's table of indices or of the binary coder, if one of them codes. */
  readonly lambda?: number;
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
  return encodeTensors([{ ...options, feature }], options);
}

/**
 * Codes tensors as one self-contained frame.
 * @param tensors - 1 to 256, each with its own coding; not modified
 * @returns the frame's bytes, owned by the caller
 * @throws {RangeError} @throws {TypeError} as `encodeFrame` does
 */
export function encodeTensors(
  tensors: readonly TensorToCode[],
  options: FrameExtras & { readonly backend: Backend },
): Uint8Array {
  const writer = new ByteWriter();
  const { ofIndices } = sectionWriters(writer, options.backend);
  const end = writeTensors(writer, tensors, options, ofIndices);
  return finishFrame(writer, end, options.backend);
}

/** Codes the indices of a chunk and writes them. */
export type WriteSection = (
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  coding: SectionCoding,
) => void;

/** Writes the sections of chunks. */
export interface SectionWriters {
  readonly ofIndices: WriteSection;
  /** Quantizes and codes a chunk's values in one; null if they are to be quantized first. @param all - values of the whole feature */
  readonly ofValues: ((values: Float32Array, coding: StaticValueCoding, all: Float32Array) => void) | null;
}

/** What stands behind the tensors of a frame, but for its checksum. */
export interface FrameEnd {
  readonly form: FrameForm;
  /** Checksum of the decoded elements, if the form says so. */
  readonly digest: number;
  /** How the frame begins, if it may become a short one; null if it may not. */
  readonly start: BundledStart | null;
}

/** Codes sections where they are written. */
function sectionWriters(writer: ByteWriter, backend: Backend): SectionWriters {
  return {
    ofIndices: (indices, geometry, alphabet, coding) =>
      writeIndexSection(writer, encodeIndexSection(indices, geometry, alphabet, backend, coding)),
    ofValues: (values, coding, all) =>
      writeIndexSection(writer, sectionOfValues(values, coding, all, backend)),
  };
}

/** Writes a self-contained frame up to its end. @throws {RangeError} @throws {TypeError} as `encodeTensors` does */
export function writeTensors(
  writer: ByteWriter,
  tensors: readonly TensorToCode[],
  options: FrameExtras & { readonly backend: Backend },
  writeSection: WriteSection,
): FrameEnd {
  if (tensors.length < 1 || tensors.length > MAX_TENSOR_COUNT)
    throw new RangeError(`tensors expected 1 to ${MAX_TENSOR_COUNT}, got ${tensors.length}`);
  const form = formOf(options, { bundled: false, several: tensors.length > 1 });
  writePreamble(writer, tensors[0].feature.dtype, form);
  if (form.several) writer.writeVarint(tensors.length);
  const time = startTimeBudget(options.maxMs);
  let digest = 0;
  for (const [i, { feature, ...coding }] of tensors.entries()) {
    if (i > 0) writeDType(writer, feature.dtype);
    const data = writeTensor(writer, feature, { ...coding, time }, options, writeSection);
    if (form.digest) digest = digestOfData(data(), digest);
  }
  return { form, digest, start: null };
}

/** Writes shape, quantizer and elements. @returns what they decode to, found when asked for */
function writeTensor(
  writer: ByteWriter,
  feature: Tensor,
  coding: TensorCodingOptions,
  options: FrameExtras & { readonly backend: Backend },
  writeSection: WriteSection,
): () => TensorData {
  const { backend } = options;
  const { shape } = feature;
  if (coding.quantizer.kind === 'lossless') {
    const planes = encodePlanes(feature, backend, coding);
    writeTensorHeader(writer, { shape, quantizer: { kind: planes ? 'planes' : 'none' } });
    writer.writeBytes(planes ?? bytesOfData(feature.data));
    return () => feature.data;
  }
  const nearest = quantizeFeature(feature, coding.quantizer, backend);
  const chosen = codingOf(coding, nearest.quantizer);
  const costs = chosen.coder === 'binary' ? 'binary' : null;
  const quantized = optimizeIndices(feature, nearest, coding.lambda ?? 0, costs, backend);
  writeTensorHeader(writer, { shape, quantizer: nearest.quantizer });
  if (quantized.quantizer.kind === 'none') writer.writeBytes(bytesOfData(feature.data));
  else writeIndices(writer, quantized, feature, { ...chosen, staticCoder: null }, options, writeSection);
  return () => dataOfQuantized(feature, quantized, backend);
}

/** Frequencies differ more than neighbors: coefficients are for the binary coder, if nothing else is asked for. */
function codingOf<Coding extends SectionCoding>(coding: Coding, quantizer: Quantizer): Coding {
  const isOpen =
    !coding.coder && !coding.table && !coding.contextModel && !coding.laneCount && !coding.layout;
  return quantizer.kind === 'blocks' && isOpen ? { ...coding, coder: 'binary' } : coding;
}

/**
 * Codes tensors as a bundled frame: what the profile says is left out.
 * @param features - one for each tensor of the profile, of its type and fixed dimensions; not modified
 * @returns the frame's bytes, owned by the caller
 * @throws {RangeError} if a feature does not fit the profile or holds NaN, or a setting is out of range
 */
export function encodeBundledFrame(features: readonly Tensor[], options: BundledOptions): Uint8Array {
  const writer = new ByteWriter();
  const end = writeBundledTensors(writer, features, options, sectionWriters(writer, options.backend));
  return finishFrame(writer, end, options.backend);
}

/** Writes a bundled frame up to its end. @throws {RangeError} as `encodeBundledFrame` does */
export function writeBundledTensors(
  writer: ByteWriter,
  features: readonly Tensor[],
  options: BundledOptions,
  writers: SectionWriters,
): FrameEnd {
  const { profile, backend } = options;
  const { tensors } = profile;
  if (features.length !== tensors.length)
    throw new RangeError(`features expected ${tensors.length}, got ${features.length}`);
  const { form, start } = writeBundledHead(writer, profile, options);
  const time = startTimeBudget(options.maxMs);
  // Other frames need the indices.
  const isPlain = !form.digest && (options.lambda ?? 0) === 0;
  let digest = 0;
  for (const [i, feature] of features.entries()) {
    writeVaryingDimensions(writer, tensors[i], feature);
    const short = isPlain && writers.ofValues && staticValueCoding(feature.dtype, tensors[i], options);
    if (short) {
      writeValues(writer, feature, short, options, writers.ofValues);
      continue;
    }
    const coder = options.coder === undefined ? tensors[i].coder : null;
    const coding = coder ? options : codingOf(options, tensors[i].quantizer);
    const costs = coding.coder === 'binary' ? 'binary' : coder;
    const nearest = quantizeByProfile(feature, tensors[i], backend);
    const quantized = optimizeIndices(feature, nearest, options.lambda ?? 0, costs, backend);
    const { coder: asked, layout, laneCount } = coding;
    const sectionCoding = { coder: asked, layout, laneCount, time, staticCoder: coder };
    writeIndices(writer, quantized, feature, sectionCoding, options, writers.ofIndices);
    if (form.digest) digest = digestOfData(dataOfQuantized(feature, quantized, backend), digest);
  }
  return { form, digest, start };
}

/** Writes the coder sections of a tensor's indices, if it has any. */
function writeIndices(
  writer: ByteWriter,
  quantized: QuantizedFeature,
  { shape }: Tensor,
  coding: SectionCoding,
  extras: FrameExtras,
  writeSection: WriteSection,
): void {
  if (quantized.kind === 'direct') return;
  const alphabet = alphabetOfQuantizer(quantized.quantizer);
  const geometry = geometryOfIndices(shape, quantized.quantizer);
  writeChunks(writer, quantized.indices, geometry, extras, (part, chunk) => {
    writeSection(part, chunk, alphabet, coding);
  });
}

/** Writes the coder sections of a tensor's values. */
function writeValues(
  writer: ByteWriter,
  { shape, data }: Tensor,
  coding: StaticValueCoding,
  extras: FrameExtras,
  write: NonNullable<SectionWriters['ofValues']>,
): void {
  const values = data as Float32Array; // the coding is of float32 alone
  writeChunks(writer, values, geometryOfShape(shape), extras, (part) => {
    write(part, coding, values);
  });
}

/** Writes what stands before chunks, then each of them. */
function writeChunks<Elements extends Float32Array | Indices>(
  writer: ByteWriter,
  elements: Elements,
  geometry: FeatureGeometry,
  { chunkCount = 1 }: FrameExtras,
  write: (part: Elements, chunk: FeatureGeometry) => void,
): void {
  let offset = 0;
  for (const chunk of writeChunkCount(writer, geometry, chunkCount)) {
    const end = offset + elementsOf(chunk);
    write(elements.subarray(offset, end) as Elements, chunk);
    offset = end;
  }
}

/** Writes what stands behind the tensors. @returns the frame, owned by the caller */
export function finishFrame(writer: ByteWriter, end: FrameEnd, backend: Backend): Uint8Array {
  const { form, digest, start } = end;
  const short = start && shortFrame(writer.peek(), start);
  if (short) return short;
  if (form.digest) writer.writeUint32(digest);
  writer.writeUint32(backend.crc32(writer.peek()));
  return writer.finish();
}
