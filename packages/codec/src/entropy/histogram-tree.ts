/**
 * Frequency tables as trees (bitstream.md §6.4). The alphabet is halved again and again; each node says how its weight
 * is shared by its two halves, or that its symbols are alike. Shares lie on a grid that is as fine as the node's weight
 * can tell apart, so that a table costs about half the binary logarithm of each part's count: what is known as the
 * price of a parameter (Rissanen, "Modeling by shortest data description", 1978). Where a histogram is even the tree ends.
 */

import type { BitReader, BitWriter } from '../bitstream/bits.js';
import type { SymbolAlphabet, TableTree } from '../stages.js';

/** log2 of the weight that a whole tree shares out. */
const ROOT_WEIGHT_LOG2 = 32;
export const ROOT_WEIGHT = 2 ** ROOT_WEIGHT_LOG2;
export const MAX_MASS_BITS = 20;
const MASS_BITS_FIELD = 5;
/** A node whose symbols are alike. */
export const EVEN = -1;
const GAP_FIELD = 3;
/** Sides of the peak from this size on have their outermost symbol apart: clipping piles values up there. */
const MIN_SIDE_WITH_END = 4;

/** A range of positions in the order of `symbolOrder`, and how it may still be special. */
export interface TreeNode {
  readonly from: number;
  readonly to: number;
  readonly kind: 'root' | 'sides' | 'side' | 'plain';
}

/** The node of all symbols. */
export function rootOf(alphabet: SymbolAlphabet): TreeNode {
  return { from: 0, to: alphabet.size, kind: 'root' };
}

/** Symbols in the order in which every node of a tree is a range: the peak, its lower side, its upper side. */
export function symbolOrder({ size, peak }: SymbolAlphabet): Uint8Array {
  const order = [peak];
  for (let symbol = 0; symbol < peak; symbol++) order.push(symbol);
  if (peak < size - 1) order.push(size - 1);
  for (let symbol = peak + 1; symbol < size - 1; symbol++) order.push(symbol);
  return Uint8Array.from(order);
}

/** The two halves of a node of at least two symbols. */
export function halvesOf({ from, to, kind }: TreeNode, { size, peak }: SymbolAlphabet): [TreeNode, TreeNode] {
  switch (kind) {
    case 'root': {
      const rest = peak > 0 && peak < size - 1 ? 'sides' : 'side';
      return [
        { from, to: 1, kind: 'plain' },
        { from: 1, to, kind: rest },
      ];
    }
    case 'sides':
      return [
        { from, to: 1 + peak, kind: 'side' },
        { from: 1 + peak, to, kind: 'side' },
      ];
    case 'side':
    case 'plain': {
      const count = to - from;
      const isEnd = kind === 'side' && count >= MIN_SIDE_WITH_END;
      const middle = from + (isEnd ? 1 : 2 ** (31 - Math.clz32(count - 1)));
      return [
        { from, to: middle, kind: 'plain' },
        { from: middle, to, kind: 'plain' },
      ];
    }
    default:
      return kind satisfies never;
  }
}

/** Largest class of a node's share: class j of K gives its first half j² / (j² + (K - j)²) of the weight. */
export function largestClass(weight: number, massBits: number): number {
  const mass = Math.floor(weight / 2 ** (ROOT_WEIGHT_LOG2 - massBits));
  return mass < 2 ? 1 : 2 * Math.floor((Math.floor(Math.sqrt(mass)) + 1) / 2);
}

/** Weight of a node's first half; the second has the rest. */
export function weightOfFirstHalf(weight: number, shareClass: number, largest: number): number {
  const first = shareClass * shareClass;
  const second = (largest - shareClass) * (largest - shareClass);
  // Exact: the weight has 33 bits at most, the squares 20.
  return Math.floor((weight * first) / (first + second));
}

/** Weights of all symbols of a tree. */
export function weightsOfTree({ alphabet, massBits, shares }: TableTree): Float64Array {
  let next = 0;
  return walkTree(alphabet, massBits, () => shares[next++]);
}

/** Writes a tree after the fields that all tables have. */
export function writeTree(bits: BitWriter, { alphabet, massBits, gapLog2, shares }: TableTree): void {
  bits.writeBits(massBits, MASS_BITS_FIELD);
  bits.writeBits(gapLog2, GAP_FIELD);
  let next = 0;
  walkTree(alphabet, massBits, (largest, size) => {
    const share = shares[next++];
    if (gapLog2 > 0) writeGappedChoice(bits, share, largest, size <= 2 ** gapLog2);
    else writeChoice(bits, share, largest);
    return share;
  });
}

/** Reads a tree. @returns the tree, or the reason for which the bits are not one */
export function readTree(
  bits: BitReader,
  alphabet: SymbolAlphabet,
  precisionBits: number,
): TableTree | string {
  const massBits = bits.readBits(MASS_BITS_FIELD);
  if (massBits < 1 || massBits > MAX_MASS_BITS)
    return `mass of 2^${massBits} is not in 2^1 … 2^${MAX_MASS_BITS}`;
  const gapLog2 = bits.readBits(GAP_FIELD);
  const shares: number[] = [];
  walkTree(alphabet, massBits, (largest, size) => {
    const share =
      gapLog2 > 0 ? readGappedChoice(bits, largest, size <= 2 ** gapLog2) : readChoice(bits, largest);
    shares.push(share);
    return share;
  });
  if (bits.overrun) return 'table ends early';
  return { kind: 'tree', alphabet, precisionBits, massBits, gapLog2, shares: Int16Array.from(shares) };
}

/** Bits of a node's choice. */
export function choiceBits(share: number, largest: number, size: number, gapLog2: number): number {
  if (gapLog2 === 0) return share === EVEN ? 1 : 1 + classBits(share, largest);
  if (share === EVEN) return largest < 2 ? 1 : 2;
  const isSmall = largest < 2 || size <= 2 ** gapLog2;
  if (share === 0 || share === largest) return isSmall ? 2 : 3;
  return (isSmall ? 2 : 1) + classBits(share - 1, largest - 2);
}

/** 0 for an even node, or 1 and the class. */
function writeChoice(bits: BitWriter, share: number, largest: number): void {
  bits.writeBits(share === EVEN ? 0 : 1, 1);
  if (share !== EVEN) writeClass(bits, share, largest);
}

function readChoice(bits: BitReader, largest: number): number {
  return bits.readBits(1) === 0 ? EVEN : readClass(bits, largest);
}

/**
 * An empty half, a class between, or an even node. The first bit is 0 for what is expected: in small nodes an empty
 * half, in others a class. A node whose mass cannot be shared has no class.
 */
function writeGappedChoice(bits: BitWriter, share: number, largest: number, isSmall: boolean): void {
  const isOneSided = share === 0 || share === largest;
  const isExpected = share !== EVEN && isOneSided === (isSmall || largest < 2);
  bits.writeBits(isExpected ? 0 : 1, 1);
  if (!isExpected && largest >= 2) bits.writeBits(share === EVEN ? 1 : 0, 1);
  if (share === EVEN) return;
  if (isOneSided) bits.writeBits(share === 0 ? 0 : 1, 1);
  else writeClass(bits, share - 1, largest - 2);
}

function readGappedChoice(bits: BitReader, largest: number, isSmall: boolean): number {
  const isExpected = bits.readBits(1) === 0;
  if (!isExpected && (largest < 2 || bits.readBits(1) === 1)) return EVEN;
  if (isExpected === (isSmall || largest < 2)) return bits.readBits(1) === 0 ? 0 : largest;
  return 1 + readClass(bits, largest - 2);
}

/**
 * Goes through a tree, first halves first, and asks for each node of two symbols or more and positive weight.
 * @param choose - the class of the node's share, given the largest one and the node's symbols, or `EVEN`
 * @returns the weights of all symbols
 */
function walkTree(
  alphabet: SymbolAlphabet,
  massBits: number,
  choose: (largest: number, size: number) => number,
): Float64Array {
  const order = symbolOrder(alphabet);
  const weights = new Float64Array(alphabet.size);
  const visit = (node: TreeNode, weight: number): void => {
    if (weight === 0) return;
    const count = node.to - node.from;
    const largest = largestClass(weight, massBits);
    const share = count > 1 ? choose(largest, count) : EVEN;
    if (share === EVEN) {
      for (let i = node.from; i < node.to; i++) weights[order[i]] = Math.floor(weight / count);
      return;
    }
    const [first, second] = halvesOf(node, alphabet);
    const firstWeight = weightOfFirstHalf(weight, share, largest);
    visit(first, firstWeight);
    visit(second, weight - firstWeight);
  };
  visit(rootOf(alphabet), ROOT_WEIGHT);
  return weights;
}

/** Classes are coded in `width` bits for the first `shortCount` of them and one bit more for the others. */
function classCode(largest: number): { width: number; shortCount: number } {
  const width = 31 - Math.clz32(largest + 1);
  return { width, shortCount: 2 ** (width + 1) - (largest + 1) };
}

function classBits(shareClass: number, largest: number): number {
  const { width, shortCount } = classCode(largest);
  return width + (shareClass < shortCount ? 0 : 1);
}

function writeClass(bits: BitWriter, shareClass: number, largest: number): void {
  const { width, shortCount } = classCode(largest);
  if (shareClass < shortCount) {
    bits.writeBits(shareClass, width);
    return;
  }
  const long = shareClass - shortCount;
  bits.writeBits(shortCount + (long >> 1), width);
  bits.writeBits(long & 1, 1);
}

function readClass(bits: BitReader, largest: number): number {
  const { width, shortCount } = classCode(largest);
  const value = bits.readBits(width);
  return value < shortCount ? value : shortCount + 2 * (value - shortCount) + bits.readBits(1);
}
