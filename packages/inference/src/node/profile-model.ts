/**
 * Measures a network on this machine. Whole runs are timed without the engine's profiler, which costs some microseconds a
 * step; a second session with it says how the time is spread over the steps, and what is left is the run's fixed cost.
 */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { allocateData, elementCount, float16Bits, type Tensor } from '@featherwire/tensor';
import { env, InferenceSession } from 'onnxruntime-node';
import { checkFeeds } from '../feeds.js';
import {
  type MeasuringMachine,
  type ModelProfile,
  PROFILE_FORMAT,
  PROFILE_VERSION,
  type StepProfile,
} from '../model-profile.js';
import { quantiles } from '../quantiles.js';
import { InferenceError, type SessionOptions, type TensorMap, type ValueSpec } from '../session.js';
import { type ExitGuard, runGuarded } from './exit-guard.js';
import { createLocalSession } from './local-session.js';
import { ORT_RUN_OPTIONS, ortSessionOptions, toOrtTensors, valueSpecs } from './ort-values.js';
import { stepsOfTrace } from './trace.js';

/** How a network is measured. */
export interface ProfileOptions {
  /** Threads inside one operator, from 1; default 1. */
  readonly threads?: number;
  /** Shapes of inputs with open dimensions; an open first dimension is 1 when not given. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /** Time for the runs of each of the two sessions, in milliseconds; default 1000. Some runs are always made. */
  readonly budgetMs?: number;
  /** In a worker thread: see `createLocalSession`. */
  readonly exitGuard?: ExitGuard['words'] | undefined;
  /** No run begins once it is raised. */
  readonly signal?: AbortSignal;
}

const DEFAULT_BUDGET_MS = 1000;
const WARM_UP_RUNS = 3;
const MIN_RUNS = 5;
const MAX_RUNS = 200;

/**
 * Runs a network repeatedly in the calling thread, which is blocked during each run.
 * @param file - the model's path
 * @throws {InferenceError} `model-rejected`; `input-mismatch` if a dimension is open and no shape is given; `run-failed`
 */
export async function profileModel(file: string, options: ProfileOptions = {}): Promise<ModelProfile> {
  const { threads = 1, exitGuard, budgetMs = DEFAULT_BUDGET_MS } = options;
  const sessionOptions = { intraOpThreads: threads };
  const session = await createLocalSession(file, { ...sessionOptions, exitGuard });
  try {
    const feeds = feedsOf(session.inputs, options.inputShapes ?? {});
    for (let run = 0; run < WARM_UP_RUNS; run++) await runUnless(options.signal, () => session.run(feeds));
    const times: number[] = [];
    const end = performance.now() + budgetMs;
    while (times.length < MIN_RUNS || (times.length < MAX_RUNS && performance.now() < end)) {
      times.push((await runUnless(options.signal, () => session.run(feeds))).runMs);
    }
    const runMs = quantiles(times);
    const traced = await traceSteps(file, feeds, times.length, { ...options, sessionOptions });
    return {
      format: PROFILE_FORMAT,
      version: PROFILE_VERSION,
      machine: thisMachine(),
      threads,
      inputShapes: Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape])),
      warmUpRuns: WARM_UP_RUNS,
      runs: times.length,
      runMs,
      ...fitToRun(traced, runMs.p50),
    };
  } finally {
    await session.close();
  }
}

/** This machine, as profiles name it. */
export function thisMachine(): MeasuringMachine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    parallelism: availableParallelism(),
    platform: `${process.platform} ${process.arch}`,
    engine: `onnxruntime-node ${env.versions.node ?? env.versions.common}`,
  };
}

/** Steps that are slower under the profiler than the run is without it are scaled to it; else the rest is fixed cost. */
function fitToRun(
  steps: readonly StepProfile[],
  runMs: number,
): { readonly steps: readonly StepProfile[]; readonly fixedMs: number } {
  const sum = steps.reduce((total, { ms }) => total + ms, 0);
  if (sum <= runMs) return { steps, fixedMs: runMs - sum };
  return { steps: steps.map((step) => ({ ...step, ms: (step.ms * runMs) / sum })), fixedMs: 0 };
}

async function traceSteps(
  file: string,
  feeds: TensorMap,
  runs: number,
  { exitGuard, signal, sessionOptions }: ProfileOptions & { readonly sessionOptions: SessionOptions },
): Promise<StepProfile[]> {
  const directory = await mkdtemp(path.join(tmpdir(), 'featherwire-profile-'));
  try {
    const engine = await runGuarded(exitGuard, () =>
      InferenceSession.create(file, {
        ...ortSessionOptions(sessionOptions),
        enableProfiling: true,
        profileFilePrefix: path.join(directory, 'trace'),
      }),
    );
    try {
      checkFeeds(valueSpecs(engine.inputMetadata), feeds);
      const tensors = toOrtTensors(feeds);
      const run = () => runGuarded(exitGuard, () => engine.run(tensors, ORT_RUN_OPTIONS));
      for (let count = 0; count < WARM_UP_RUNS + runs; count++) await runUnless(signal, run);
      engine.endProfiling(); // closes the file, whose name has the time in it
    } finally {
      await engine.release();
    }
    const [name] = await readdir(directory);
    return stepsOfTrace(await readFile(path.join(directory, name), 'utf8'), runs);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runUnless<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  // A run blocks the thread: a turn of the event loop before it lets a signal be heard.
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
  return run();
}

/** A value that keeps arithmetic away from denormals, which some processors are slow at, and from constant zeros. */
const FED_VALUE = 0.5;

function feedsOf(
  inputs: readonly ValueSpec[],
  shapes: Readonly<Record<string, readonly number[]>>,
): TensorMap {
  return Object.fromEntries(inputs.map((spec) => [spec.name, fill(spec, shapes[spec.name])]));
}

function fill({ name, dtype, shape }: ValueSpec, given: readonly number[] | undefined): Tensor {
  const fixed = given ?? shape.map((dimension, axis) => fixedDimension(name, shape, dimension, axis));
  const data = allocateData(dtype, elementCount(fixed));
  if (dtype === 'float16') data.fill(float16Bits(FED_VALUE) as never);
  else if (dtype === 'float32' || dtype === 'float64') data.fill(FED_VALUE as never);
  return { dtype, shape: fixed, data } as Tensor;
}

function fixedDimension(
  name: string,
  shape: ValueSpec['shape'],
  dimension: number | string,
  axis: number,
): number {
  if (typeof dimension === 'number') return dimension;
  if (axis === 0) return 1;
  throw new InferenceError(
    'input-mismatch',
    `input '${name}' expected a given shape for [${shape.join(', ')}], got none`,
  );
}
