/** The samples of a calibration: features of all that are used, the way from features to scores, and their parts. */

import type { BundleManifest, Task } from '@featherwire/bundle';
import type { Backend } from '@featherwire/codec';
import {
  type BatchRun,
  batchRunOf,
  copyInput,
  type DataSet,
  type InputCopy,
  type Label,
  type LabeledSample,
  prepareInput,
  recipeOf,
  scoreOfTask,
} from '@featherwire/eval';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import { DEFAULT_MEMORY_BYTES, FeatureStore } from './feature-store.js';
import type { MeasuringBench } from './measure.js';
import { distanceOfTask } from './output-distance.js';
import { partitionSamples, type SampleParts } from './partition.js';

/** A split network with data. */
export interface SplitSource {
  readonly manifest: Pick<BundleManifest, 'inputs' | 'cut' | 'task' | 'preprocessing'>;
  readonly head: ModelSession;
  readonly tail: ModelSession;
  readonly data: DataSet;
  /**
   * `labels`: the task's metric against the labels of the data; `agreement`: against the answers of the unsplit network.
   * Labels by default where the bundle has a task.
   */
  readonly truth?: 'labels' | 'agreement';
}

/** Samples that have gone through the head. */
export interface SplitSamples {
  readonly parts: SampleParts;
  /** Numbers that `bench.features` knows changed copies of the samples for design by; none unless asked for. */
  readonly copies: readonly number[];
  readonly bench: MeasuringBench;
  /** The label of a sample, or of the sample that a copy is of. @param number - as in `parts` or `copies` */
  labelOf(number: number): Label;
  readonly task: Task | undefined;
  /** What the metric compares answers with. */
  readonly truth: 'labels' | 'agreement';
  readonly metricName: string;
  /** Says which data, and which part of it claims are measured on. */
  readonly description: string;
  /** Elements of the cut, of the first sample. */
  readonly elementsPerSample: number;
  close(): Promise<void>;
}

/** What opening needs. */
export interface OpenOptions {
  readonly source: SplitSource;
  readonly backend: Backend;
  readonly sampleCount?: number;
  /** As that of `partitionSamples`. */
  readonly designShare?: number;
  readonly seed?: number;
  /** In the place of parts that are drawn. */
  readonly parts?: SampleParts;
  /** Changed copies of each sample for design; none by default. */
  readonly copies?: readonly InputCopy[];
  readonly memoryBytes?: number;
  readonly progress?: { stage(label: string): void; progress(done: number, total: number): void };
  readonly signal?: AbortSignal;
}

/** Samples that go to the head in one call. */
const HEAD_CHUNK = 16;
/** Bytes of the outputs of the unsplit network that are kept; others are computed again. */
const REFERENCE_BYTES = 2 ** 28;

/** What goes through the head under a number: a sample, or a changed copy of one. */
interface HeadItem {
  readonly number: number;
  readonly sample: number;
  readonly copy?: InputCopy;
}

/**
 * Runs the head over all samples that are used.
 * @throws {TypeError} if a tensor of the cut is not float32, or an input cannot be copied @throws {RangeError} if there are too few samples
 * @throws {DataSetError} {InferenceError} of data and sessions
 */
export async function openSamples(options: OpenOptions): Promise<SplitSamples> {
  const { source, backend, seed = 1, progress } = options;
  const { manifest, data, head, tail } = source;
  const signal = options.signal ?? new AbortController().signal;
  const { sampleCount = data.length, designShare } = options;
  const parts = options.parts ?? partitionSamples(data.length, sampleCount, seed, designShare);
  const numbers = [...new Set([...parts.design, ...parts.selection, ...parts.claim])];
  const copies = copiesOf(parts.design, options.copies ?? [], data.length);
  // Copies are the first, so that inputs that cannot be copied are refused at once.
  const items: HeadItem[] = [...copies, ...numbers.map((number) => ({ number, sample: number }))];
  const store = new FeatureStore(options.memoryBytes ?? DEFAULT_MEMORY_BYTES);
  try {
    const tensorNames = manifest.cut.map(({ name }) => name);
    const recipe = recipeOf(manifest);
    const labels = new Map<number, LabeledSample>();
    progress?.stage('run the head');
    let run: BatchRun | undefined;
    for (let from = 0; from < items.length; from += HEAD_CHUNK) {
      signal.throwIfAborted();
      const chunk = items.slice(from, from + HEAD_CHUNK);
      const inputs: TensorMap[] = [];
      for (const { number, sample, copy } of chunk) {
        const { id, input, label } = await data.sample(sample);
        labels.set(number, { id, label });
        const { feeds } = await prepareInput(input, recipe);
        inputs.push(copy ? copiedFeeds(feeds, copy, seedOfCopy(seed, number)) : feeds);
      }
      run ??= await batchRunOf(head, inputs.slice(0, 2));
      const outputs = await run(inputs);
      for (const [i, { number }] of chunk.entries())
        await store.add(
          number,
          tensorNames.map((name) => float32Of(outputs[i][name], name)),
        );
      progress?.progress(Math.min(items.length, from + HEAD_CHUNK), items.length);
    }
    const feedsOf = async (number: number): Promise<TensorMap> => {
      const feature = await store.get(number);
      return Object.fromEntries(tensorNames.map((name, i) => [name, feature[i]]));
    };
    const tailRun = await batchRunOf(tail, [await feedsOf(numbers[0]), await feedsOf(numbers[1])]);
    const truth = manifest.task && source.truth !== 'agreement' ? 'labels' : 'agreement';
    const { name, better, score } = scoreOfTask(manifest.task, truth === 'labels' ? 'labels' : 'unsplit');
    const first = await store.get(numbers[0]);
    return {
      parts,
      copies: copies.map(({ number }) => number),
      labelOf: (number) => labels.get(number)!.label,
      task: manifest.task,
      truth,
      metricName: name,
      description: `${data.description}; ${parts.claim.length} samples drawn with seed ${seed} that took no part in design or selection`,
      elementsPerSample: first.reduce((sum, tensor) => sum + tensor.data.length, 0),
      bench: {
        tensorNames,
        features: (number) => store.get(number),
        reference: cachedReference(tailRun, feedsOf),
        run: tailRun,
        distance: distanceOfTask(manifest.task),
        score: async (outputs, reference, number) => score(outputs, labels.get(number)!, reference),
        better,
        backend,
        signal,
      },
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Copies have the numbers behind those of the data, so that each has features of its own. */
function copiesOf(samples: readonly number[], copies: readonly InputCopy[], length: number): HeadItem[] {
  return copies.flatMap((copy, k) =>
    samples.map((sample) => ({ number: (k + 1) * length + sample, sample, copy })),
  );
}

function copiedFeeds(feeds: TensorMap, copy: InputCopy, seed: number): TensorMap {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, input]) => [name, copyInput(input, copy, seed)]),
  );
}

/** Every copy is changed in its own way. */
function seedOfCopy(seed: number, number: number): number {
  return Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b);
}

function float32Of(tensor: Tensor, name: string): Tensor {
  if (tensor.dtype === 'float32') return tensor;
  throw new TypeError(`cut expected float32 tensors, got ${tensor.dtype} of ${name}`);
}

/** Outputs for features that were not coded, kept up to a limit. */
function cachedReference(
  run: BatchRun,
  feedsOf: (number: number) => Promise<TensorMap>,
): MeasuringBench['reference'] {
  const kept = new Map<number, TensorMap>();
  let bytes = 0;
  return async (numbers) => {
    const missing = numbers.filter((number) => !kept.has(number));
    const feeds: TensorMap[] = [];
    for (const number of missing) feeds.push(await feedsOf(number));
    const outputs = await run(feeds);
    const fresh = new Map(missing.map((number, i) => [number, outputs[i]]));
    for (const [number, output] of fresh) {
      const size = Object.values(output).reduce((sum, { data }) => sum + data.byteLength, 0);
      if (bytes + size > REFERENCE_BYTES) break;
      bytes += size;
      kept.set(number, output);
    }
    return numbers.map((number) => kept.get(number) ?? fresh.get(number)!);
  };
}
