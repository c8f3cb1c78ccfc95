/**
 * What stands in a frame before the coder sections of its tensors (bitstream.md §3 and §16), for whoever makes those.
 * Encoding only.
 */

import type { Tensor } from '@featherwire/tensor';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import { type FrameForm, writePreamble } from '../container/preamble.js';
import { type CodingProfile, misfitOfTensor, type TensorProfile } from '../profile/coding-profile.js';
import { chunksOfGeometry, type FeatureGeometry, maxChunkCount } from '../stages.js';
import type { BundledStart } from './short-frame.js';

/** What a frame may hold beside its tensors, and how long its making may take. */
export interface FrameExtras {
  /**
   * Milliseconds from the call on after which `auto` tries no coder or layout that takes longer than a table; no limit by
   * default. The time of such a step is predicted from the last ones, so that this is an aim and the bytes depend on the
   * machine. What is asked for by name is done in any case.
   */
  readonly maxMs?: number;
  /** Adds a checksum of the decoded elements, which costs 5 bytes; false by default. */
  readonly digest?: boolean;
  /**
   * Sections of each tensor that decode independently, 1 by default: runs of its planes, or of its rows if it has one
   * plane, or of its columns if it has one row; at most as many as there are of those.
   */
  readonly chunkCount?: number;
}

/** What a bundled frame is. */
export interface BundledPlace {
  /** Number by which the decoder knows the profile, an integer from 0. */
  readonly point: number;
  /** Place of the frame in its stream, an integer from 0; a short frame says it modulo 256. */
  readonly sequenceNumber: number;
}

/** The form that settings ask for. @throws {RangeError} if the chunks are not a positive number */
export function formOf(
  { digest = false, chunkCount = 1 }: FrameExtras,
  parts: Pick<FrameForm, 'bundled' | 'several'>,
): FrameForm {
  if (!Number.isInteger(chunkCount) || chunkCount < 1)
    throw new RangeError(`chunkCount expected a positive integer, got ${chunkCount}`);
  return { ...parts, digest, chunked: chunkCount > 1, short: false };
}

/** Writes a bundled frame up to its tensors. @throws {RangeError} if a number is not one from 0 */
export function writeBundledHead(
  writer: ByteWriter,
  { tensors, shortFrames }: CodingProfile,
  options: FrameExtras & BundledPlace,
): { readonly form: FrameForm; readonly start: BundledStart | null } {
  const form = formOf(options, { bundled: true, several: false });
  writePreamble(writer, tensors[0].dtype, form);
  const point = checkedCount('point', options.point);
  const sequenceNumber = checkedCount('sequenceNumber', options.sequenceNumber);
  writer.writeVarint(point);
  writer.writeVarint(sequenceNumber);
  const mayBeShort = shortFrames && !form.digest && !form.chunked;
  return { form, start: mayBeShort ? { point, sequenceNumber, tensorsOffset: writer.length } : null };
}

function checkedCount(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} expected an integer from 0, got ${value}`);
  return value;
}

/** Writes the dimensions that a profile leaves open. @throws {RangeError} if the feature does not fit the profile */
export function writeVaryingDimensions(
  writer: ByteWriter,
  profile: TensorProfile,
  { dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>,
): void {
  const misfit = misfitOfTensor(profile, dtype, shape);
  if (misfit) throw new RangeError(misfit);
  profile.shape.forEach((dimension, axis) => {
    if (dimension === null) writer.writeVarint(shape[axis]);
  });
}

/**
 * Writes the number of chunks, if more than one is asked for.
 * @param chunkCount - as in `FrameExtras`
 * @returns the chunks: as many, or as can be made
 */
export function writeChunkCount(
  writer: ByteWriter,
  geometry: FeatureGeometry,
  chunkCount: number,
): FeatureGeometry[] {
  const count = Math.min(chunkCount, maxChunkCount(geometry));
  if (chunkCount > 1) writer.writeVarint(count);
  return chunksOfGeometry(geometry, count);
}
