/**
 * Measures a network on this machine. Whole runs are timed without the engine's profiler, which costs some microseconds a
 * step; a second session with it, run in turns with the first, says how the time is spread over the steps.
 */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { allocateData, elementCount, float16Bits, type Tensor } from '@featherwire/tensor';
import { env, InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import {
  type MeasuringMachine,
  type ModelProfile,
  PROFILE_FORMAT,
  PROFILE_VERSION,
} from '../model-profile.js';
import { toOrtTensors } from '../ort/ort-values.js';
import { quantiles } from '../quantiles.js';
import { InferenceError, type TensorMap, type ValueSpec } from '../session.js';
import { type ExitGuard, runGuarded } from './exit-guard.js';
import { createLocalSession } from './local-session.js';
import { ORT_RUN_OPTIONS, ortSessionOptions } from './ort-options.js';
import { readTrace, type TracedRun } from './trace.js';

/** How a network is measured. */
export interface ProfileOptions {
  /** Threads inside one operator, from 1; default 1. */
  readonly threads?: number;
  /** Shapes of inputs with open dimensions; an open first dimension is 1 when not given. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /** Time for all timed runs, in milliseconds; default 2000. Some runs are always made. */
  readonly budgetMs?: number;
  /** In a worker thread: see `createLocalSession`. */
  readonly exitGuard?: ExitGuard['words'] | undefined;
  /** No run begins once it is raised. */
  readonly signal?: AbortSignal;
}

const DEFAULT_BUDGET_MS = 2000;
const WARM_UP_RUNS = 3;
const MIN_RUNS = 5;
const MAX_RUNS = 200;

/**
 * Runs a network repeatedly in the calling thread, which is blocked during each run.
 * @param file - the model's path
 * @throws {InferenceError} `model-rejected`; `input-mismatch` if a dimension is open and no shape is given; `run-failed`
 */
export async function profileModel(file: string, options: ProfileOptions = {}): Promise<ModelProfile> {
  const { threads = 1, exitGuard, budgetMs = DEFAULT_BUDGET_MS, inputShapes = {}, signal } = options;
  const session = await createLocalSession(file, { intraOpThreads: threads, exitGuard });
  try {
    const feeds = feedsOf(session.inputs, inputShapes);
    const traced = await openTracedSession(file, feeds, threads, exitGuard);
    const times: number[] = [];
    let trace: TracedRun;
    try {
      const runBoth = async (): Promise<number> => {
        await turn(signal);
        const { runMs } = await session.run(feeds);
        await turn(signal);
        await traced.run();
        return runMs;
      };
      for (let run = 0; run < WARM_UP_RUNS; run++) await runBoth();
      const end = performance.now() + budgetMs;
      while (times.length < MIN_RUNS || (times.length < MAX_RUNS && performance.now() < end)) {
        times.push(await runBoth());
      }
      trace = readTrace(await traced.end(), times.length);
    } finally {
      await traced.close();
    }
    const runMs = quantiles(times);
    return {
      format: PROFILE_FORMAT,
      version: PROFILE_VERSION,
      machine: thisMachine(),
      threads,
      inputShapes: Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape])),
      warmUpRuns: WARM_UP_RUNS,
      runs: times.length,
      runMs,
      ...fitToRun(trace, runMs.p50),
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

/** Scales the steps so that they fill the run: the profiler's own time lies between them. */
function fitToRun({ steps, fixedMs: around }: TracedRun, runMs: number): TracedRun {
  const sum = steps.reduce((total, { ms }) => total + ms, 0);
  const fixedMs = sum === 0 ? runMs : Math.min(around, runMs);
  return { steps: steps.map((step) => ({ ...step, ms: (step.ms * (runMs - fixedMs)) / sum })), fixedMs };
}

/** A session under the engine's profiler. */
interface TracedSession {
  run(): Promise<unknown>;
  /** Ends profiling. @returns the trace */
  end(): Promise<string>;
  close(): Promise<void>;
}

async function openTracedSession(
  file: string,
  feeds: TensorMap,
  threads: number,
  exitGuard: ProfileOptions['exitGuard'],
): Promise<TracedSession> {
  const directory = await mkdtemp(path.join(tmpdir(), 'featherwire-profile-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const engine = await runGuarded(exitGuard, () =>
      InferenceSession.create(file, {
        ...ortSessionOptions({ intraOpThreads: threads }),
        enableProfiling: true,
        profileFilePrefix: path.join(directory, 'trace'),
      }),
    );
    const tensors = toOrtTensors(feeds, OrtTensor);
    return {
      run: () => runGuarded(exitGuard, () => engine.run(tensors, ORT_RUN_OPTIONS)),
      async end() {
        engine.endProfiling(); // completes the file, whose name has the time in it
        const [name] = await readdir(directory);
        return readFile(path.join(directory, name), 'utf8');
      },
      async close() {
        await engine.release();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A run blocks the thread: a turn of the event loop before it lets a signal be heard. */
async function turn(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
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
