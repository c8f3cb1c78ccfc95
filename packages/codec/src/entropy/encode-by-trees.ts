/** The coder section of indices in trees of bins. Encoding only. */

import type { CodedIndices, EntropyKernels, FeatureGeometry, IndexAlphabet, Indices } from '../stages.js';
import { chooseTreeLanes, MAX_TREE_LEVELS } from './binary/bin-trees.js';

/** The section of the coder. */
export type TreeCodedIndices = Extract<CodedIndices, { kind: 'binary-fast' }>;

/** What a lane takes beside its words, for estimates: their number. */
const BYTES_OF_WORD_COUNT = 2;

/**
 * Codes indices in trees.
 * @param laneCount - 1, 2 or 4; by default chosen by the number of indices
 * @throws {RangeError} for more than 256 levels
 */
export function encodeByTrees(
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  laneCount: number = chooseTreeLanes(indices.length),
): TreeCodedIndices {
  if (!(indices instanceof Uint8Array))
    throw new RangeError(
      `levelCount expected 2 to ${MAX_TREE_LEVELS} for binary-fast, got ${alphabet.levelCount}`,
    );
  return { kind: 'binary-fast', lanes: kernels.encodeTrees(indices, geometry, alphabet, laneCount) };
}

/** Bytes of all lanes. */
export function treeBytes({ lanes }: TreeCodedIndices): number {
  return lanes.reduce((sum, { length }) => sum + length + BYTES_OF_WORD_COUNT, 0);
}
