/** The restorations of a bundle's units in a tail worker, checked against what the manifest says of them. */

import type { TensorSpec } from '@featherwire/bundle';
import type { ModelSession, ValueSpec } from '@featherwire/inference';
import { createLocalSession, type LocalSessionOptions } from '@featherwire/inference/node';
import type { TailWorkerStart } from './worker-messages.js';

/**
 * Opens all of them: they are small, and a request that changes the rate is not to wait for one.
 * @returns sessions by the ids of their units
 * @throws {InferenceError} `model-rejected`; {RangeError} if one does not take the unit's latent to the cut
 */
export async function openRestorations(
  { manifest, restorationPaths }: TailWorkerStart,
  options: LocalSessionOptions,
): Promise<ReadonlyMap<string, ModelSession>> {
  const sessions = new Map<string, ModelSession>();
  for (const { id, latent } of manifest.units ?? []) {
    const session = await createLocalSession(restorationPaths.get(id)!, options);
    sessions.set(id, session);
    checkNames(`restoration of unit '${id}' expected inputs`, session.inputs, latent);
    checkNames(`restoration of unit '${id}' expected outputs`, session.outputs, manifest.cut);
  }
  return sessions;
}

function checkNames(what: string, found: readonly ValueSpec[], expected: readonly TensorSpec[]): void {
  const [own, wanted] = [found, expected].map((specs) =>
    specs
      .map(({ name }) => name)
      .sort()
      .join(', '),
  );
  if (own !== wanted) throw new RangeError(`${what} ${wanted}, got ${own}`);
}
