/**
 * Tensor to indices: what a caller may ask of the quantizer, and the quantizer that comes of it for a tensor at
 * hand. Encoding only.
 */

import { elementCount, type Tensor } from '@featherwire/tensor';
import type { Backend } from '../backend/backend.js';
import { isBlockSize, MIN_BLOCK_STEP } from '../container/block-section.js';
import { integerRange } from '../container/quantizer-section.js';
import { asymmetricQuantizer, uniformQuantizer } from '../quantizer/affine.js';
import type { IndexingQuantizer } from '../quantizer/alphabet.js';
import { affineOfBlocks, coefficientsOfBlocks } from '../quantizer/block-transform.js';
import {
  forEachGroupChunk,
  type GroupLayout,
  type GroupLimits,
  groupedQuantizer,
  groupLayout,
  MAX_GROUP_COUNT,
  quantizeGroups,
} from '../quantizer/channel-groups.js';
import { levelTable } from '../quantizer/level-table.js';
import { finiteLimits } from '../quantizer/range.js';
import { type ActivationKind, searchRange } from '../quantizer/range-search.js';
import {
  addValues,
  createStatistics,
  type FeatureStatistics,
  statisticsOf,
} from '../quantizer/statistics.js';
import type { BlockQuantizer, ChannelBasis, Indices, Quantizer, ValueRange } from '../stages.js';
import { geometryOfShape, valuesOfTensor } from './feature-values.js';

/** Clip limits that follow from the tensor's own values. */
export type MeasuredRangeChoice =
  /** The range of the finite values. */
  | { readonly kind: 'minmax' }
  /**
   * Limits of least squared error for the finite values, by `designRange` with this activation (default `auto`). It
   * takes some 10 ms a tensor or group; limits designed once from many samples are passed as `fixed` ones.
   */
  | { readonly kind: 'model'; readonly activation?: ActivationKind };

/** Clip limits: from the tensor, or given ones. */
export type RangeChoice =
  | MeasuredRangeChoice
  | { readonly kind: 'fixed'; readonly low: number; readonly high: number };

/** Clip limits of groups of channels: from each group's values, or one pair for each group. */
export type GroupRangeChoice =
  | MeasuredRangeChoice
  | { readonly kind: 'fixed'; readonly limits: readonly GroupLimits[] };

/** What a caller may ask of the quantizer. */
export type QuantizerChoice =
  /** Elements as they are, of any type: lossless and not compressed. */
  | { readonly kind: 'none' }
  /** `levelCount` levels, 2 to 65,536, between clip limits, both limits being levels. */
  | { readonly kind: 'uniform'; readonly levelCount: number; readonly range: RangeChoice }
  /** 2^bits levels, bits from 1 to 16, over a range that holds 0; zero is a level. */
  | { readonly kind: 'asymmetric'; readonly bits: number; readonly range: RangeChoice }
  /**
   * 2 to 256 levels and one threshold less, both strictly ascending in float32: index i stands for `levels[i]` and is
   * the number of thresholds at or below a value. `designLevels` makes such.
   */
  | { readonly kind: 'levels'; readonly levels: readonly number[]; readonly thresholds: readonly number[] }
  /**
   * `levelCount` levels, 2 to 65,536, between clip limits of each group of channels. The channels are the positions
   * along dimension `axis`; channel c belongs to group `groupOfChannel[c]`, or without that to group
   * `⌊c · groupCount / channels⌋`, which must have equally many channels each.
   */
  | {
      readonly kind: 'grouped';
      readonly levelCount: number;
      readonly axis: number;
      readonly groupCount: number;
      readonly groupOfChannel?: readonly number[];
      readonly range: GroupRangeChoice;
    }
  /**
   * Cosine coefficients of square blocks of each plane, in levels at equal distance `step` around 0: for smooth maps at low
   * rates, with `lambda`. Planes have at least half a block's rows and columns. `levelCount`, odd, 3 to 65,535, is that of
   * the largest coefficient if it is not given; what is larger saturates. With a `basis`, of `designChannelBasis`, the blocks
   * are of components of the channels, the last dimension but two: it costs two bytes a weight, in profiles nothing.
   */
  | {
      readonly kind: 'blocks';
      readonly blockSize: 1 | 2 | 4 | 8;
      readonly step: number;
      readonly levelCount?: number;
      readonly basis?: ChannelBasis;
    }
  /** Lossless for int8 and uint8. */
  | { readonly kind: 'integer' }
  /**
   * Lossless for any element type, NaN payloads and signs of zeros included: planes of bits, or the elements as they are
   * where those are not larger.
   */
  | { readonly kind: 'lossless' };

/** Choices that come to indices, or to nothing to code. */
export type IndexingChoice = Exclude<QuantizerChoice, { kind: 'lossless' }>;

/** A tensor as its frame holds it. */
export type QuantizedFeature<Q extends IndexingQuantizer = IndexingQuantizer> =
  /** The header says it all, or the elements follow as they are. */
  | { readonly kind: 'direct'; readonly quantizer: Extract<Quantizer, { kind: 'none' | 'constant' }> }
  | {
      readonly kind: 'indexed';
      readonly quantizer: Q;
      readonly indices: Indices;
      /** What the indices were made from, where those are not the elements. */
      readonly coefficients?: Float32Array;
    };

/** A tensor as a self-contained frame holds it. */
type DescribedFeature = QuantizedFeature<Exclude<IndexingQuantizer, { kind: 'spectral' }>>;

/** A group without a value of its own, and the width of ranges around one value, relative and absolute. */
const EMPTY_GROUP: GroupLimits = { low: 0, high: 1 };
const SINGLE_VALUE_WIDTH = 2 ** -10;
const LEAST_WIDTH = 2 ** -100;
/** Most levels of coefficients: the largest odd number with indices of 16 bits. */
const MAX_BLOCK_LEVELS = 65_535;

/**
 * Quantizes a tensor.
 * @throws {RangeError} if the feature holds NaN, has no finite element to take a range from, or a setting is out of
 * range @throws {TypeError} if the element type cannot be quantized as asked
 */
export function quantizeFeature(feature: Tensor, choice: IndexingChoice, backend: Backend): DescribedFeature {
  const count = elementCount(feature.shape);
  if (choice.kind === 'none' || count === 0) return { kind: 'direct', quantizer: { kind: 'none' } };
  if (choice.kind === 'integer') return quantizeIntegers(feature, backend);
  const values = valuesOfTensor(feature);
  const measured = backend.measureRange(values);
  refuseNaN(values, measured);
  const isConstant = measured.low === measured.high && Number.isFinite(measured.low);
  const isFixed = choice.kind === 'levels' || (choice.kind !== 'blocks' && choice.range.kind === 'fixed');
  if (isConstant && !isFixed) return constantFeature(measured.low);
  switch (choice.kind) {
    case 'levels': {
      const { levels, thresholds } = levelTable(choice.levels, choice.thresholds);
      const indices = backend.quantizeByThresholds(values, thresholds);
      return { kind: 'indexed', quantizer: { kind: 'levels', levels }, indices };
    }
    case 'grouped':
      return quantizeChannels(values, feature.shape, choice, backend);
    case 'blocks':
      return quantizeBlocks(
        values,
        feature.shape,
        blocksOfChoice(choice, measured),
        choice.levelCount === undefined,
        backend,
      );
    case 'uniform':
    case 'asymmetric': {
      const levelCount = choice.kind === 'uniform' ? choice.levelCount : 2 ** choice.bits;
      const { low, high } = limitsOfRange(values, measured, choice.range)(levelCount);
      const affine =
        choice.kind === 'uniform'
          ? uniformQuantizer(levelCount, low, high)
          : asymmetricQuantizer(choice.bits, low, high);
      const indices = backend.quantize(values, affine);
      return { kind: 'indexed', quantizer: { kind: 'affine', affine }, indices };
    }
    default:
      return choice satisfies never;
  }
}

/**
 * The quantizer that a choice of blocks stands for; without a level count it has the fewest.
 * @throws {RangeError} if a setting is out of range, or a value is infinite
 */
export function blocksOfChoice(
  { blockSize, step, levelCount = 3, basis }: Extract<QuantizerChoice, { kind: 'blocks' }>,
  measured: Pick<ValueRange, 'low' | 'high'>,
): BlockQuantizer {
  if (!isBlockSize(blockSize)) throw new RangeError(`blockSize expected 1, 2, 4 or 8, got ${blockSize}`);
  if (!(step >= MIN_BLOCK_STEP && step <= 1 / MIN_BLOCK_STEP))
    throw new RangeError(`step expected 2^-100 to 2^100, got ${step}`);
  if (
    !Number.isInteger(levelCount) ||
    levelCount < 3 ||
    levelCount > MAX_BLOCK_LEVELS ||
    levelCount % 2 === 0
  )
    throw new RangeError(
      `levelCount expected an odd integer from 3 to ${MAX_BLOCK_LEVELS}, got ${levelCount}`,
    );
  refuseInfinite(measured);
  return {
    blockSize,
    step: Math.fround(step),
    levelCount,
    isRectified: measured.low >= 0,
    basis: basis ?? null,
  };
}

/** Coefficients and their indices. @param isOpen - the level count is that of the largest coefficient */
export function quantizeBlocks(
  values: Float32Array,
  shape: readonly number[],
  blocks: BlockQuantizer,
  isOpen: boolean,
  backend: Backend,
): Extract<DescribedFeature, { kind: 'indexed' }> {
  const geometry = geometryOfShape(shape);
  const { blockSize, step, basis } = blocks;
  if (basis && basis.channelCount !== shape.at(-3))
    throw new RangeError(
      `shape expected ${basis.channelCount} channels before two dimensions, got [${shape.join(', ')}]`,
    );
  if (2 * Math.min(geometry.rows, geometry.columns) < blockSize)
    throw new RangeError(
      `shape expected planes of at least ${blockSize / 2} rows and columns, got [${shape.join(', ')}]`,
    );
  const coefficients = coefficientsOfBlocks(values, geometry, blocks);
  let { levelCount } = blocks;
  if (isOpen) {
    const { low, high } = backend.measureRange(coefficients);
    levelCount = 2 * Math.max(1, Math.ceil(Math.max(-low, high) / step)) + 1;
    if (levelCount > MAX_BLOCK_LEVELS)
      throw new RangeError(
        `step expected one of at most ${MAX_BLOCK_LEVELS} levels, got ${levelCount} of them`,
      );
  }
  const open = { ...blocks, levelCount };
  const indices = backend.quantize(coefficients, affineOfBlocks(open));
  return { kind: 'indexed', quantizer: { kind: 'blocks', blocks: open }, indices, coefficients };
}

/** @throws {RangeError} if a value is infinite: coefficients of blocks are sums */
export function refuseInfinite({ low, high }: Pick<ValueRange, 'low' | 'high'>): void {
  if (!Number.isFinite(low) || !Number.isFinite(high))
    throw new RangeError('feature expected finite elements for blocks, got infinity');
}

/** @throws {RangeError} with their count and the place of the first, if there are any */
export function refuseNaN(values: Float32Array, { nanCount }: ValueRange): void {
  if (nanCount === 0) return;
  const first = values.findIndex(Number.isNaN);
  throw new RangeError(
    `feature expected numbers, got NaN in ${nanCount} of ${values.length} elements, the first at ${first}`,
  );
}

/**
 * Clip limits that a choice stands for, by level count; they depend on it if they are designed.
 * @param measured - range of `values` with infinities, without NaN
 * @throws {RangeError} if they are taken from the values and no value is finite
 */
export function limitsOfRange(
  values: Float32Array,
  measured: ValueRange,
  range: RangeChoice,
): (levelCount: number) => GroupLimits {
  if (range.kind === 'fixed') return () => range;
  if (range.kind === 'minmax') {
    const limits = finiteLimits(values, measured);
    return () => limits;
  }
  const statistics = statisticsOf(values);
  refuseEmpty(statistics, values.length);
  return (levelCount) => searchRange(statistics, { levelCount, activation: range.activation ?? 'auto' });
}

/** @throws {RangeError} if no value is finite */
export function refuseEmpty(statistics: FeatureStatistics, length: number): void {
  if (statistics.count === 0)
    throw new RangeError(`feature expected a finite element, got none in ${length}`);
}

function quantizeChannels(
  values: Float32Array,
  shape: readonly number[],
  choice: Extract<QuantizerChoice, { kind: 'grouped' }>,
  backend: Backend,
): DescribedFeature {
  const { levelCount, axis, groupCount, range } = choice;
  const groupOfChannel = checkGroups(shape, choice);
  const limits =
    range.kind === 'fixed'
      ? range.limits
      : measuredLimits(values, groupLayout(shape, axis, groupCount, groupOfChannel), levelCount, range);
  if (limits.length !== groupCount) {
    throw new RangeError(`limits expected ${groupCount} pairs, got ${limits.length}`);
  }
  const grouped = groupedQuantizer(levelCount, axis, groupOfChannel, limits);
  const indices = quantizeGroups(values, shape, grouped, backend);
  return { kind: 'indexed', quantizer: { kind: 'grouped', grouped }, indices };
}

/** @returns the group of each channel, null for runs */
export function checkGroups(
  shape: readonly number[],
  { axis, groupCount, groupOfChannel }: Extract<QuantizerChoice, { kind: 'grouped' }>,
): Uint16Array | null {
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
    throw new RangeError(`axis expected a dimension of [${shape.join(', ')}], got ${axis}`);
  const channels = shape[axis];
  const most = Math.min(channels, MAX_GROUP_COUNT);
  if (!Number.isInteger(groupCount) || groupCount < 1 || groupCount > most)
    throw new RangeError(`groupCount expected an integer from 1 to ${most}, got ${groupCount}`);
  if (!groupOfChannel) {
    if (channels % groupCount === 0) return null;
    throw new RangeError(`groupCount expected a divisor of ${channels} channels, got ${groupCount}`);
  }
  if (groupOfChannel.length !== channels)
    throw new RangeError(`groupOfChannel expected ${channels} entries, got ${groupOfChannel.length}`);
  const wrong = groupOfChannel.find((group) => !Number.isInteger(group) || group < 0 || group >= groupCount);
  if (wrong !== undefined)
    throw new RangeError(`groupOfChannel expected integers below ${groupCount}, got ${wrong}`);
  const isRun = groupOfChannel.every((group, c) => group === Math.floor((c * groupCount) / channels));
  return isRun && channels % groupCount === 0 ? null : Uint16Array.from(groupOfChannel);
}

/** Limits of each group from its finite values. */
function measuredLimits(
  values: Float32Array,
  layout: GroupLayout,
  levelCount: number,
  range: MeasuredRangeChoice,
): GroupLimits[] {
  const limits = new Array<GroupLimits>(layout.groupCount).fill(EMPTY_GROUP);
  // Groups come one after the other, so that one record of statistics is held at a time.
  let current = -1;
  let statistics = createStatistics();
  const settle = (): void => {
    if (current < 0) return;
    refuseEmpty(statistics, values.length);
    limits[current] = limitsOfStatistics(statistics, levelCount, range);
  };
  forEachGroupChunk(values, layout, (group, chunk) => {
    if (group !== current) {
      settle();
      current = group;
      statistics = createStatistics();
    }
    addValues(statistics, chunk);
  });
  settle();
  return limits;
}

/** Limits that a choice stands for, by the statistics of values. */
export function limitsOfStatistics(
  statistics: FeatureStatistics,
  levelCount: number,
  range: MeasuredRangeChoice,
): GroupLimits {
  if (range.kind === 'model')
    return searchRange(statistics, { levelCount, activation: range.activation ?? 'auto' });
  const { low, high } = finiteLimits(new Float32Array(0), { ...statistics, nanCount: 0 });
  const width = Math.max(Math.abs(low) * SINGLE_VALUE_WIDTH, LEAST_WIDTH);
  return low < high ? { low, high } : { low: Math.min(low, 0), high: Math.max(low, 0) || width };
}

function constantFeature(value: number): DescribedFeature {
  return { kind: 'direct', quantizer: { kind: 'constant', value } };
}

function quantizeIntegers(feature: Tensor, backend: Backend): DescribedFeature {
  if (!integerRange(feature.dtype)) {
    throw new TypeError(`feature expected int8 or uint8 for the integer quantizer, got ${feature.dtype}`);
  }
  const values = valuesOfTensor(feature);
  const { low, high } = backend.measureRange(values);
  if (low === high) return constantFeature(low);
  const indices = Uint8Array.from(values, (value) => value - low);
  return {
    kind: 'indexed',
    quantizer: { kind: 'integer', lowest: low, levelCount: high - low + 1 },
    indices,
  };
}
