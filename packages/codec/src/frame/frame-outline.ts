/**
 * Frames of one tensor whose coder sections are made outside of this package, as a GPU does: what stands around the
 * sections. Encoding only.
 */

import type { Shape } from '@featherwire/tensor';
import { ByteWriter } from '../bitstream/byte-writer.js';
import { writeTensorHeader } from '../container/header.js';
import { writePreamble } from '../container/preamble.js';
import { type RansHead, writeRansHead } from '../entropy/coded-indices.js';
import { writeCoderByte } from '../entropy/coder-byte.js';
import { writeContextModel } from '../entropy/contexts/context-model.js';
import { geometryOfIndices } from '../feature/feature-values.js';
import type { CodingProfile } from '../profile/coding-profile.js';
import type { IndexingQuantizer } from '../quantizer/alphabet.js';
import type { ContextModel, FeatureGeometry } from '../stages.js';
import {
  type BundledPlace,
  type FrameExtras,
  formOf,
  writeBundledHead,
  writeChunkCount,
  writeVaryingDimensions,
} from './frame-head.js';
import type { BundledStart } from './short-frame.js';

/** A frame up to its first coder section. The sections follow, one for each chunk, then the checksum of all. */
export interface FrameOutline {
  /** Owned by the caller. */
  readonly head: Uint8Array;
  /** What each section codes, in element order. */
  readonly chunks: readonly FeatureGeometry[];
  /** How the frame begins if `shortFrame` may make a shorter one of it, null if not. */
  readonly start: BundledStart | null;
}

/**
 * A self-contained frame of float32 elements.
 * @throws {RangeError} if the shape has no elements or more than 8 dimensions, or a setting is out of range
 */
export function outlineFrame(
  shape: Shape,
  quantizer: IndexingQuantizer,
  { chunkCount = 1 }: Pick<FrameExtras, 'chunkCount'>,
): FrameOutline {
  checkShape(shape);
  if (quantizer.kind === 'spectral')
    throw new RangeError('quantizer expected none of profiles only, got spectral');
  const writer = new ByteWriter();
  writePreamble(writer, 'float32', formOf({ chunkCount }, { bundled: false, several: false }));
  writeTensorHeader(writer, { shape, quantizer });
  const chunks = writeChunkCount(writer, geometryOfIndices(shape, quantizer), chunkCount);
  return { head: writer.finish(), chunks, start: null };
}

/**
 * A bundled frame of float32 elements.
 * @param options.profile - of one tensor
 * @throws {RangeError} if the shape does not fit the profile or has no elements, or a setting is out of range
 */
export function outlineBundledFrame(
  shape: Shape,
  options: Pick<FrameExtras, 'chunkCount'> & BundledPlace & { readonly profile: CodingProfile },
): FrameOutline {
  checkShape(shape);
  const { profile, chunkCount = 1, point, sequenceNumber } = options;
  const { tensors } = profile;
  if (tensors.length !== 1) throw new RangeError(`profile expected one tensor, got ${tensors.length}`);
  const writer = new ByteWriter();
  const { start } = writeBundledHead(writer, profile, { chunkCount, point, sequenceNumber });
  writeVaryingDimensions(writer, tensors[0], { dtype: 'float32', shape });
  const chunks = writeChunkCount(writer, geometryOfIndices(shape, tensors[0].quantizer), chunkCount);
  return { head: writer.finish(), chunks, start };
}

function checkShape(shape: Shape): void {
  if (shape.includes(0)) throw new RangeError(`shape expected elements, got [${shape.join(', ')}]`);
}

/** Whose table or model codes a section: the profile's, or one of its own. */
export type SectionHead = RansHead | { readonly kind: 'rans-contexts'; readonly model: ContextModel };

/**
 * The front of a section of rANS: all bytes before the length of its code.
 * @param laneCount - power of two, 1 to 32, to 64 under contexts
 */
export function outlineSection(coding: SectionHead, laneCount: number): Uint8Array {
  const writer = new ByteWriter();
  if (coding.kind === 'rans-contexts') {
    writeCoderByte(writer, { coder: coding.kind, laneCount, layout: 'dense' });
    writeContextModel(writer, coding.model);
  } else {
    writeRansHead(writer, coding, laneCount);
  }
  return writer.finish();
}
