/**
 * The coders that tell elements by their neighbors, as `auto` tries them beside a table: rANS with contexts, trees of bins and
 * the binary coder. Encoding only.
 */

import type { CodedIndices, EntropyKernels, FeatureGeometry, IndexAlphabet, Indices } from '../stages.js';
import { MAX_TREE_LEVELS } from './binary/bin-trees.js';
import { contextBytes, promisingContexts } from './encode-by-contexts.js';
import { encodeByTrees, treeBytes } from './encode-by-trees.js';
import { type OptionalStep, runTimed, type TimeBudget } from './time-budget.js';

/** `auto` takes the binary coder's larger effort up to this many elements. */
const MAX_AUTO_BINARY_ELEMENTS = 2 ** 17;
/** Levels beyond which `auto` does not try the binary coder: contexts gain little and every index takes many bins. */
const MAX_AUTO_BINARY_LEVELS = 64;
/** The binary coder is taken only if it saves this share of the next smaller: it is ten to fifty times slower. */
const BINARY_GAIN = 0.02;

/** `auto` tries trees of bins for tensors up to this many elements: they take five to twenty times as long as rANS. */
const MAX_AUTO_TREE_ELEMENTS = 2 ** 22;
/** They are taken only if they save this share. */
const TREE_GAIN = 0.02;

/** `auto` designs a context model for larger tensors, up to this many elements: that takes longer than coding. */
const MAX_AUTO_CONTEXT_ELEMENTS = 2 ** 20;
/** It is taken only if it saves this share. */
const CONTEXT_GAIN = 0.02;

/**
 * The code by neighbors that the size of the tensor admits, if it is smaller than `tableBytes` and there is time. Each is
 * taken only if it saves its share of what the faster ones take.
 */
export function smallerByNeighbors(
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  tableBytes: number,
  time: TimeBudget,
): CodedIndices | undefined {
  const { length } = indices;
  let best: CodedIndices | undefined;
  let bestBytes = tableBytes;
  const consider = <T extends CodedIndices>(
    step: OptionalStep,
    gain: number,
    encode: () => T | undefined,
    bytesOf: (coded: T) => number,
  ): void => {
    if (!time.allows(step, length)) return;
    const coded = runTimed(step, length, encode);
    if (!coded || bytesOf(coded) >= bestBytes * (1 - gain)) return;
    best = coded;
    bestBytes = bytesOf(coded);
  };
  if (length > MAX_AUTO_BINARY_ELEMENTS && length <= MAX_AUTO_CONTEXT_ELEMENTS) {
    const encode = () => promisingContexts(indices, geometry, alphabet, kernels);
    consider('contexts', CONTEXT_GAIN, encode, contextBytes);
  }
  if (alphabet.levelCount <= MAX_TREE_LEVELS && length <= MAX_AUTO_TREE_ELEMENTS) {
    consider('binary-fast', TREE_GAIN, () => encodeByTrees(indices, geometry, alphabet, kernels), treeBytes);
  }
  if (alphabet.levelCount <= MAX_AUTO_BINARY_LEVELS && length <= MAX_AUTO_BINARY_ELEMENTS) {
    const encode = () => encodeByBins(indices, geometry, alphabet, kernels);
    consider('binary', BINARY_GAIN, encode, ({ bytes }) => bytes.length);
  }
  return best;
}

/** The code of the binary coder. */
export function encodeByBins(
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
): Extract<CodedIndices, { kind: 'binary' }> {
  return { kind: 'binary', bytes: kernels.encodeBins(indices, geometry, alphabet) };
}
