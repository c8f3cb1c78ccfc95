/**
 * A quantizer as rows of numbers for the kernels: thresholds on the way out, levels on the way in, a row for each group of
 * channels, and where the channels are.
 */

import { type AffineQuantizer, decisionThresholds, type IndexAlphabet } from '@featherwire/codec';
import {
  affineOfGroup,
  alphabetOfQuantizer,
  type FixedQuantizer,
  type IndexingQuantizer,
  levelsOfQuantizer,
} from '@featherwire/codec/parts';
import type { Shape } from '@featherwire/tensor';
import { UnsupportedError } from '../errors.js';
import { ordersOfThresholds } from './float-order.js';

/** Most levels: symbols of a byte. */
export const MAX_LEVELS = 256;
/** Above every number in their order. */
const NO_THRESHOLD = 0xffff_ffff;

/** Quantizers whose elements depend on one index each. */
type ElementwiseQuantizer = Extract<IndexingQuantizer, { kind: 'affine' | 'levels' | 'grouped' }>;

/** Where the groups of a tensor's channels are. */
export interface GroupGeometry {
  /** 1 if all elements share one row. */
  readonly groupCount: number;
  readonly channels: number;
  /** Elements from one channel to the next. */
  readonly inner: number;
}

/**
 * Checks that kernels know the quantizer.
 * @throws {UnsupportedError} if they do not
 */
export function checkQuantizer(quantizer: IndexingQuantizer): IndexAlphabet {
  elementwise(quantizer);
  const alphabet = alphabetOfQuantizer(quantizer);
  if (alphabet.levelCount > MAX_LEVELS)
    throw new UnsupportedError('quantizer', `at most ${MAX_LEVELS} levels`, `${alphabet.levelCount}`);
  return alphabet;
}

function elementwise(quantizer: IndexingQuantizer): ElementwiseQuantizer {
  const { kind } = quantizer;
  if (kind !== 'affine' && kind !== 'levels' && kind !== 'grouped')
    throw new UnsupportedError('quantizer', 'levels of single float32 elements', kind);
  return quantizer;
}

/** Words of a row: a power of two, at least as many as levels. */
export function rowLengthOf(levelCount: number): number {
  return 2 ** Math.ceil(Math.log2(levelCount));
}

/** The groups of a tensor. */
export function groupGeometry(quantizer: IndexingQuantizer, shape: Shape): GroupGeometry {
  if (quantizer.kind !== 'grouped') return { groupCount: 1, channels: 1, inner: 1 };
  const { axis, steps } = quantizer.grouped;
  const inner = shape.slice(axis + 1).reduce((product, dimension) => product * dimension, 1);
  return { groupCount: steps.length, channels: shape[axis], inner };
}

/** Rows of thresholds by their order, filled up with one that nothing reaches; then the group of each channel. */
export function thresholdRows(fixed: FixedQuantizer, shape: Shape): Uint32Array<ArrayBuffer> {
  const quantizer = elementwise(fixed.quantizer);
  const rowOf = (affine: AffineQuantizer): Uint32Array => ordersOfThresholds(decisionThresholds(affine));
  const rows =
    quantizer.kind === 'levels'
      ? [ordersOfThresholds(fixed.thresholds!)]
      : affinesOf(quantizer).map((affine) => rowOf(affine));
  return joinRows(rows, NO_THRESHOLD, quantizer, shape);
}

/** Rows of levels as the bits of float32 numbers; then the group of each channel. */
export function levelRows(quantizer: IndexingQuantizer, shape: Shape): Uint32Array<ArrayBuffer> {
  const known = elementwise(quantizer);
  const levels = known.kind === 'levels' ? [known.levels] : affinesOf(known).map(levelsOfQuantizer);
  const rows = levels.map((row) => new Uint32Array(row.slice().buffer));
  return joinRows(rows, 0, known, shape);
}

function affinesOf(quantizer: Extract<IndexingQuantizer, { kind: 'affine' | 'grouped' }>): AffineQuantizer[] {
  if (quantizer.kind === 'affine') return [quantizer.affine];
  const { grouped } = quantizer;
  return Array.from(grouped.steps, (_, group) => affineOfGroup(grouped, group));
}

function joinRows(
  rows: readonly Uint32Array[],
  filling: number,
  quantizer: ElementwiseQuantizer,
  shape: Shape,
): Uint32Array<ArrayBuffer> {
  const rowLength = rowLengthOf(alphabetOfQuantizer(quantizer).levelCount);
  const { channels } = groupGeometry(quantizer, shape);
  const words = new Uint32Array(rows.length * rowLength + channels).fill(filling);
  for (const [group, row] of rows.entries()) words.set(row, group * rowLength);
  for (let channel = 0; channel < channels; channel++)
    words[rows.length * rowLength + channel] = groupOfChannel(quantizer, channel, channels);
  return words;
}

function groupOfChannel(quantizer: ElementwiseQuantizer, channel: number, channels: number): number {
  if (quantizer.kind !== 'grouped') return 0;
  const { groupOfChannel: listed, steps } = quantizer.grouped;
  return listed ? listed[channel] : Math.floor((channel * steps.length) / channels);
}
