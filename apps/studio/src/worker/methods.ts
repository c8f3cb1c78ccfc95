/** The methods that the playground compares: quantizers, each with the ways in which its indices are coded. */

import {
  designLevels,
  distributionOfStatistics,
  type EncodeOptions,
  type QuantizerChoice,
  statisticsOf,
} from '@featherwire/codec';
import { elementCount, type Tensor } from '@featherwire/tensor';
import { rangeOf } from './value-histogram.js';

/** How indices become bytes. */
export interface IndexWay {
  readonly name: string;
  readonly coding: Pick<EncodeOptions, 'coder' | 'layout'>;
}

/** One quantizer with its ways. */
export interface Method {
  readonly name: string;
  readonly quantizer: QuantizerChoice;
  readonly ways: readonly IndexWay[];
}

/** Ways with the most levels that they are for. */
const WAYS: readonly (IndexWay & { readonly most: number })[] = [
  { name: 'rANS', coding: { coder: 'rans', layout: 'dense' }, most: 256 },
  { name: 'packed rANS', coding: { coder: 'rans-packed' }, most: 16 },
  { name: 'rANS with contexts', coding: { coder: 'rans-contexts' }, most: 16 },
  { name: 'adaptive trees', coding: { coder: 'binary-fast' }, most: 256 },
  { name: 'adaptive bins', coding: { coder: 'binary' }, most: 256 },
];
const SPARSE_WAYS: readonly IndexWay[] = [
  { name: 'rANS, rows of kept entries', coding: { coder: 'rans', layout: 'csr' } },
  { name: 'rANS, significance map', coding: { coder: 'rans', layout: 'significance' } },
];
/** The coder of adaptive bins takes a microsecond an element, and is left out beyond this. */
const MAX_SLOW_ELEMENTS = 2 ** 20;
const LEVEL_COUNTS = [256, 64, 16, 8, 4, 2];
/** Squared error that a bit may cost entropy-constrained levels, in shares of the variance. */
const LAMBDA_SHARE = 0.02;

/** Magnitudes below this share of the standard deviation need no detail in a design. */
const DETAIL = 64;

/** @param spread - standard deviation of the tensor; not finite where elements are not */
export function methodsFor(value: Tensor, spread: number): Method[] {
  const stored = method('as it is', { kind: 'none' }, [{ name: 'stored', coding: {} }]);
  const lossless = method('lossless', { kind: 'lossless' }, [{ name: 'planes of bits', coding: {} }]);
  if (value.dtype !== 'float32' || !Number.isFinite(spread)) return [stored, lossless];
  const ways = (levelCount: number): IndexWay[] => {
    const isSmall = elementCount(value.shape) <= MAX_SLOW_ELEMENTS;
    return WAYS.filter(({ most, coding }) => levelCount <= most && (isSmall || coding.coder !== 'binary'));
  };
  return [
    stored,
    lossless,
    method('8 bits with a zero point', { kind: 'asymmetric', bits: 8, range: { kind: 'minmax' } }, ways(256)),
    ...LEVEL_COUNTS.map((levelCount) =>
      method(
        `${levelCount} levels, lowest to highest`,
        { kind: 'uniform', levelCount, range: { kind: 'minmax' } },
        levelCount === 4 ? [...ways(levelCount), ...SPARSE_WAYS] : ways(levelCount),
      ),
    ),
    ...[16, 4].map((levelCount) =>
      method(
        `${levelCount} levels, limits from a model`,
        { kind: 'uniform', levelCount, range: { kind: 'model' } },
        ways(levelCount),
      ),
    ),
    ...[16, 4].flatMap((levelCount) =>
      entropyConstrained(value.data as Float32Array, levelCount, spread, ways),
    ),
    ...channelMethods(value, ways),
    ...[2, 8].map((divisor) =>
      method(
        `blocks of cosines, step σ/${divisor}`,
        { kind: 'blocks', blockSize: 8, step: spread / divisor },
        ways(256),
      ),
    ),
  ];
}

function method(name: string, quantizer: QuantizerChoice, ways: readonly IndexWay[]): Method {
  return { name, quantizer, ways };
}

/** Levels where bits are worth them; none for a tensor of one value. */
function entropyConstrained(
  values: Float32Array,
  levelCount: number,
  spread: number,
  ways: (levelCount: number) => IndexWay[],
): Method[] {
  const { low, high } = rangeOf({ dtype: 'float32', shape: [values.length], data: values });
  if (!(high > low)) return [];
  const { levels, thresholds } = designLevels(
    distributionOfStatistics(statisticsOf(values), spread / DETAIL),
    {
      ...{ levelCount, low, high },
      lambda: LAMBDA_SHARE * spread * spread,
    },
  );
  return [
    method(
      `${levels.length} entropy-constrained levels`,
      { kind: 'levels', levels, thresholds },
      ways(levels.length),
    ),
  ];
}

/** A range for each channel, where there are channels: the dimension before planes. */
function channelMethods({ shape }: Tensor, ways: (levelCount: number) => IndexWay[]): Method[] {
  const axis = shape.length - 3;
  if (axis < 0 || shape[axis] < 2) return [];
  const levelCount = 16;
  const quantizer: QuantizerChoice = {
    ...{ kind: 'grouped', levelCount, axis, groupCount: shape[axis] },
    range: { kind: 'minmax' },
  };
  return [method(`${levelCount} levels, a range for each channel`, quantizer, ways(levelCount))];
}
