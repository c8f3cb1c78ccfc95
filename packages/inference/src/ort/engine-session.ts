/** A session on an engine of onnxruntime, whichever build it is: runs in turns, closing, errors. */

import type { InferenceSession } from 'onnxruntime-common';
import { checkFeeds } from '../feeds.js';
import { InferenceError, type ModelSession, type RunResult, type TensorMap } from '../session.js';
import { fromOrtTensors, type OrtTensorClass, toOrtTensors, valueSpecs } from './ort-values.js';

/** What a session needs beside the engine's own. */
export interface EngineSessionOptions {
  readonly TensorClass: OrtTensorClass;
  readonly runOptions?: InferenceSession.RunOptions;
  /** Through which every run goes; default: straight. */
  readonly enter?: <T>(run: () => Promise<T>) => Promise<T>;
}

/**
 * Puts the rules of `ModelSession` around a loaded network, which belongs to the session from then on.
 * @throws {InferenceError} `model-rejected` if a value is none that this library has; the network is then freed
 */
export async function engineSession(
  engine: InferenceSession,
  options: EngineSessionOptions,
): Promise<ModelSession> {
  try {
    return openSession(engine, options);
  } catch (error) {
    await engine.release();
    throw error;
  }
}

/** The error of a model that the engine does not take. */
export function modelRejected(model: Uint8Array | string, cause: unknown): InferenceError {
  const what = typeof model === 'string' ? `model '${model}'` : `model of ${model.byteLength} bytes`;
  return new InferenceError('model-rejected', `${what} was refused: ${oneLine(cause)}`, { cause });
}

function openSession(engine: InferenceSession, options: EngineSessionOptions): ModelSession {
  const { enter = (run) => run() } = options;
  const inputs = valueSpecs(engine.inputMetadata);
  const outputs = valueSpecs(engine.outputMetadata);
  let lastRun: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  /** One after another, so that `runMs` is the time of one run and the network is not freed under it. */
  async function runAfter(previous: Promise<unknown>, feeds: TensorMap): Promise<RunResult> {
    await previous.catch(() => undefined);
    return enter(() => runOnce(engine, feeds, options));
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

async function runOnce(
  engine: InferenceSession,
  feeds: TensorMap,
  { TensorClass, runOptions = {} }: EngineSessionOptions,
): Promise<RunResult> {
  try {
    const tensors = toOrtTensors(feeds, TensorClass);
    const start = performance.now();
    const values = await engine.run(tensors, runOptions);
    const runMs = performance.now() - start;
    return { outputs: fromOrtTensors(values), runMs };
  } catch (cause) {
    throw new InferenceError('run-failed', `the run failed: ${oneLine(cause)}`, { cause });
  }
}

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
}
