/**
 * A bundle with data as the subject of a sweep: its head runs over all samples once, its tail on whatever a method decodes,
 * and the unsplit network on pictures that are sent instead. Features stay in memory.
 */

import { type Pixels, pixelsToTensor } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { quantiles, type TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import type { Feature } from '../baselines/features/feature-coder.js';
import type { DataSet } from '../data/data-set.js';
import { mapOnWorkers } from '../map-on-workers.js';
import type { Ratio } from '../metrics/ratio.js';
import type { LabeledSample } from '../metrics/task-metric.js';
import { type BatchRun, batchRunOf } from '../split/batch-run.js';
import { openExit, type ScoredExitAnswer } from '../split/exit.js';
import { closeAll, type Network, type NetworkParts, openNetwork, openParts } from '../split/network.js';
import { type InputRecipe, type PreparedInput, prepareInput, recipeOf } from '../split/sample-feeds.js';
import { scoreOfTask, type TaskScore } from '../split/task-score.js';
import type { CutFeatures, SweepSubject } from './sweep-subject.js';

/** Samples of a data set by number. */
export interface DataPart {
  readonly data: DataSet;
  readonly numbers: readonly number[];
}

/** What to open. */
export interface BundleSubjectOptions {
  readonly name: string;
  readonly bundle: NodeBundle;
  /** What is measured, at least one sample. */
  readonly test: DataPart;
  /** What methods design from, at least one sample; none of it is measured. */
  readonly seen: DataPart;
  /** As in `scoreOfTask`. */
  readonly against: 'labels' | 'unsplit';
  /** Sessions of each part that run at the same time. */
  readonly parallelism: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Medians of one sample at a time on this machine, milliseconds. */
export interface PartTimes {
  readonly headMs: number;
  readonly tailMs: number;
  readonly wholeMs: number;
}

/** A subject with networks behind it. */
export interface BundleSubject extends SweepSubject {
  readonly times: PartTimes;
  close(): Promise<void>;
}

/** Samples that one session takes at a time. */
const CHUNK = 16;
const TIMED_SAMPLES = 8;

/**
 * Opens networks, reads the samples and runs head and unsplit network over them.
 * @throws {TypeError} if a tensor of the cut is not float32, or there is no task and labels are asked for
 * @throws {RangeError} if there are several inputs; {DataSetError} {InferenceError} of data and networks; the signal's reason
 */
export async function openBundleSubject(options: BundleSubjectOptions): Promise<BundleSubject> {
  const { name, bundle, parallelism, against } = options;
  const { manifest } = bundle;
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(each: T): T => {
    opened.push(each);
    return each;
  };
  try {
    const parts: NetworkParts[] = [];
    const wholes: Network[] = [];
    // One after the other: where one fails, all that are open are closed.
    for (let i = 0; i < parallelism; i++) {
      parts.push(keep(await openParts(bundle)));
      wholes.push(keep(await openNetwork(bundle)));
    }
    const recipe = recipeOf(manifest);
    const tensorNames = manifest.cut.map((tensor) => tensor.name);
    const test = await readPart(options.test, recipe);
    const design = await readPart(options.seen, recipe);
    const heads = await Promise.all(parts.map(({ head }) => batchRunOf(head, feedsOf(test).slice(0, 2))));
    const features = cutFeatures(await runAll(heads, feedsOf(test), options), tensorNames);
    const seen = cutFeatures(await runAll(heads, feedsOf(design), options), tensorNames);
    const answers = await runAll(
      wholes.map(({ run }) => singly(run)),
      feedsOf(test),
      options,
    );
    const score = scoreOfTask(manifest.task, against);
    const tailFeeds = (list: CutFeatures): TensorMap[] =>
      list[0].map((_, i) =>
        Object.fromEntries(tensorNames.map((tensor, at): [string, Tensor] => [tensor, list[at][i]])),
      );
    const probes = tailFeeds(features.map((list) => list.slice(0, 2)));
    const tails = await Promise.all(parts.map(({ tail }) => batchRunOf(tail, probes)));
    const judge = judgeOf(score, test, answers);
    const answer: AnswerInputs = async (feeds, from) =>
      judge(
        await runAll(
          wholes.map(({ run }) => singly(run)),
          feeds,
          options,
        ),
        from,
      );
    const exit = await exitAnswers(bundle, tailFeeds(features), (outputs) => judge(outputs, 0));
    const { head, tail } = parts[0];
    const timed = feedsOf(test).slice(0, TIMED_SAMPLES);
    const times: PartTimes = {
      headMs: await medianMs(timed, (feeds) => head.run(feeds)),
      tailMs: await medianMs(tailFeeds(features.map((list) => list.slice(0, TIMED_SAMPLES))), (feeds) =>
        tail.run(feeds),
      ),
      wholeMs: await medianMs(timed, (feeds) => wholes[0].run(feeds)),
    };
    return {
      name,
      metric: { name: score.name, better: score.better },
      headMacs: manifest.head.macs,
      reference: judge(answers, 0),
      seen,
      features: async (from, to) => features.map((list) => list.slice(from, to)),
      score: async (list, from) => judge(await runAll(tails, tailFeeds(list), options), from),
      pictures: picturesOf(`${manifest.model.name}, pictures`, test, recipe, answer),
      arrays: arraysOf(`${manifest.model.name}, arrays`, test, recipe, answer),
      times,
      exit,
      close: () => closeAll(opened),
    };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** The exit's answers to all samples; undefined where the bundle has none. @param cuts - what the head gave, by tensors */
async function exitAnswers(
  bundle: NodeBundle,
  cuts: readonly TensorMap[],
  judge: (outputs: readonly TensorMap[]) => Ratio[],
): Promise<ScoredExitAnswer[] | undefined> {
  const exit = await openExit(bundle);
  if (!exit) return undefined;
  try {
    const asked: Awaited<ReturnType<typeof exit.ask>>[] = [];
    for (const cut of cuts) asked.push(await exit.ask(cut));
    const ratios = judge(asked.map(({ outputs }) => outputs));
    return asked.map(({ isSure }, i) => ({ isSure, ratio: ratios[i] }));
  } finally {
    await exit.close();
  }
}

type TestSample = PreparedInput & { readonly sample: LabeledSample };

async function readPart({ data, numbers }: DataPart, recipe: InputRecipe): Promise<TestSample[]> {
  const samples: TestSample[] = [];
  for (const number of numbers) {
    const { id, label, input } = await data.sample(number);
    samples.push({ ...(await prepareInput(input, recipe)), sample: { id, label } });
  }
  return samples;
}

function feedsOf(samples: readonly TestSample[]): TensorMap[] {
  return samples.map(({ feeds }) => feeds);
}

/** Runs samples in their order, on all networks at once. */
async function runAll(
  runs: readonly BatchRun[],
  feeds: readonly TensorMap[],
  { signal, onProgress }: BundleSubjectOptions,
): Promise<TensorMap[]> {
  const chunks = Array.from({ length: Math.ceil(feeds.length / CHUNK) }, (_, i) =>
    feeds.slice(i * CHUNK, (i + 1) * CHUNK),
  );
  const results = await mapOnWorkers(
    runs,
    chunks,
    (run, chunk) => {
      signal?.throwIfAborted();
      return run(chunk);
    },
    (done) => onProgress?.(done, chunks.length),
  );
  return results.flat();
}

function singly(run: (feeds: TensorMap) => Promise<TensorMap>): BatchRun {
  return async (samples) => {
    const results: TensorMap[] = [];
    for (const sample of samples) results.push(await run(sample));
    return results;
  };
}

function cutFeatures(outputs: readonly TensorMap[], tensorNames: readonly string[]): Feature[][] {
  return tensorNames.map((name) =>
    outputs.map((output) => {
      const tensor = output[name];
      if (tensor.dtype === 'float32') return tensor;
      throw new TypeError(`cut expected float32 tensors, got ${tensor.dtype} of ${name}`);
    }),
  );
}

function judgeOf(score: TaskScore, test: readonly TestSample[], answers: readonly TensorMap[]) {
  return (outputs: readonly TensorMap[], from: number): Ratio[] =>
    outputs.map((output, i) => score.score(output, test[from + i].sample, answers[from + i]));
}

/** The metric of what the unsplit network makes of inputs. @param from - number of the first sample */
type AnswerInputs = (feeds: readonly TensorMap[], from: number) => Promise<Ratio[]>;

function arraysOf(
  source: string,
  test: readonly TestSample[],
  { input }: InputRecipe,
  answer: AnswerInputs,
): SweepSubject['arrays'] {
  if (test.some(({ pixels }) => pixels !== null)) return undefined;
  return {
    source,
    tensors: async (from, to) => test.slice(from, to).map(({ feeds }) => feeds[input]),
    score: (tensors, from) =>
      answer(
        tensors.map((each) => ({ [input]: each })),
        from,
      ),
  };
}

function picturesOf(
  source: string,
  test: readonly TestSample[],
  { input, preprocessing }: InputRecipe,
  answer: AnswerInputs,
): SweepSubject['pictures'] {
  if (!preprocessing || test.some(({ pixels }) => pixels === null)) return undefined;
  return {
    source,
    pixels: async (from, to) => test.slice(from, to).map(({ pixels }) => pixels as Pixels),
    score: (pictures, from) =>
      answer(
        pictures.map((pixels) => ({ [input]: pixelsToTensor(pixels, preprocessing) })),
        from,
      ),
  };
}

/** Median wall time, after one run that is not counted. */
async function medianMs(
  feeds: readonly TensorMap[],
  run: (feeds: TensorMap) => Promise<unknown>,
): Promise<number> {
  await run(feeds[0]);
  const times: number[] = [];
  for (const each of feeds) {
    const start = performance.now();
    await run(each);
    times.push(performance.now() - start);
  }
  return quantiles(times).p50;
}
