/**
 * Measures a network on this machine. Whole runs are timed without the engine's profiler, which costs some microseconds a
 * step; a second session with it, run in turns with the first, says how the time is spread over the steps.
 */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { env, InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import {
  type MeasuringMachine,
  type ModelProfile,
  PROFILE_FORMAT,
  PROFILE_VERSION,
} from '../model-profile.js';
import { toOrtTensors } from '../ort/ort-values.js';
import { quantiles } from '../quantiles.js';
import type { TensorMap } from '../session.js';
import { type ExitGuard, runGuarded } from './exit-guard.js';
import { createLocalSession } from './local-session.js';
import { ORT_RUN_OPTIONS, ortSessionOptions } from './ort-options.js';
import { PROFILED_RUNS, profiledFeeds } from './profiled-feeds.js';
import { fitToRun, readTrace, type TracedRun } from './trace.js';

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

/**
 * Runs a network repeatedly in the calling thread, which is blocked during each run.
 * @param file - the model's path
 * @throws {InferenceError} `model-rejected`; `input-mismatch` if a dimension is open and no shape is given; `run-failed`
 */
export async function profileModel(file: string, options: ProfileOptions = {}): Promise<ModelProfile> {
  const { threads = 1, exitGuard, budgetMs = PROFILED_RUNS.budgetMs, inputShapes = {}, signal } = options;
  const session = await createLocalSession(file, { intraOpThreads: threads, exitGuard });
  try {
    const feeds = profiledFeeds(session.inputs, inputShapes);
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
      for (let run = 0; run < PROFILED_RUNS.warmUp; run++) await runBoth();
      const end = performance.now() + budgetMs;
      while (
        times.length < PROFILED_RUNS.least ||
        (times.length < PROFILED_RUNS.most && performance.now() < end)
      ) {
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
      warmUpRuns: PROFILED_RUNS.warmUp,
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
