/**
 * Requests as rows of one run: tensors put together along the first dimension, and results taken apart again. Which
 * networks treat their rows apart from each other, their declarations alone do not tell; `prove-rows.ts` finds out.
 */

import type { BundleManifest } from '@featherwire/bundle';
import type { TensorMap } from '@featherwire/inference';
import { allocateData, elementCount, type Tensor, type TensorData } from '@featherwire/tensor';
import type { RunMemory } from './run-memory.js';

/** Whether every cut tensor and every output has the same open first dimension. */
export function declaresRows({ cut, outputs }: Pick<BundleManifest, 'cut' | 'outputs'>): boolean {
  const first = cut[0]?.shape[0];
  return typeof first === 'string' && [...cut, ...outputs].every(({ shape }) => shape[0] === first);
}

/** Rows of a request's tensors; undefined if they do not have the same number, from 1. */
export function rowCount(tensors: TensorMap): number | undefined {
  const counts = new Set(Object.values(tensors).map(({ shape }) => shape[0]));
  const [count] = counts;
  return counts.size === 1 && count !== undefined && count > 0 ? count : undefined;
}

/** Equal for requests whose tensors differ in their number of rows at most. */
export function rowKey(tensors: TensorMap): string {
  const rows = Object.entries(tensors).map(
    ([name, { dtype, shape }]) => `${name} ${dtype} ${shape.slice(1).join('x')}`,
  );
  return rows.sort().join(', ');
}

/**
 * Tensors of several requests as those of one.
 * @param parts - at least one, with equal `rowKey`; only read
 * @param memory - for float32 tensors; new by default
 * @returns tensors `[sum of the rows, …]`: views on the parts where these lie one behind the other
 */
export function stackRows(parts: readonly TensorMap[], memory?: Pick<RunMemory, 'allocate'>): TensorMap {
  const names = Object.keys(parts[0]);
  return Object.fromEntries(
    names.map((name) => {
      const tensors = parts.map((part) => part[name]);
      const [{ dtype, shape }] = tensors;
      const rows = tensors.reduce((sum, tensor) => sum + tensor.shape[0], 0);
      const stacked = [rows, ...shape.slice(1)];
      const data = joined(tensors, elementCount(stacked)) ?? copied(tensors, elementCount(stacked), memory);
      return [name, { dtype, shape: stacked, data } as Tensor];
    }),
  );
}

/** Float32 elements that lie one behind the other, without a copy. */
function joined(tensors: readonly Tensor[], count: number): Float32Array | undefined {
  const { buffer, byteOffset } = tensors[0].data;
  let end = byteOffset;
  for (const { dtype, data } of tensors) {
    if (dtype !== 'float32' || data.buffer !== buffer || data.byteOffset !== end) return undefined;
    end += data.byteLength;
  }
  return new Float32Array(buffer, byteOffset, count);
}

function copied(
  tensors: readonly Tensor[],
  count: number,
  memory: Pick<RunMemory, 'allocate'> | undefined,
): TensorData {
  const [{ dtype }] = tensors;
  const data = (dtype === 'float32' && memory?.allocate(count)) || allocateData(dtype, count);
  let offset = 0;
  for (const tensor of tensors) {
    copyInto(data, tensor.data, offset);
    offset += tensor.data.length;
  }
  return data;
}

/** Both have the storage of one element type, which the compiler cannot know. */
function copyInto(target: TensorData, source: TensorData, offset: number): void {
  (target as Float32Array).set(source as Float32Array, offset);
}

/**
 * The results of one run for each request.
 * @param counts - rows of each request
 * @returns views on the outputs; undefined if an output does not have as many rows as went in
 */
export function unstackRows(outputs: TensorMap, counts: readonly number[]): TensorMap[] | undefined {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  if (Object.values(outputs).some(({ shape }) => shape[0] !== rows)) return undefined;
  let first = 0;
  return counts.map((count) => {
    const start = first;
    first += count;
    return Object.fromEntries(
      Object.entries(outputs).map(([name, output]) => [name, sliceRows(output, start, count)]),
    );
  });
}

function sliceRows({ dtype, shape, data }: Tensor, start: number, count: number): Tensor {
  const rowElements = elementCount(shape.slice(1));
  const rows = data.subarray(start * rowElements, (start + count) * rowElements);
  return { dtype, shape: [count, ...shape.slice(1)], data: rows } as Tensor;
}
