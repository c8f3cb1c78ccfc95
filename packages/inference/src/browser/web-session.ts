/** A session of onnxruntime-web, in the calling thread: a page has it in a worker, where a run holds up nothing to look at. */

import type { InferenceSession } from 'onnxruntime-common';
import { engineSession, modelRejected } from '../ort/engine-session.js';
import type { ModelSession, SessionOptions } from '../session.js';
import { enterEngine, type WebEngine } from './web-engine.js';

/** How a network is loaded. */
export type WebSessionOptions = Pick<SessionOptions, 'graphOptimization' | 'externalData'>;

/** onnxruntime's "fatal": it throws what goes wrong and need not print it as well. */
const LOG_FATAL_ONLY = 4;

/** Options of a session's runs, which the engine adds to. */
export function webRunOptions(): InferenceSession.RunOptions {
  return { logSeverityLevel: LOG_FATAL_ONLY };
}

/**
 * Loads a network.
 * @param model - the model file's bytes, which are not kept
 * @throws {InferenceError} `model-rejected` if the engine refuses the model
 */
export async function createWebSession(
  model: Uint8Array,
  engine: WebEngine,
  options: WebSessionOptions = {},
): Promise<ModelSession> {
  const { enter, ort } = engine;
  const network = await loadNetwork(model, engine, options);
  return engineSession(network, {
    ...{ TensorClass: ort.Tensor, runOptions: webRunOptions() },
    ...(enter && { enter }),
  });
}

/**
 * Loads a network for whatever session runs it.
 * @param more - options of the engine's beside these
 * @throws {InferenceError} `model-rejected`
 */
export function loadNetwork(
  model: Uint8Array,
  engine: WebEngine,
  { graphOptimization = 'all', externalData }: WebSessionOptions,
  more: InferenceSession.SessionOptions = {},
): Promise<InferenceSession> {
  const { ort, provider } = engine;
  const load = (): Promise<InferenceSession> =>
    ort.InferenceSession.create(model, {
      executionProviders: provider === 'webgpu' ? ['webgpu', 'wasm'] : ['wasm'],
      graphOptimizationLevel: graphOptimization,
      logSeverityLevel: LOG_FATAL_ONLY,
      ...(externalData && { externalData: externalData.map(({ path, data }) => ({ path, data })) }),
      ...more,
    });
  return enterEngine(engine, load).catch((cause: unknown) => {
    throw modelRejected(model, cause);
  });
}
