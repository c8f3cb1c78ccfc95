/**
 * A session of onnxruntime in the calling thread. `run()` returns a promise, but the thread is blocked while
 * the network runs: this is for worker threads and for scripts that have nothing else to do.
 */

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { engineSession, modelRejected } from '../ort/engine-session.js';
import type { ModelSession, SessionOptions } from '../session.js';
import { type ExitGuard, runGuarded } from './exit-guard.js';
import { ORT_RUN_OPTIONS, ortSessionOptions } from './ort-options.js';

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
  const { exitGuard } = options;
  const engine = await runGuarded(exitGuard, () => loadModel(model, ortOptions));
  return engineSession(engine, {
    TensorClass: Tensor,
    runOptions: ORT_RUN_OPTIONS,
    enter: (run) => runGuarded(exitGuard, run),
  });
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
    throw modelRejected(model, cause);
  }
}
