/**
 * Frames that must not exceed a size. A ladder of quantizers from fine to coarse is searched for the finest whose
 * frame, as really coded, fits: more levels at the top, at the foot a few levels designed for less and less rate, last
 * a constant. Encoding only.
 */

import { allocateData, elementCount, type Shape, type Tensor } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { MAX_TREE_LEVELS } from '../entropy/binary/bin-trees.js';
import { MAX_CONTEXT_LEVELS } from '../entropy/contexts/context-model.js';
import type { CoderChoice } from '../entropy/encode-indices.js';
import { MAX_PACKED_LEVELS } from '../entropy/packed-symbols.js';
import { dataOfValues, valuesOfTensor } from '../feature/feature-values.js';
import { limitsOfRange } from '../feature/quantize-feature.js';
import type { LayoutChoice } from '../indices/layout-choice.js';
import { MAX_LIMIT } from '../quantizer/affine.js';
import { designLevels } from '../quantizer/entropy-constrained.js';
import { finiteLimits } from '../quantizer/range.js';
import { distributionOfStatistics, statisticsOf, varianceOf } from '../quantizer/statistics.js';
import { decodeFrame } from './frame-decoder.js';
import { encodeFrame, type QuantizerChoice, type RangeChoice } from './frame-encoder.js';

/** A size that no frame of the tensor reaches. */
export class BudgetError extends RangeError {
  override readonly name = 'BudgetError';
  /** Bytes of the smallest frame that holds a tensor of this shape and type. */
  readonly smallestBytes: number;

  constructor(maxBytes: number, smallestBytes: number) {
    super(`maxBytes expected at least ${smallestBytes} for this tensor, got ${maxBytes}`);
    this.smallestBytes = smallestBytes;
  }
}

/** What must be met, and with what. */
export interface BudgetOptions {
  /** Most bytes of the frame, headers and checksum included. `bytesOfRate` gives those of a rate. */
  readonly maxBytes: number;
  /** Clip limits of the fine quantizers, designed anew for each level count; the range of the finite values by default. */
  readonly range?: RangeChoice;
  /** Most levels to spend, 2 to 65,536; 256 by default. Contexts and packed symbols are for up to 16 and spend no more. */
  readonly maxLevelCount?: number;
  readonly coder?: CoderChoice;
  readonly layout?: LayoutChoice;
  /** Milliseconds after which the search ends with the best frame found, and as in `FrameExtras`; no limit by default. */
  readonly maxMs?: number;
  readonly backend: Backend;
}

/** A frame within its budget. */
export interface BudgetedFrame {
  readonly frame: Uint8Array;
  /** What it was quantized by; null for a constant. */
  readonly quantizer: QuantizerChoice | null;
}

/**
 * Bytes of a frame at a rate.
 * @param bitsPerElement - of the whole frame
 * @throws {RangeError} if it is not positive
 */
export function bytesOfRate(shape: Shape, bitsPerElement: number): number {
  if (!(bitsPerElement > 0))
    throw new RangeError(`bitsPerElement expected a positive number, got ${bitsPerElement}`);
  return Math.floor((elementCount(shape) * bitsPerElement) / 8);
}

/** What makes a constant tensor a constant frame. */
const PLAIN = { quantizer: { kind: 'uniform', levelCount: 2, range: { kind: 'minmax' } } } as const;
/** Level counts of the ladder: every small one, then about six an octave. */
const MAX_DENSE_LEVEL_COUNT = 16;
const STEPS_PER_OCTAVE = 6;
/** Levels that designed ones begin with; the design drops what does not pay. */
const DESIGNED_LEVEL_COUNT = 4;
/** What a bit may cost in designs, in parts of the variance: beyond the last hardly an element differs from the rest. */
const LAMBDAS = Array.from({ length: 48 }, (_, i) => 0.02 * 2 ** (i / 4));

/**
 * Codes a tensor in at most `maxBytes`.
 * @param feature - float32, float16, int8 or uint8; not modified
 * @throws {BudgetError} if even a constant takes more; its `smallestBytes` says how much
 * @throws {RangeError} @throws {TypeError} as `encodeFrame` does
 */
export function encodeWithinBytes(feature: Tensor, options: BudgetOptions): BudgetedFrame {
  const { maxBytes, maxMs = Number.POSITIVE_INFINITY, backend } = options;
  const end = performance.now() + maxMs;
  const constant = encodeConstant(feature, backend);
  if (constant.frame.length > maxBytes) throw new BudgetError(maxBytes, constant.frame.length);
  const rungs = ladder(feature, options);
  // Sizes fall along the ladder but for small steps up; what is returned has been coded, so it does fit.
  let best = constant;
  let finer = 0;
  let coarser = rungs.length;
  while (finer < coarser && performance.now() < end) {
    const middle = (finer + coarser) >>> 1;
    const left = Math.max(0, end - performance.now());
    const candidate = encodeRung(feature, rungs[middle], options, left);
    if (candidate.frame.length <= maxBytes) {
      best = candidate;
      coarser = middle;
    } else {
      finer = middle + 1;
    }
  }
  // Levels for very little rate may be further from the elements than their mean, which is smaller too.
  const worthIt = squaredError(feature, best, backend) < squaredError(feature, constant, backend);
  return worthIt ? best : constant;
}

function squaredError(feature: Tensor, { frame }: BudgetedFrame, backend: Backend): number {
  const values = valuesOfTensor(feature);
  const limits = { maxElements: Math.max(1, values.length) };
  const decoded = valuesOfTensor(decodeFrame(frame, { backend, limits }));
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) sum += (values[i] - decoded[i]) ** 2;
  }
  return sum;
}

/** One quantizer of the ladder. */
interface Rung {
  /** Found only for rungs that are tried: a design takes its time. */
  quantizer(): QuantizerChoice;
}

/** From the most levels to two, then designed ones; nothing for a tensor that a constant holds exactly. */
function ladder(feature: Tensor, options: BudgetOptions): Rung[] {
  const { maxLevelCount = 256, range = { kind: 'minmax' }, backend } = options;
  const values = valuesOfTensor(feature);
  const measured = backend.measureRange(values);
  if (measured.nanCount > 0) encodeFrame(feature, { ...PLAIN, backend }); // refuses NaN in its own words
  if (values.length === 0 || measured.low === measured.high) return [];
  const limitsFor = limitsOfRange(values, measured, range);
  const highest = Math.min(maxLevelCount, maxLevelsOfCoder(options.coder));
  const fine = levelCounts(highest).map((levelCount) => ({
    quantizer: (): QuantizerChoice => {
      const { low, high } = limitsFor(levelCount);
      return { kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } };
    },
  }));
  return [...fine, ...designedRungs(values)];
}

function maxLevelsOfCoder(coder?: CoderChoice): number {
  if (coder === 'rans-contexts') return MAX_CONTEXT_LEVELS;
  if (coder === 'binary-fast') return MAX_TREE_LEVELS;
  return coder === 'rans-packed' ? MAX_PACKED_LEVELS : Number.POSITIVE_INFINITY;
}

/** Listed levels of ever less rate. */
function designedRungs(values: Float32Array): Rung[] {
  const statistics = statisticsOf(values);
  const { low, high } = finiteLimits(values, { ...statistics, nanCount: 0 });
  if (!(limited(low) < limited(high))) return [];
  const distribution = distributionOfStatistics(statistics);
  const variance = varianceOf(statistics);
  return LAMBDAS.map((share) => ({
    quantizer: () => {
      const { levels, thresholds } = designLevels(distribution, {
        levelCount: DESIGNED_LEVEL_COUNT,
        lambda: share * variance,
        low: limited(low),
        high: limited(high),
        ends: 'free',
      });
      return { kind: 'levels', levels, thresholds };
    },
  }));
}

function levelCounts(maxLevelCount: number): number[] {
  const counts = new Set([maxLevelCount]);
  for (let count = 2; count <= Math.min(MAX_DENSE_LEVEL_COUNT, maxLevelCount); count++) counts.add(count);
  for (let step = 1; ; step++) {
    const count = Math.round(MAX_DENSE_LEVEL_COUNT * 2 ** (step / STEPS_PER_OCTAVE));
    if (count >= maxLevelCount) break;
    counts.add(count);
  }
  return [...counts].sort((a, b) => b - a);
}

function encodeRung(
  feature: Tensor,
  rung: Rung,
  { coder, layout, backend }: BudgetOptions,
  maxMs: number,
): BudgetedFrame {
  const quantizer = rung.quantizer();
  const options = { quantizer, ...(coder && { coder }), ...(layout && { layout }), maxMs, backend };
  return { quantizer, frame: encodeFrame(feature, options) };
}

/** The tensor as its mean: the smallest frame there is, and the least squared error among such. */
function encodeConstant(feature: Tensor, backend: Backend): BudgetedFrame {
  const values = valuesOfTensor(feature);
  const data = allocateData(feature.dtype, values.length) as Float32Array; // or whatever storage `feature` has
  const mean = meanOfFinite(values);
  data.fill(Number(dataOfValues(feature.dtype, Float32Array.of(mean))[0]));
  const frame = encodeFrame({ ...feature, data } as Tensor, { ...PLAIN, backend });
  return { frame, quantizer: null };
}

function meanOfFinite(values: Float32Array): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    sum += value;
    count++;
  }
  return count === 0 ? 0 : limited(Math.fround(sum / count));
}

function limited(value: number): number {
  return Math.min(Math.max(value, -MAX_LIMIT), MAX_LIMIT);
}
