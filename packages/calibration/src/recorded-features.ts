/** Features that were recorded where the head ran, in the place of inputs: a data set of numbers and a head that looks them up. */

import { type DataSet, DataSetError } from '@featherwire/eval';
import type { ModelSession } from '@featherwire/inference';
import { sampleOf, type Tensor, tensor } from '@featherwire/tensor';
import type { SplitSource } from './split-samples.js';

/**
 * Samples from arrays of features.
 * @param arrays - by the names of the cut tensors, float32 [samples, …] of equally many samples; others are ignored
 * @param name - of where they come from
 * @throws {DataSetError} `invalid-data` if a tensor of the cut is missing, or arrays do not fit it or each other
 */
export function recordedFeatures(
  arrays: ReadonlyMap<string, Tensor>,
  cut: SplitSource['manifest']['cut'],
  name: string,
): Pick<SplitSource, 'head' | 'data'> {
  const features = cut.map((spec) => arrayOf(arrays, spec));
  const length = features[0].shape[0];
  if (features.some(({ shape }) => shape[0] !== length) || length === 0) {
    const counts = features.map(({ shape }) => shape[0]).join(', ');
    throw new DataSetError(
      'invalid-data',
      `features expected as many of each tensor and one at least, got ${counts}`,
    );
  }
  const data: DataSet<number> = {
    name,
    length,
    description: `${length} features of ${name}`,
    sample: async (index) => ({
      id: `${name}[${index}]`,
      input: { kind: 'tensor', tensor: tensor('int32', [1], Int32Array.of(index)) },
      label: 0,
    }),
  };
  const head: ModelSession = {
    inputs: [{ name: 'sample', dtype: 'int32', shape: [1] }],
    outputs: cut.map(({ name, dtype }, i) => ({ name, dtype, shape: [1, ...features[i].shape.slice(1)] })),
    run: async (feeds) => {
      const [{ data: number }] = Object.values(feeds);
      const outputs = cut.map(({ name }, i) => [name, sampleOf(features[i], Number(number[0]))] as const);
      return { outputs: Object.fromEntries(outputs), runMs: 0 };
    },
    close: async () => undefined,
  };
  return { head, data };
}

/** Whether arrays are features of a cut. */
export function holdsFeatures(
  arrays: ReadonlyMap<string, Tensor>,
  cut: SplitSource['manifest']['cut'],
): boolean {
  return cut.every(({ name }) => arrays.has(name));
}

function arrayOf(arrays: ReadonlyMap<string, Tensor>, spec: SplitSource['manifest']['cut'][number]): Tensor {
  const found = arrays.get(spec.name);
  const fits =
    found?.dtype === spec.dtype &&
    found.shape.length === spec.shape.length &&
    spec.shape.every((size, axis) => axis === 0 || typeof size !== 'number' || found.shape[axis] === size);
  if (fits) return found;
  const wanted = `${spec.dtype} [samples, ${spec.shape.slice(1).join(', ')}]`;
  const got = found ? `${found.dtype} [${found.shape.join(', ')}]` : 'none';
  throw new DataSetError('invalid-data', `features expected ${wanted} of '${spec.name}', got ${got}`);
}
