/**
 * A session of onnxruntime in the calling thread. `run()` returns a promise, but the thread is blocked while
 * the network runs: this is for worker threads and for scripts that have nothing else to do.
 */

import { InferenceSession } from 'onnxruntime-node';
import { checkFeeds } from '../feeds.js';
import {
  InferenceError,
  type ModelSession,
  type RunResult,
  type SessionOptions,
  type TensorMap,
} from '../session.js';
import { type ExitGuard, runGuarded } from './exit-guard.js';
import {
  fromOrtTensors,
  ORT_RUN_OPTIONS,
  ortSessionOptions,
  toOrtTensors,
  valueSpecs,
} from './ort-values.js';

/** How a network is loaded in this thread. */
export interface LocalSessionOptions extends SessionOptions {
  /** In a worker thread: the words of the guard that the main thread has put on the process for it. */
  readonly exitGuard?: ExitGuard['words'] | undefined;
}

/**
 * Loads a network in this thread. A worker thread that does this is never to be terminated, nor the process
 * ended, during a run, unless it has an exit guard (`createExitGuard`).
 * @param model - the model file's bytes (not kept), or its path
 * @throws {InferenceError} `model-rejected` if the engine refuses the model, or the file cannot be read
 * @throws {RangeError} if an option is out of range
 */
export async function createLocalSession(
  model: Uint8Array | string,
  options: LocalSessionOptions = {},
): Promise<ModelSession> {
  const ortOptions = ortSessionOptions(options);
  const engine = await runGuarded(options.exitGuard, () => loadModel(model, ortOptions));
  try {
    return openSession(engine, options.exitGuard);
  } catch (error) {
    await engine.release();
    throw error;
  }
}

async function loadModel(
  model: Uint8Array | string,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  try {
    return typeof model === 'string'
      ? await InferenceSession.create(model, options)
      : await InferenceSession.create(model, options);
  } catch (cause) {
    const what = typeof model === 'string' ? `model '${model}'` : `model of ${model.byteLength} bytes`;
    throw new InferenceError('model-rejected', `${what} was refused: ${oneLine(cause)}`, { cause });
  }
}

function openSession(engine: InferenceSession, exitGuard: LocalSessionOptions['exitGuard']): ModelSession {
  const inputs = valueSpecs(engine.inputMetadata);
  const outputs = valueSpecs(engine.outputMetadata);
  let lastRun: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  /** One after another, so that `runMs` is the time of one run and the network is not freed under it. */
  async function runAfter(previous: Promise<unknown>, feeds: TensorMap): Promise<RunResult> {
    await previous.catch(() => undefined);
    return runGuarded(exitGuard, () => runOnce(engine, feeds));
  }
  return {
    inputs,
    outputs,
    async run(feeds) {
      if (closing) throw new InferenceError('closed', 'the session is closed');
      checkFeeds(inputs, feeds);
      const run = runAfter(lastRun, feeds);
      lastRun = run;
      return run;
    },
    close() {
      closing ??= lastRun.catch(() => undefined).then(() => engine.release());
      return closing;
    },
  };
}

async function runOnce(engine: InferenceSession, feeds: TensorMap): Promise<RunResult> {
  try {
    const tensors = toOrtTensors(feeds);
    const start = performance.now();
    const values = await engine.run(tensors, ORT_RUN_OPTIONS);
    const runMs = performance.now() - start;
    return { outputs: fromOrtTensors(values), runMs };
  } catch (cause) {
    throw new InferenceError('run-failed', `the run failed: ${oneLine(cause)}`, { cause });
  }
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
}
