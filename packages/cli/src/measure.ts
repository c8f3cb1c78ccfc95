/** Numbers about tensors that reports show: what a tensor holds, and how far two are apart. */

import { float16Value, type Tensor } from '@featherwire/tensor';

/** What a tensor holds; NaN and infinities are counted and left out of the rest. */
export interface TensorSummary {
  /** Null if no element is finite. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Share of elements that are 0, from 0 to 1; 0 without elements. */
  readonly zeroShare: number;
  readonly nonFiniteCount: number;
}

/** How far decoded elements are from the input. */
export interface TensorDistance {
  /** 0 without elements; infinite if an infinity or a NaN did not come back. */
  readonly maxAbsoluteError: number;
  readonly rmsError: number;
}

/** Looks at every element. */
export function summarizeTensor(value: Tensor): TensorSummary {
  const elementAt = elementReader(value);
  const { length } = value.data;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let zeros = 0;
  let nonFiniteCount = 0;
  for (let i = 0; i < length; i++) {
    const element = elementAt(i);
    if (!Number.isFinite(element)) {
      nonFiniteCount++;
      continue;
    }
    min = Math.min(min, element);
    max = Math.max(max, element);
    sum += element;
    if (element === 0) zeros++;
  }
  const finiteCount = length - nonFiniteCount;
  const zeroShare = length === 0 ? 0 : zeros / length;
  if (finiteCount === 0) return { min: null, max: null, mean: null, zeroShare, nonFiniteCount };
  return { min, max, mean: sum / finiteCount, zeroShare, nonFiniteCount };
}

/** Compares two tensors of one shape, element by element. */
export function measureDistance(expected: Tensor, actual: Tensor): TensorDistance {
  const expectedAt = elementReader(expected);
  const actualAt = elementReader(actual);
  const { length } = expected.data;
  let maxAbsoluteError = 0;
  let squares = 0;
  for (let i = 0; i < length; i++) {
    const error = distanceOf(expectedAt(i), actualAt(i));
    maxAbsoluteError = Math.max(maxAbsoluteError, error);
    squares += error * error;
  }
  return { maxAbsoluteError, rmsError: length === 0 ? 0 : Math.sqrt(squares / length) };
}

function distanceOf(expected: number, actual: number): number {
  if (Object.is(expected, actual)) return 0; // equal infinities and NaN in the same place
  const distance = Math.abs(expected - actual);
  return Number.isFinite(distance) ? distance : Number.POSITIVE_INFINITY;
}

/** 64-bit integers lose digits above 2^53. */
function elementReader({ dtype, data }: Tensor): (position: number) => number {
  if (dtype === 'float16') return (position) => float16Value(data[position]);
  return (position) => Number(data[position]);
}
