/** NumPy files: one array, or an archive of them. */

import { readNpz } from '@featherwire/eval';
import { elementCount, readNpy, type Tensor } from '@featherwire/tensor';
import { summarizeTensor } from '../measure.js';
import { formatCount, formatExactBytes, formatReal, formatShape } from '../terminal/units.js';
import { type InspectReport, numberColumn } from './report.js';

/** @throws {NpyError} if it is not a `.npy` file */
export function inspectNpy(bytes: Uint8Array): InspectReport {
  const value = readNpy(bytes);
  const { min, max, mean, zeroShare, nonFiniteCount } = summarizeTensor(value);
  return {
    title: 'NumPy array',
    pairs: [
      ['type', value.dtype],
      ['shape', formatShape(value.shape)],
      ['elements', formatCount(elementCount(value.shape))],
      ['size', formatExactBytes(bytes.length)],
      ['min', realOr(min)],
      ['max', realOr(max)],
      ['mean', realOr(mean)],
      ['zeros', formatZeros(zeroShare)],
      ['NaN or infinite', nonFiniteCount === 0 ? undefined : formatCount(nonFiniteCount)],
    ],
    tables: [],
    record: { kind: 'npy', byteLength: bytes.length, ...recordOf(value) },
  };
}

/** @throws {DataSetError} if it is not an archive of `.npy` files within the limits */
export function inspectNpz(bytes: Uint8Array): InspectReport {
  const arrays = [...readNpz(bytes)];
  const rows = arrays.map(([name, value]) => {
    const { min, max, mean, zeroShare } = summarizeTensor(value);
    return [
      name,
      value.dtype,
      formatShape(value.shape),
      realOr(min),
      realOr(max),
      realOr(mean),
      formatZeros(zeroShare),
    ];
  });
  return {
    title: 'NumPy archive',
    pairs: [
      ['arrays', formatCount(arrays.length)],
      ['size', formatExactBytes(bytes.length)],
    ],
    tables: [
      {
        columns: [
          { header: 'array' },
          { header: 'type' },
          { header: 'shape' },
          ...['min', 'max', 'mean', 'zeros'].map(numberColumn),
        ],
        rows,
      },
    ],
    record: {
      kind: 'npz',
      byteLength: bytes.length,
      arrays: arrays.map(([name, value]) => ({ name, ...recordOf(value) })),
    },
  };
}

function recordOf(value: Tensor): object {
  const { dtype, shape } = value;
  return { dtype, shape, elementCount: elementCount(shape), ...summarizeTensor(value) };
}

function realOr(value: number | null): string {
  return value === null ? '-' : formatReal(value);
}

function formatZeros(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
