/**
 * A network with a linear probe: its features of labeled samples, averaged over their places, a probe fitted to them, and a model
 * file that ends in the probe's scores. What is judged then is a task that the network was not trained for.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import type { LoadedModel } from '@featherwire/authoring';
import type { ImagePreprocessing } from '@featherwire/bundle';
import {
  batchRunOf,
  closeAll,
  type DataSet,
  DataSetError,
  fitLinearProbe,
  type InputRecipe,
  type LinearProbe,
  mapOnWorkers,
  type ProbeSample,
  prepareInput,
  recipeOf,
} from '@featherwire/eval';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import { declaredInputs, type ModelProto, withLinearOutput, withPooledOutput } from '@featherwire/onnx';
import { writeModel } from '@featherwire/onnx/node';

/** What to train. */
export interface ProbeOptions {
  /** The tensor whose features are told apart, as `withPooledOutput` takes it. */
  readonly tensor: string;
  /** Labels are classes, from 0. */
  readonly data: DataSet;
  /** Samples by number, in random order; at least five. */
  readonly numbers: readonly number[];
  readonly preprocessing?: ImagePreprocessing | undefined;
  /** Where the model goes; replaced if it is there. */
  readonly file: string;
  /** Of the interval; 1 by default. */
  readonly seed?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What came of it. */
export interface TrainedProbe extends Pick<LinearProbe, 'ridgeShare' | 'heldOut'> {
  readonly classCount: number;
  readonly featureCount: number;
}

/** Name of the scores, the only output of a network with a probe. */
export const PROBE_OUTPUT = 'probe';

const POOLED = `${PROBE_OUTPUT}_features`;
/** Samples that one session takes at a time. */
const CHUNK = 16;

/**
 * Runs the network up to the tensor, fits a probe and writes the model.
 * @throws {DataSetError} `invalid-data` if a label is no class; {OnnxError} as `withPooledOutput`; {RangeError} if there are too few
 *   samples or the network has several inputs; {InferenceError} of the network
 */
export async function trainProbe(loaded: LoadedModel, options: ProbeOptions): Promise<TrainedProbe> {
  const shapes = loaded.sizes;
  const pooled = withPooledOutput(loaded.model, options.tensor, { output: POOLED, shapes });
  const samples = await probeSamples(pooled, loaded, options);
  const classCount = 1 + samples.reduce((most, { label }) => Math.max(most, label), 0);
  const { weights, bias, ridgeShare, heldOut } = fitLinearProbe(samples, classCount, {
    ...(options.seed !== undefined && { seed: options.seed }),
  });
  await writeModel(options.file, withLinearOutput(pooled, { weights, bias }, PROBE_OUTPUT), {
    sourceDirectory: path.dirname(loaded.file),
  });
  return { ridgeShare, heldOut, classCount, featureCount: weights.shape[0] };
}

/** Features and classes of the samples; networks run on all cores. */
async function probeSamples(
  pooled: ModelProto,
  loaded: LoadedModel,
  options: ProbeOptions,
): Promise<ProbeSample[]> {
  const directory = await mkdtemp(path.join(tmpdir(), 'featherwire-probe-'));
  const file = path.join(directory, 'pooled.onnx');
  try {
    await writeModel(file, pooled, { sourceDirectory: path.dirname(loaded.file) });
    const recipe = recipeOf({ inputs: declaredInputs(pooled), preprocessing: options.preprocessing });
    const sessions = await Promise.all(
      Array.from({ length: availableParallelism() }, () => createWorkerSession(file)),
    );
    try {
      return await runOnSamples(sessions, recipe, options);
    } finally {
      await closeAll(sessions);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runOnSamples(
  sessions: readonly ModelSession[],
  recipe: InputRecipe,
  { data, numbers, onProgress, signal }: ProbeOptions,
): Promise<ProbeSample[]> {
  const read = (number: number): Promise<LabeledFeeds> => readSample(data, number, recipe);
  const probes = (await Promise.all(numbers.slice(0, 2).map(read))).map(({ feeds }) => feeds);
  const runs = await Promise.all(sessions.map((session) => batchRunOf(session, probes)));
  const chunks = Array.from({ length: Math.ceil(numbers.length / CHUNK) }, (_, i) =>
    numbers.slice(i * CHUNK, (i + 1) * CHUNK),
  );
  const results = await mapOnWorkers(
    runs,
    chunks,
    async (run, chunk) => {
      signal?.throwIfAborted();
      const samples = await Promise.all(chunk.map(read));
      const outputs = await run(samples.map(({ feeds }) => feeds));
      return outputs.map((output, i) => ({
        features: output[POOLED].data as Float32Array,
        label: samples[i].label,
      }));
    },
    (done) => onProgress?.(done, chunks.length),
  );
  return results.flat();
}

interface LabeledFeeds {
  readonly feeds: TensorMap;
  readonly label: number;
}

async function readSample(data: DataSet, number: number, recipe: InputRecipe): Promise<LabeledFeeds> {
  const { id, label, input } = await data.sample(number);
  if (typeof label === 'number') return { feeds: (await prepareInput(input, recipe)).feeds, label };
  throw new DataSetError('invalid-data', `sample ${id} expected the number of a class as its label`);
}
