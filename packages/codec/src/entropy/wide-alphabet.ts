/**
 * Indices as tokens and raw bits: the hybrid integer coding of JPEG XL (ISO/IEC 18181-1) with
 * 32 direct values and 4 leading bits in the token, applied to indices folded around the background index
 * (bitstream.md §8). Within one token the density is nearly flat, so raw bits lose little. Alphabets over 8 bits
 * need tokens; smaller ones gain where many rare indices would each hold a smallest frequency.
 */

import type { BitReader, BitWriter } from '../bitstream/bits.js';
import { allocateIndices } from '../bitstream/index-array.js';
import type { Indices } from '../stages.js';

const DIRECT_VALUES = 32;
const DIRECT_LOG2 = 5;
const LEADING_BITS = 4;

/** Tokens 0, 1 and 2 may stand for single indices that pile up; the middle one, for the knots of a table. */
export const TOKEN_PEAK = 1;

/** Fewer levels have no inner index to fold. */
export const MIN_TOKEN_LEVELS = 3;

/** Alphabets up to this size gain nothing from tokens. */
export const MAX_DIRECT_ALPHABET = DIRECT_VALUES;

/** Tokens that indices below `levelCount` can have; 208 for 65,536 levels. */
export function tokenCount(levelCount: number): number {
  return tokenOfFolded(levelCount - 1) + 1;
}

/** Token of a folded index. */
export function tokenOfFolded(folded: number): number {
  if (folded < DIRECT_VALUES) return folded;
  const octave = 31 - Math.clz32(folded);
  const leading = (folded >>> (octave - LEADING_BITS)) & ((1 << LEADING_BITS) - 1);
  return DIRECT_VALUES + (octave - DIRECT_LOG2) * (1 << LEADING_BITS) + leading;
}

/** Raw bits that follow a token. */
export function rawBitsOfToken(token: number): number {
  return token < DIRECT_VALUES ? 0 : ((token - DIRECT_VALUES) >>> LEADING_BITS) + DIRECT_LOG2 - LEADING_BITS;
}

/** Smallest folded index of a token. */
function baseOfToken(token: number): number {
  if (token < DIRECT_VALUES) return token;
  const leading = (token - DIRECT_VALUES) & ((1 << LEADING_BITS) - 1);
  return ((1 << LEADING_BITS) | leading) << rawBitsOfToken(token);
}

/**
 * Rank of an index by how often it is expected: the background, the outer indices (where clipping piles values
 * up), then the inner indices by their distance from the background.
 * @param levelCount - 3 or more
 */
export function foldIndex(index: number, background: number, levelCount: number): number {
  const last = levelCount - 1;
  if (index === background) return 0;
  if (index === last) return 1;
  if (index === 0) return background === last ? 1 : 2;
  return 2 + foldAround(index - 1, innerBackground(background, levelCount), levelCount - 2);
}

/** Inverse of `foldIndex`. */
export function unfoldIndex(folded: number, background: number, levelCount: number): number {
  const last = levelCount - 1;
  if (folded === 0) return background;
  if (folded === 1) return background === last ? 0 : last;
  if (folded === 2 && background > 0 && background < last) return 0;
  return 1 + unfoldAround(folded - 2, innerBackground(background, levelCount), levelCount - 2);
}

/** The background among the inner indices, which start at 0; the nearest of them if it is an outer one. */
function innerBackground(background: number, levelCount: number): number {
  return Math.min(Math.max(background - 1, 0), levelCount - 3);
}

/** 0 for the center, then its neighbors in turn, then the rest of the longer side. */
function foldAround(position: number, center: number, count: number): number {
  const bothSides = Math.min(center, count - 1 - center);
  const distance = Math.abs(position - center);
  if (distance > bothSides) return bothSides + distance;
  return position > center ? 2 * distance - 1 : 2 * distance;
}

function unfoldAround(folded: number, center: number, count: number): number {
  const bothSides = Math.min(center, count - 1 - center);
  if (folded > 2 * bothSides) {
    const distance = folded - bothSides;
    return center === bothSides ? center + distance : center - distance;
  }
  return folded & 1 ? center + (folded + 1) / 2 : center - folded / 2;
}

/** Counts of tokens, and all raw bits, of indices with the given counts. */
export function countTokens(
  indexCounts: Uint32Array,
  alphabet: { readonly levelCount: number; readonly background: number },
): { tokenCounts: Uint32Array; rawBitCount: number } {
  const { levelCount, background } = alphabet;
  const tokenCounts = new Uint32Array(tokenCount(levelCount));
  let rawBitCount = 0;
  for (let index = 0; index < levelCount; index++) {
    const token = tokenOfFolded(foldIndex(index, background, levelCount));
    tokenCounts[token] += indexCounts[index];
    rawBitCount += rawBitsOfToken(token) * indexCounts[index];
  }
  return { tokenCounts, rawBitCount };
}

/** Tokens of indices; their raw bits go to `rawBits` in the same order. */
export function splitIndices(
  indices: Indices,
  background: number,
  levelCount: number,
  rawBits: BitWriter,
): Uint8Array {
  const tokens = new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const folded = foldIndex(indices[i], background, levelCount);
    const token = tokenOfFolded(folded);
    tokens[i] = token;
    const count = rawBitsOfToken(token);
    rawBits.writeBits(folded & ((1 << count) - 1), count);
  }
  return tokens;
}

/**
 * Inverse of `splitIndices`.
 * @returns the indices, or -1 minus the position of the first that is not below `levelCount`
 */
export function joinIndices(
  tokens: Uint8Array,
  background: number,
  levelCount: number,
  rawBits: BitReader,
): Indices | number {
  const indices = allocateIndices(tokens.length, levelCount);
  for (let i = 0; i < tokens.length; i++) {
    const folded = baseOfToken(tokens[i]) + rawBits.readBits(rawBitsOfToken(tokens[i]));
    if (folded >= levelCount) return -1 - i;
    indices[i] = unfoldIndex(folded, background, levelCount);
  }
  return indices;
}
