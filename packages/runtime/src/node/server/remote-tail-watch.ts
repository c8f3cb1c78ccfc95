/** Whether remote tails take requests: asked every now and then, told when it changes, and what readiness goes by. */

import { isModelReady } from '../open-inference/remote-model.js';
import { modelOfTail, type RemoteTail } from '../open-inference/remote-tail.js';
import type { BundleRegistry } from './bundle-registry.js';
import type { ServerLogger } from './logger.js';

/** The watch on the remote tails of a server's bundles. */
export interface RemoteTailWatch {
  /** Whether the tail of a bundle took requests when it was last asked; true before. */
  isReady(digest: string): boolean;
  close(): void;
}

/** What is watched. */
export interface RemoteTailWatchOptions {
  readonly remoteTail: RemoteTail;
  readonly registry: Pick<BundleRegistry, 'list'>;
  readonly logger: ServerLogger;
}

/** From the end of one round of questions to the next; also the longest wait for an answer. */
const INTERVAL_MS = 2000;

/** Asks from now on until it is closed. */
export function watchRemoteTails({ remoteTail, registry, logger }: RemoteTailWatchOptions): RemoteTailWatch {
  let away: ReadonlySet<string> = new Set();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const look = async (): Promise<void> => {
    const found = new Set<string>();
    for (const { bundle } of registry.list()) {
      const { manifest, digest } = bundle;
      const model = modelOfTail(remoteTail, manifest);
      const isReady = await isModelReady({ ...model, timeoutMs: Math.min(INTERVAL_MS, model.timeoutMs) });
      if (isClosed) return;
      if (!isReady) found.add(digest);
      if (isReady === !away.has(digest)) continue;
      if (isReady) logger.info(`remote model '${model.model}' is ready again`);
      else logger.warn(`remote model '${model.model}' is not ready`);
    }
    away = found;
    wait();
  };
  const wait = (): void => {
    timer = setTimeout(() => void look(), INTERVAL_MS);
    timer.unref();
  };
  wait();
  return {
    isReady: (digest) => !away.has(digest),
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
