/** The reductions that an edge client in Node needs, each in a worker thread of its own, as the head is. */

import { type OperatingPoint, unitOfPoint } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import type { ModelSession } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';

/** Open reductions. */
export interface OpenReductions {
  /** By the ids of the units, as `createEdgeClient` takes them. */
  readonly sessions: ReadonlyMap<string, ModelSession>;
  close(): Promise<void>;
}

/**
 * Opens the reductions of points, so that a request at any of them waits for none.
 * @param points - of the bundle, those that will be used; points without a unit need nothing
 * @throws {InferenceError} `model-rejected`; nothing is left open then
 */
export async function openReductions(
  bundle: NodeBundle,
  points: readonly OperatingPoint[],
): Promise<OpenReductions> {
  const ids = new Set(points.flatMap((point) => unitOfPoint(bundle.manifest, point)?.id ?? []));
  const sessions = new Map<string, ModelSession>();
  const close = async (): Promise<void> => {
    await Promise.all([...sessions.values()].map((session) => session.close()));
  };
  try {
    for (const id of ids) sessions.set(id, await createWorkerSession(bundle.unitPath(id, 'reduction')));
  } catch (error) {
    await close();
    throw error;
  }
  return { sessions, close };
}
