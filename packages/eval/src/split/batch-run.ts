/** Running a network on samples, several at a time where it takes them so. */

import type { ModelSession, TensorMap } from '@featherwire/inference';
import { elementCount, type Tensor } from '@featherwire/tensor';

/** Samples that go through a network in one run, at most. */
const MAX_BATCH = 16;
/** Elements of inputs in one run, about: larger samples gain nothing by company. */
const MAX_BATCH_ELEMENTS = 2 ** 22;
/** Relative difference that batched and single runs may have, from another order of sums. */
const TOLERANCE = 1e-3;

/** Runs a network on samples, each with a first dimension of 1. */
export type BatchRun = (samples: readonly TensorMap[]) => Promise<TensorMap[]>;

/** Runs each sample by itself. */
export function runSingly(session: ModelSession): BatchRun {
  return async (samples) => {
    const results: TensorMap[] = [];
    for (const sample of samples) results.push((await session.run(sample)).outputs);
    return results;
  };
}

/**
 * A way to run a network in batches, if it declares a free first dimension everywhere and gives the same as one by one.
 * @param probes - two samples to try
 */
export async function batchRunOf(session: ModelSession, probes: readonly TensorMap[]): Promise<BatchRun> {
  const single = runSingly(session);
  const isFree = [...session.inputs, ...session.outputs].every(({ shape }) => typeof shape[0] === 'string');
  if (!isFree || probes.length < 2 || !sameShapes(probes[0], probes[1])) return single;
  const together = (samples: readonly TensorMap[]): Promise<TensorMap[]> => runTogether(session, samples);
  try {
    const [expected, got] = [await single(probes), await together(probes)];
    if (!expected.every((outputs, i) => isClose(outputs, got[i]))) return single;
  } catch {
    return single; // networks whose declared dimensions are freer than they are
  }
  return async (samples) => {
    const results: TensorMap[] = [];
    for (let from = 0; from < samples.length; ) {
      const to = batchEnd(samples, from);
      const part = samples.slice(from, to);
      results.push(...(part.length === 1 ? await single(part) : await together(part)));
      from = to;
    }
    return results;
  };
}

/** End of the batch that begins at a sample: all of one shape, and not too large. */
function batchEnd(samples: readonly TensorMap[], from: number): number {
  const elements = Object.values(samples[from]).reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const most = Math.max(1, Math.min(MAX_BATCH, Math.floor(MAX_BATCH_ELEMENTS / elements)));
  let to = from + 1;
  while (to < samples.length && to < from + most && sameShapes(samples[from], samples[to])) to++;
  return to;
}

async function runTogether(session: ModelSession, samples: readonly TensorMap[]): Promise<TensorMap[]> {
  const feeds = Object.fromEntries(
    Object.keys(samples[0]).map((name) => [name, joinTensors(samples.map((sample) => sample[name]))]),
  );
  const { outputs } = await session.run(feeds);
  return samples.map((_, i) =>
    Object.fromEntries(
      Object.entries(outputs).map(([name, output]) => [name, partOf(output, i, samples.length)]),
    ),
  );
}

function joinTensors(tensors: readonly Tensor[]): Tensor {
  const [{ dtype, shape, data }] = tensors;
  const Data = data.constructor as new (length: number) => Float32Array;
  const joined = new Data(data.length * tensors.length);
  for (const [i, tensor] of tensors.entries()) joined.set(tensor.data as Float32Array, i * data.length);
  return { dtype, shape: [tensors.length, ...shape.slice(1)], data: joined } as Tensor;
}

function partOf({ dtype, shape, data }: Tensor, index: number, count: number): Tensor {
  const size = data.length / count;
  return {
    dtype,
    shape: [shape[0] / count, ...shape.slice(1)],
    data: (data as Float32Array).slice(index * size, (index + 1) * size),
  } as Tensor;
}

function sameShapes(a: TensorMap, b: TensorMap): boolean {
  return Object.keys(a).every(
    (name) => a[name].shape[0] === 1 && a[name].shape.join() === b[name]?.shape.join(),
  );
}

function isClose(expected: TensorMap, got: TensorMap): boolean {
  return Object.entries(expected).every(([name, { shape, data }]) => {
    const other = got[name];
    if (other?.shape.join() !== shape.join()) return false;
    let largest = 0;
    let difference = 0;
    for (let i = 0; i < data.length; i++) {
      largest = Math.max(largest, Math.abs(Number(data[i])));
      difference = Math.max(difference, Math.abs(Number(data[i]) - Number(other.data[i])));
    }
    return difference <= TOLERANCE * largest;
  });
}
