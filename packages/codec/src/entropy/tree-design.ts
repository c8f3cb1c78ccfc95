/** Design of a table as a tree for given counts, by the bits of the tree and of the symbols under it. Encoding only. */

import type { SymbolAlphabet, TableTree } from '../stages.js';
import {
  choiceBits,
  EVEN,
  halvesOf,
  largestClass,
  MAX_MASS_BITS,
  ROOT_WEIGHT,
  rootOf,
  symbolOrder,
  type TreeNode,
  weightOfFirstHalf,
} from './histogram-tree.js';

/** Sizes of nodes in which an empty half is expected, as log2; 0 is the form without gaps. */
const GAPS_LOG2 = [0, 1, 2, 3, 4];
const MIN_MASS_BITS = 1;

/**
 * Designs a tree. Each node takes the class nearest to its own share; it is split if that pays, with all that comes
 * below it.
 * @param counts - of each symbol, at least one positive
 */
export function designTree(counts: Float64Array, alphabet: SymbolAlphabet): TreeShape {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const finest = Math.min(Math.max(Math.round(Math.log2(total)), MIN_MASS_BITS + 1), MAX_MASS_BITS);
  const forms = GAPS_LOG2.filter((gapLog2) => gapLog2 === 0 || 2 ** gapLog2 < alphabet.size).flatMap(
    (gapLog2) => [finest, finest - 1].map((massBits) => designForm(counts, alphabet, gapLog2, massBits)),
  );
  return forms.reduce((a, b) => (b.bits < a.bits ? b : a)).tree;
}

/** A tree without the precision of its table. */
export type TreeShape = Pick<TableTree, 'kind' | 'alphabet' | 'massBits' | 'gapLog2' | 'shares'>;

function designForm(
  counts: Float64Array,
  alphabet: SymbolAlphabet,
  gapLog2: number,
  massBits: number,
): { tree: TreeShape; bits: number } {
  const order = symbolOrder(alphabet);
  const sums = new Float64Array(order.length + 1);
  order.forEach((symbol, i) => {
    sums[i + 1] = sums[i] + counts[symbol];
  });
  const shares: number[] = [];

  /** Appends the choices of a node and all below; returns their cost in bits. */
  const design = (node: TreeNode, weight: number): number => {
    const size = node.to - node.from;
    if (size === 1 || weight === 0) return 0;
    const position = shares.length;
    const count = sums[node.to] - sums[node.from];
    const [first, second] = halvesOf(node, alphabet);
    const largest = largestClass(weight, massBits);
    const evenBits = choiceBits(EVEN, largest, size, gapLog2) + count * Math.log2(size);
    const firstCount = sums[first.to] - sums[first.from];
    const share = nearestClass(firstCount, count - firstCount, largest);
    if (share === EVEN) {
      shares.push(EVEN);
      return evenBits;
    }
    shares.push(share);
    const firstWeight = weightOfFirstHalf(weight, share, largest);
    const splitCost =
      choiceBits(share, largest, size, gapLog2) +
      shareBits(firstCount, firstWeight / weight) +
      shareBits(count - firstCount, 1 - firstWeight / weight) +
      design(first, firstWeight) +
      design(second, weight - firstWeight);
    if (splitCost < evenBits) return splitCost;
    shares.length = position;
    shares.push(EVEN);
    return evenBits;
  };
  const bits = design(rootOf(alphabet), ROOT_WEIGHT);
  return { tree: { kind: 'tree', alphabet, massBits, gapLog2, shares: Int16Array.from(shares) }, bits };
}

/** The class whose share is nearest on the grid, one that leaves no symbol without weight; `EVEN` if none is. */
function nearestClass(firstCount: number, secondCount: number, largest: number): number {
  if (firstCount === 0 && secondCount === 0) return EVEN;
  if (firstCount === 0) return 0;
  if (secondCount === 0) return largest;
  if (largest < 2) return EVEN;
  const ideal = largest / (1 + Math.sqrt(secondCount / firstCount));
  return Math.min(Math.max(Math.round(ideal), 1), largest - 1);
}

function shareBits(count: number, share: number): number {
  return count === 0 ? 0 : -count * Math.log2(share);
}
