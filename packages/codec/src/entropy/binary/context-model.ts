/**
 * Indices as bins under adaptive contexts (bitstream.md §9): binarized by distance from the background, each bin
 * predicted from the neighbors that are coded already by five models whose logits are mixed. All arithmetic is on
 * integers. Nothing is sent but the bins: both ends start from even odds and learn alike.
 *
 * The binarization is truncated unary as in Cohen, Choi and Bajic (arXiv 2105.06002), with the background first;
 * mixing is logistic (Mahoney, "Adaptive weighing of context models", 2005).
 */

import { allocateIndices } from '../../bitstream/index-array.js';
import type { FeatureGeometry, IndexAlphabet, Indices } from '../../stages.js';
import { MixedModel, MODEL_COUNT } from './mixed-model.js';
import { type BinCoder, BinDecoder } from './range-coder.js';

const BIN_SIGNIFICANCE = 0;
const BIN_SIDE = 1;
const BIN_MAGNITUDE = 2;
/** Magnitude bins have contexts of their own up to this distance. */
const MAX_MAGNITUDE_BIN = 12;
/** Distances from here on are coded as this, and the rest by an exponential Golomb code. */
export const ESCAPE_MAGNITUDE = 15;
const BIN_ESCAPE = 28;
const MAX_ESCAPE_BITS = 16;

/** First context of each model: neighborhood and previous plane, activity, single neighbors, prediction, the last. */
const FIRST_CONTEXT = [0, 36, 36 + 96, 36 + 96 + 64, 36 + 96 + 64 + 64];
/** The last model tells planes apart, or signed neighbors where there are two sides. */
const LAST_CONTEXTS = 1024;
/** Contexts of all models. */
export const CONTEXT_COUNT = FIRST_CONTEXT[4] + LAST_CONTEXTS;
/** Predictions beyond this many indices from the background share a context. */
const MAX_PREDICTION = 31;

/** Contexts tell this many distances apart on the longer side of the background; larger alphabets are scaled to it. */
const CONTEXT_DISTANCES = 6;
/** Activity of a plane is unknown until this many of its elements are coded. */
const MIN_ACTIVITY_COUNT = 4;
const UNKNOWN_ACTIVITY = 7;

/** Inverse of `encodeBins` (`encode-bins.ts`). @returns the indices, or the reason for which the bytes are not a code of such */
export function decodeBins(
  bytes: Uint8Array,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): Indices | string {
  const count = geometry.planes * geometry.rows * geometry.columns;
  const indices = allocateIndices(count, alphabet.levelCount);
  if (bytes.length > 0 && bytes[bytes.length - 1] === 0) return 'binary code ends with a zero byte';
  const decoder = new BinDecoder(bytes);
  const reason = codeIndices(decoder, indices, geometry, alphabet);
  if (reason) return reason;
  return decoder.endsWell ? indices : 'binary code does not end where its last index does';
}

/**
 * Codes indices in order, plane by plane, row by row. An encoder reads `indices`, a decoder fills them.
 * @param indices - `planes * rows * columns` of them
 * @returns nothing, or the reason for which a decoder's bins are not indices
 */
export function codeIndices(
  coder: BinCoder,
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): string | undefined {
  const { planes, rows, columns } = geometry;
  const { levelCount } = alphabet;
  const model = new MixedModel(coder, CONTEXT_COUNT);
  const neighborhood = new Neighborhood(indices, geometry, alphabet);
  let position = 0;
  for (let plane = 0; plane < planes; plane++) {
    neighborhood.startPlane(plane);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, position++) {
        neighborhood.moveTo(position, row, column);
        model.setContexts(neighborhood.contexts);
        const index = codeIndex(model, indices[position], alphabet);
        if (index < 0 || index >= levelCount) return `index at element ${position} is over ${levelCount - 1}`;
        indices[position] = index;
        neighborhood.addLast();
      }
    }
  }
  return undefined;
}

/** Where the bins of an index go to, or come from. */
export interface BinSink {
  /** Codes a bin under what is known of it. */
  code(bin: number, target: number): number;
  /** Codes a bit that nothing is known of. */
  codeEven(target: number): number;
}

/** Codes one index; a decoder passes anything as `target`. @returns -1 if bins lead beyond any index */
export function codeIndex(model: BinSink, target: number, alphabet: IndexAlphabet): number {
  const { background, levelCount } = alphabet;
  const hasTwoSides = background > 0 && background < levelCount - 1;
  if (model.code(BIN_SIGNIFICANCE, target === background ? 0 : 1) === 0) return background;
  const isBelow = hasTwoSides ? model.code(BIN_SIDE, target < background ? 1 : 0) : Number(background > 0);
  const limit = isBelow ? background : levelCount - 1 - background;
  const distance = Math.abs(target - background);
  let magnitude = 1;
  while (magnitude < limit && magnitude < ESCAPE_MAGNITUDE) {
    const bin = BIN_MAGNITUDE + 2 * Math.min(magnitude, MAX_MAGNITUDE_BIN) - 2 + isBelow;
    if (model.code(bin, distance > magnitude ? 1 : 0) === 0) break;
    magnitude++;
  }
  if (magnitude === ESCAPE_MAGNITUDE && limit > ESCAPE_MAGNITUDE) {
    const rest = codeEscape(model, distance - ESCAPE_MAGNITUDE);
    if (rest < 0) return -1;
    magnitude += rest;
  }
  return isBelow ? background - magnitude : background + magnitude;
}

/** Exponential Golomb code of order 0: length in adaptive bins, then the bits below the leading one as they are. */
function codeEscape(model: BinSink, rest: number): number {
  const targetBits = 31 - Math.clz32(rest + 1);
  let bits = 0;
  while (model.code(BIN_ESCAPE + Math.min(bits, 3), bits < targetBits ? 1 : 0) === 1) {
    if (++bits > MAX_ESCAPE_BITS) return -1;
  }
  let value = 1;
  for (let bit = bits - 1; bit >= 0; bit--) value = value * 2 + model.codeEven(((rest + 1) >>> bit) & 1);
  return value - 1;
}

/** Contexts of the element at a position, from elements before it in the coding order. */
export class Neighborhood {
  /** Context of each model. */
  readonly contexts = new Int32Array(MODEL_COUNT);
  readonly #indices: Indices;
  readonly #columns: number;
  readonly #planeSize: number;
  readonly #background: number;
  readonly #hasTwoSides: boolean;
  /** Distances that count as one. */
  readonly #scale: number;
  #position = 0;
  #plane = 0;
  #sum = 0;
  #count = 0;

  constructor(indices: Indices, geometry: FeatureGeometry, { background, levelCount }: IndexAlphabet) {
    const last = levelCount - 1;
    this.#indices = indices;
    this.#columns = geometry.columns;
    this.#planeSize = geometry.rows * geometry.columns;
    this.#background = background;
    this.#hasTwoSides = background > 0 && background < last;
    this.#scale = contextScale(Math.max(background, last - background));
  }

  startPlane(plane: number): void {
    this.#plane = plane;
    this.#sum = 0;
    this.#count = 0;
  }

  /** Adds the element at the position, now that it is coded, to the plane's activity. */
  addLast(): void {
    this.#sum += Math.abs(this.#offsetAt(this.#position));
    this.#count++;
  }

  moveTo(position: number, row: number, column: number): void {
    this.#position = position;
    const hasLeft = column > 0;
    const hasAbove = row > 0;
    const above = position - this.#columns;
    const left = hasLeft ? this.#offsetAt(position - 1) : 0;
    const up = hasAbove ? this.#offsetAt(above) : 0;
    const upLeft = hasAbove && hasLeft ? this.#offsetAt(above - 1) : 0;
    const upRight = hasAbove && column < this.#columns - 1 ? this.#offsetAt(above + 1) : 0;
    const previous = this.#plane > 0 ? this.#offsetAt(position - this.#planeSize) : 0;
    const weighted = 2 * Math.abs(left) + 2 * Math.abs(up) + Math.abs(upLeft) + Math.abs(upRight);
    const near = neighborhoodClass(weighted);
    this.contexts[0] = FIRST_CONTEXT[0] + near * 3 + Math.min(Math.abs(previous), 2);
    this.contexts[1] = FIRST_CONTEXT[1] + this.#activity() * 12 + near;
    this.contexts[2] =
      FIRST_CONTEXT[2] +
      Math.min(Math.abs(left), 3) * 16 +
      Math.min(Math.abs(up), 3) * 4 +
      Math.min(Math.abs(upRight), 3);
    this.contexts[3] = FIRST_CONTEXT[3] + this.#prediction(position, hasLeft, hasAbove) + MAX_PREDICTION;
    const last = this.#hasTwoSides
      ? clampedOffset(left) * 49 + clampedOffset(up) * 7 + clampedOffset(upRight)
      : this.#plane % LAST_CONTEXTS;
    this.contexts[4] = FIRST_CONTEXT[4] + last;
  }

  /**
   * The median of left, above and their gradient (the predictor of JPEG-LS: Weinberger, Seroussi and Sapiro, 2000),
   * as a distance from the background in indices, within ± 31.
   */
  #prediction(position: number, hasLeft: boolean, hasAbove: boolean): number {
    const left = hasLeft ? this.#indices[position - 1] : this.#background;
    const up = hasAbove ? this.#indices[position - this.#columns] : this.#background;
    let predicted = hasLeft ? left : up;
    if (hasLeft && hasAbove) {
      const corner = this.#indices[position - this.#columns - 1];
      const low = Math.min(left, up);
      const high = Math.max(left, up);
      predicted = Math.min(Math.max(left + up - corner, low), high);
    }
    return Math.min(Math.max(predicted - this.#background, -MAX_PREDICTION), MAX_PREDICTION);
  }

  /** Signed distance from the background in scaled units, rounded away from 0. */
  #offsetAt(position: number): number {
    const offset = this.#indices[position] - this.#background;
    if (this.#scale === 1) return offset;
    const distance = Math.floor((Math.abs(offset) + this.#scale - 1) / this.#scale);
    return offset < 0 ? -distance : distance;
  }

  /** Mean distance so far, in 16ths, as the position of its leading bit, 0 … 6. */
  #activity(): number {
    if (this.#count < MIN_ACTIVITY_COUNT) return UNKNOWN_ACTIVITY;
    const mean = Math.floor((this.#sum * 16) / this.#count);
    return Math.min(31 - Math.clz32(mean + 1), UNKNOWN_ACTIVITY - 1);
  }
}

/** Distances that count as one where the longer side of the background has `longerSide`: the nearest to a sixth. */
function contextScale(longerSide: number): number {
  return Math.max(1, Math.floor((2 * longerSide + CONTEXT_DISTANCES) / (2 * CONTEXT_DISTANCES)));
}

/** 12 classes of a weighted sum of distances: 0 … 7 alone, 8 … 11, 12 … 17, 18 … 29, and 30 on. */
function neighborhoodClass(weighted: number): number {
  if (weighted < 8) return weighted;
  if (weighted < 12) return 8;
  if (weighted < 18) return 9;
  return weighted < 30 ? 10 : 11;
}

function clampedOffset(offset: number): number {
  return Math.min(Math.max(offset, -3), 3) + 3;
}
