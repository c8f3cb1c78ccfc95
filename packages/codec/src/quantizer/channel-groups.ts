/**
 * Affine quantizers of their own for groups of channels (bitstream.md §4.2): the layout of groups in memory, both
 * directions by the kernels of one affine quantizer, and parameters from clip limits.
 */

import { allocateIndices } from '../bitstream/index-array.js';
import type { AffineQuantizer, GroupedQuantizer, Indices } from '../stages.js';
import { checkLevelCount, checkLimits } from './affine.js';

/** Most groups: their parameters take less than a mebibyte. */
export const MAX_GROUP_COUNT = 65_536;
/** Elements that are collected before a kernel runs over them. */
const CHUNK = 16_384;
/** Zero points of all groups that agree to this are one. */
const ZERO_POINT_TOLERANCE = 1e-6;

/** The kernels of one affine quantizer. */
export interface AffineKernels {
  quantize(values: Float32Array, quantizer: AffineQuantizer): Indices;
  dequantize(indices: Indices, quantizer: AffineQuantizer): Float32Array;
}

/** Clip limits of one group. */
export interface GroupLimits {
  readonly low: number;
  readonly high: number;
}

/** Where the channels of each group are. */
export interface GroupLayout {
  readonly groupCount: number;
  /** Product of the dimensions before the axis. */
  readonly outer: number;
  /** The dimension of the axis. */
  readonly channels: number;
  /** Product of the dimensions after the axis. */
  readonly inner: number;
  /** Channels, those of group 0 first. */
  readonly order: Uint32Array;
  /** Where each group begins in `order`, and its length at the end. */
  readonly starts: Uint32Array;
}

/**
 * The layout of a tensor's groups.
 * @param groupOfChannel - each below `groupCount`; null for runs of equally many channels
 */
export function groupLayout(
  shape: readonly number[],
  axis: number,
  groupCount: number,
  groupOfChannel: Uint16Array | null,
): GroupLayout {
  const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  const channels = shape[axis];
  const groupOf = (channel: number): number =>
    groupOfChannel ? groupOfChannel[channel] : Math.floor((channel * groupCount) / channels);
  const starts = new Uint32Array(groupCount + 1);
  for (let channel = 0; channel < channels; channel++) starts[groupOf(channel) + 1]++;
  for (let group = 0; group < groupCount; group++) starts[group + 1] += starts[group];
  const order = new Uint32Array(channels);
  const next = starts.slice();
  for (let channel = 0; channel < channels; channel++) order[next[groupOf(channel)]++] = channel;
  const outer = product(shape.slice(0, axis));
  return { groupCount, outer, channels, inner: product(shape.slice(axis + 1)), order, starts };
}

/** The quantizer of one group. */
export function affineOfGroup(grouped: GroupedQuantizer, group: number): AffineQuantizer {
  const { levelCount, zeroPoint, offsets, steps } = grouped;
  return { levelCount, zeroPoint, offset: offsets ? offsets[group] : 0, step: steps[group] };
}

/** Indices of a tensor's values. @param shape - of the tensor, row-major */
export function quantizeGroups(
  values: Float32Array,
  shape: readonly number[],
  grouped: GroupedQuantizer,
  kernels: AffineKernels,
): Indices {
  const indices = allocateIndices(values.length, grouped.levelCount);
  forEachGroupChunk(values, layoutOf(shape, grouped), (group, chunk, positions) => {
    scatter(kernels.quantize(chunk, affineOfGroup(grouped, group)), positions, indices);
  });
  return indices;
}

/** Levels of a tensor's indices. @param shape - of the tensor, row-major */
export function dequantizeGroups(
  indices: Indices,
  shape: readonly number[],
  grouped: GroupedQuantizer,
  kernels: AffineKernels,
): Float32Array {
  const values = new Float32Array(indices.length);
  const buffer = allocateIndices(Math.min(CHUNK, indices.length), grouped.levelCount);
  gatherChunks(indices, buffer, layoutOf(shape, grouped), (group, chunk, positions) => {
    scatter(kernels.dequantize(chunk, affineOfGroup(grouped, group)), positions, values);
  });
  return values;
}

/** The values of each group, in turn, and their places; both arrays are used again for the next chunk. */
export function forEachGroupChunk(
  values: Float32Array,
  layout: GroupLayout,
  visit: (group: number, chunk: Float32Array, positions: Uint32Array) => void,
): void {
  gatherChunks(values, new Float32Array(Math.min(CHUNK, values.length)), layout, visit);
}

function gatherChunks<Elements extends Float32Array | Indices>(
  elements: Elements,
  buffer: Elements,
  layout: GroupLayout,
  visit: (group: number, chunk: Elements, positions: Uint32Array) => void,
): void {
  forEachChunk(layout, (group, positions) => {
    for (let i = 0; i < positions.length; i++) buffer[i] = elements[positions[i]];
    visit(group, buffer.subarray(0, positions.length) as Elements, positions);
  });
}

function scatter(
  chunk: Float32Array | Indices,
  positions: Uint32Array,
  target: Float32Array | Indices,
): void {
  for (let i = 0; i < positions.length; i++) target[positions[i]] = chunk[i];
}

/**
 * The quantizer whose outer levels reach the limits of each group. Steps are rounded up to 16 bits. If all groups
 * have one integer index for 0, they share it and need no offsets.
 * @param limits - one for each group
 * @throws {RangeError} if the level count or limits are out of range
 */
export function groupedQuantizer(
  levelCount: number,
  axis: number,
  groupOfChannel: Uint16Array | null,
  limits: readonly GroupLimits[],
): GroupedQuantizer {
  checkLevelCount(levelCount);
  const checked = limits.map(({ low, high }, group) => checkLimits(`limits of group ${group}`, low, high));
  const steps = Float32Array.from(checked, ({ low, high }) => stepAtLeast((high - low) / (levelCount - 1)));
  const zeroPoint = commonZeroPoint(checked, levelCount);
  const offsets = zeroPoint === null ? Float32Array.from(checked, ({ low }) => low) : null;
  return { levelCount, axis, groupOfChannel, zeroPoint: zeroPoint ?? 0, offsets, steps };
}

function commonZeroPoint(limits: readonly GroupLimits[], levelCount: number): number | null {
  const places = limits.map(({ low, high }) => (-low / (high - low)) * (levelCount - 1));
  const zeroPoint = Math.round(places[0]) + 0;
  const fits = zeroPoint >= 0 && zeroPoint < levelCount;
  return fits && places.every((place) => Math.abs(place - zeroPoint) <= ZERO_POINT_TOLERANCE)
    ? zeroPoint
    : null;
}

/** The smallest float32 of at least `step` whose lower 16 bits are 0. @param step - positive */
export function stepAtLeast(step: number): number {
  const words = new Uint32Array(Float32Array.of(step).buffer);
  // Rounding to float32 may have gone down.
  if (new Float32Array(words.buffer)[0] < step) words[0]++;
  words[0] = Math.ceil(words[0] / 0x10000) * 0x10000;
  return new Float32Array(words.buffer)[0];
}

function layoutOf(shape: readonly number[], { axis, steps, groupOfChannel }: GroupedQuantizer): GroupLayout {
  return groupLayout(shape, axis, steps.length, groupOfChannel);
}

/** Positions of the elements of each group, a chunk at a time; the array is used again. */
function forEachChunk(layout: GroupLayout, visit: (group: number, positions: Uint32Array) => void): void {
  const { groupCount, outer, channels, inner, order, starts } = layout;
  const positions = new Uint32Array(Math.min(CHUNK, outer * channels * inner));
  for (let group = 0; group < groupCount; group++) {
    let length = 0;
    for (let o = 0; o < outer; o++) {
      for (let c = starts[group]; c < starts[group + 1]; c++) {
        const start = (o * channels + order[c]) * inner;
        for (let i = 0; i < inner; i++) {
          positions[length++] = start + i;
          if (length < CHUNK) continue;
          visit(group, positions);
          length = 0;
        }
      }
    }
    if (length > 0) visit(group, positions.subarray(0, length));
  }
}
