/** Measuring a part of a bundle in a tail worker: what `GET /v1/bundles/…/profile` answers with. */

import type { BundleManifest, TensorSpec } from '@featherwire/bundle';
import type { ModelProfile } from '@featherwire/inference';
import { profileModel } from '@featherwire/inference/node';
import { JobError, type ProfiledPart, type TailWorkerStart } from './worker-messages.js';

/** Requests of the bundle wait meanwhile. */
const BUDGET_MS = 1000;

/**
 * Measures a part with the worker's own number of threads.
 * @throws {JobError} `picture-unsupported` if the bundle has no whole model, `run-failed` if the tail is remote;
 *   {InferenceError} `input-mismatch` if a shape is open that nothing states
 */
export async function profilePart(start: TailWorkerStart, part: ProfiledPart): Promise<ModelProfile> {
  const { manifest, tailPath, wholePath, threads, exitGuard, remoteTail } = start;
  if (remoteTail) throw new JobError('run-failed', 'a remote tail has no profile');
  const file = part === 'tail' ? tailPath : wholePath;
  if (file === undefined) {
    throw new JobError('picture-unsupported', `bundle '${manifest.model.name}' has no whole model`);
  }
  const specs = part === 'tail' ? manifest.cut : manifest.inputs;
  const inputShapes = fixedShapes(specs, manifest);
  return profileModel(file, { threads, exitGuard, inputShapes, budgetMs: BUDGET_MS });
}

/** Shapes of one sample, for the inputs where manifest and preprocessing say them. */
function fixedShapes(
  specs: readonly TensorSpec[],
  { preprocessing }: BundleManifest,
): Record<string, readonly number[]> {
  const shapes: Record<string, readonly number[]> = {};
  for (const { name, shape } of specs) {
    const fixed = [...shape];
    if (typeof fixed[0] === 'string') fixed[0] = 1;
    if (preprocessing?.input === name && preprocessing.width !== 'aspect') {
      fixed.splice(-2, 2, preprocessing.height, preprocessing.width);
    }
    if (fixed.every((dimension) => typeof dimension === 'number')) shapes[name] = fixed;
  }
  return shapes;
}
