/** A session of onnxruntime-web, in the calling thread: a page has it in a worker, where a run holds up nothing to look at. */

import { engineSession, modelRejected } from '../ort/engine-session.js';
import type { ModelSession, SessionOptions } from '../session.js';
import type { WebEngine } from './web-engine.js';

/** How a network is loaded. */
export type WebSessionOptions = Pick<SessionOptions, 'graphOptimization' | 'externalData'>;

/** onnxruntime's "fatal": it throws what goes wrong and need not print it as well. */
const LOG_FATAL_ONLY = 4;

/**
 * Loads a network.
 * @param model - the model file's bytes, which are not kept
 * @throws {InferenceError} `model-rejected` if the engine refuses the model
 */
export async function createWebSession(
  model: Uint8Array,
  { ort, provider }: WebEngine,
  { graphOptimization = 'all', externalData }: WebSessionOptions = {},
): Promise<ModelSession> {
  const engine = await ort.InferenceSession.create(model, {
    executionProviders: provider === 'webgpu' ? ['webgpu', 'wasm'] : ['wasm'],
    graphOptimizationLevel: graphOptimization,
    logSeverityLevel: LOG_FATAL_ONLY,
    ...(externalData && { externalData: externalData.map(({ path, data }) => ({ path, data })) }),
  }).catch((cause: unknown) => {
    throw modelRejected(model, cause);
  });
  const runOptions = { logSeverityLevel: LOG_FATAL_ONLY } as const;
  return engineSession(engine, { TensorClass: ort.Tensor, runOptions });
}
