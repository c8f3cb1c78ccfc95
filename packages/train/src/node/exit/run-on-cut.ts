/** Running a model that reads tensors of the cut over samples of a calibration. */

import type { SplitSamples } from '@featherwire/calibration';
import { batchRunOf } from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import { type ModelProto, serializeModel } from '@featherwire/onnx';

/** Samples that go through at a time. */
export const CHUNK = 32;

/**
 * Runs a model on the features of samples, which were not coded.
 * @param numbers - of samples that were opened
 * @param use - takes what comes of each sample, in order
 * @throws {InferenceError} of the model; the signal's reason
 */
export async function runOnCut(
  model: ModelProto,
  bench: SplitSamples['bench'],
  numbers: readonly number[],
  use: (outputs: TensorMap, number: number) => void,
): Promise<void> {
  const session = await createWorkerSession(serializeModel(model));
  try {
    const wanted = new Set(session.inputs.map(({ name }) => name));
    const feedsOf = async (number: number): Promise<TensorMap> => {
      const features = await bench.features(number);
      const named = bench.tensorNames.map((name, i) => [name, features[i]] as const);
      return Object.fromEntries(named.filter(([name]) => wanted.has(name)));
    };
    const run = await batchRunOf(session, await Promise.all(numbers.slice(0, 2).map(feedsOf)));
    for (let from = 0; from < numbers.length; from += CHUNK) {
      bench.signal.throwIfAborted();
      const part = numbers.slice(from, from + CHUNK);
      const outputs = await run(await Promise.all(part.map(feedsOf)));
      for (const [i, number] of part.entries()) use(outputs[i], number);
    }
  } finally {
    await session.close();
  }
}
