/**
 * Indices as paths through binary trees of adaptive bins (bitstream.md §18), the fast one of the two binary coders: each
 * node of a tree has a probability that follows its bins, and the sum of two neighbors chooses the tree. Up to four lanes
 * code parts of the tensor that know nothing of each other, so that a processor can work on them at once.
 *
 * One adaptive context for each bin and a fixed rate of learning are those of Cohen, Choi and Bajic
 * (arXiv 2105.06002); a tree takes the place of their truncated unary code, since it has the same number of bins for every
 * index.
 */

import { elementsOf, type FeatureGeometry, type IndexAlphabet } from '../../stages.js';
import type { BinCoder } from './range-coder.js';
import { WORD_BYTES, WordDecoder } from './word-range-coder.js';

/** Most levels of an alphabet. */
export const MAX_TREE_LEVELS = 256;
export const MAX_TREE_LANES = 4;
/** Elements that a lane is worth: it learns alone. */
const MIN_LANE_ELEMENTS = 8_192;

/** Trees: sums of two neighbors are shifted to this many. */
export const TREE_COUNT = 16;
const TREE_COUNT_LOG2 = 4;
const FIRST_PROBABILITY = 1 << 15;
const LEARNING_SHIFT = 5;
/** What probabilities move towards, a 32nd of the way: they stay in 31 … 65505. */
const TARGET_OF_ONE = 65_536;
const TARGET_OF_ZERO = 31;

/** Bins of an index. @param levelCount - 2 to 256 */
export function treeDepth(levelCount: number): number {
  return 32 - Math.clz32(levelCount - 1);
}

/** Bits by which sums of two neighbors are shifted to be numbers of trees. */
export function treeShift(levelCount: number): number {
  return Math.max(0, treeDepth(levelCount) + 1 - TREE_COUNT_LOG2);
}

/** First element of each lane, and the end of the last one. */
export function laneBounds(count: number, laneCount: number): number[] {
  const length = Math.floor(count / laneCount);
  return Array.from({ length: laneCount + 1 }, (_, lane) => (lane < laneCount ? lane * length : count));
}

/** Lanes for so many elements. */
export function chooseTreeLanes(count: number): number {
  let laneCount = 1;
  while (laneCount < MAX_TREE_LANES && count >= 2 * laneCount * MIN_LANE_ELEMENTS) laneCount *= 2;
  return laneCount;
}

/** `EntropyKernels.decodeTrees`. */
export function decodeTrees(
  lanes: readonly Uint8Array[],
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): Uint8Array | string {
  const indices = new Uint8Array(elementsOf(geometry));
  const bounds = laneBounds(indices.length, lanes.length);
  for (const [lane, bytes] of lanes.entries()) {
    if (hasWrongWords(bytes)) return `lane ${lane} is of no encoder`;
    const decoder = new WordDecoder(bytes);
    const part = indices.subarray(bounds[lane], bounds[lane + 1]);
    const wrong = codeLane(decoder, part, geometry.columns, alphabet);
    if (wrong >= 0) return `index at element ${bounds[lane] + wrong} is over ${alphabet.levelCount - 1}`;
    if (!decoder.endsWell) return `lane ${lane} does not end where its last index does`;
  }
  return indices;
}

/** Whether a lane begins with a code that is not below the first range, 2^32 - 1, or ends with a word of 0. */
export function hasWrongWords(bytes: Uint8Array): boolean {
  const last = bytes.subarray(-WORD_BYTES);
  return (
    (bytes[0] & bytes[1] & bytes[2] & bytes[3]) === 0xff ||
    (last.length > 0 && last.every((byte) => byte === 0))
  );
}

/**
 * Codes the indices of a lane in order. An encoder reads them, a decoder fills them.
 * @returns the first element whose index a decoder finds to be none, or -1
 */
export function codeLane(
  coder: BinCoder,
  indices: Uint8Array,
  columns: number,
  { levelCount, background }: IndexAlphabet,
): number {
  const depth = treeDepth(levelCount);
  const shift = treeShift(levelCount);
  const probabilities = new Uint16Array(TREE_COUNT << depth).fill(FIRST_PROBABILITY);
  for (let i = 0; i < indices.length; i++) {
    const left = i >= 1 ? indices[i - 1] : background;
    const above = i >= columns ? indices[i - columns] : background;
    const tree = ((left + above) >> shift) << depth;
    let node = 1;
    for (let bit = depth - 1; bit >= 0; bit--) {
      const old = probabilities[tree + node];
      const bin = coder.code((indices[i] >> bit) & 1, old);
      probabilities[tree + node] =
        old + (((bin === 1 ? TARGET_OF_ONE : TARGET_OF_ZERO) - old) >> LEARNING_SHIFT);
      node = 2 * node + bin;
    }
    const index = node - (1 << depth);
    if (index >= levelCount) return i;
    indices[i] = index;
  }
  return -1;
}
