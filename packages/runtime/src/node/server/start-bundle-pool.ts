/** From a bundle to the workers that run its tail. */

import type { NodeBundle } from '@featherwire/bundle/node';
import type { BackendPreference, CodingProfile } from '@featherwire/codec';
import type { RemoteTail } from '../open-inference/remote-tail.js';
import type { BatchSettings } from './batch-policy.js';
import type { ServerLimits } from './limits.js';
import type { ServerLogger } from './logger.js';
import { createTailPool, type TailPool } from './tail-pool.js';
import { startTailThread } from './tail-thread.js';

/** What all bundles of a server share. */
export interface BundlePoolSettings extends BatchSettings {
  readonly workerCount: number;
  /** Threads inside one operator. */
  readonly threads: number;
  readonly backend: BackendPreference;
  /** Runs the tails in the place of the bundles' files; undefined if these are run. */
  readonly remoteTail: RemoteTail | undefined;
  readonly limits: ServerLimits;
  readonly logger: ServerLogger;
}

/** @throws {Error} if a worker cannot start; none is left running then */
export function startBundlePool(bundle: NodeBundle, settings: BundlePoolSettings): Promise<TailPool> {
  const { manifest } = bundle;
  const { workerCount, threads, backend, remoteTail, limits, maxBatchSize, batchWindowMs, logger } = settings;
  const { maxElementsPerTensor, maxImagePixels, maxQueuedRequests, requestTimeoutMs } = limits;
  const tailPath = bundle.partPath('tail');
  // Who runs tails elsewhere has no networks run here.
  const wholePath = remoteTail ? undefined : manifest.whole && bundle.partPath('whole');
  const restorationPaths = new Map(
    manifest.units?.map(({ id }) => [id, bundle.unitPath(id, 'restoration')] as const),
  );
  const start = {
    ...{ manifest, profiles: profilesByPosition(bundle), tailPath, restorationPaths, wholePath },
    ...{ threads, backend, remoteTail, maxElementsPerTensor, maxImagePixels },
  };
  return createTailPool({
    startThread: () => startTailThread(start),
    ...{ workerCount, maxQueuedRequests, requestTimeoutMs, maxBatchSize, batchWindowMs, logger },
  });
}

/** Profiles by the numbers that frames have. A point whose profile was not loaded is unknown to the server. */
function profilesByPosition({ manifest, profiles }: NodeBundle): ReadonlyMap<number, CodingProfile> {
  return new Map(
    manifest.operatingPoints.flatMap(({ id }, position) => {
      const profile = profiles.get(id);
      return profile ? [[position, profile] as const] : [];
    }),
  );
}
