/** A tail service: bundles in, a listening server out. Puts together workers, request handler, routes, stream. */

import type { NodeBundle } from '@featherwire/bundle/node';
import type { BackendPreference } from '@featherwire/codec';
import type { RemoteTail } from '../open-inference/remote-tail.js';
import {
  type BundleChange,
  type BundleRegistry,
  createBundleRegistry,
  type ServedBundle,
} from './bundle-registry.js';
import { addBundleRoutes } from './bundle-routes.js';
import type { PointDrift } from './drift-monitor.js';
import { addEdgePageRoutes, type EdgePage } from './edge-page.js';
import { checkPositiveInteger, completeLimits, type ServerLimits } from './limits.js';
import { type ServerLogger, silentLogger } from './logger.js';
import { createPartProfiles } from './part-profiles.js';
import { type RemoteTailWatch, watchRemoteTails } from './remote-tail-watch.js';
import type { RequestCounts } from './request-handler.js';
import { createPoolRunner } from './run-in-pool.js';
import {
  type CloseOptions,
  type FrontAddress,
  ServerStartError,
  type ServiceFront,
  startServiceFront,
} from './service-front.js';
import { startBundlePool } from './start-bundle-pool.js';
import type { TailPoolStats } from './tail-pool.js';

/** Settings of a server. */
export interface TailServerOptions extends FrontAddress {
  /** At least one; their digests differ in the first 8 bytes. */
  readonly bundles: readonly NodeBundle[];
  /** Worker threads of each bundle; default 1. */
  readonly workersPerBundle?: number;
  /** Threads inside one operator; default 1. */
  readonly threadsPerWorker?: number;
  /** Most requests that share a run of a tail that can take several; default 16. */
  readonly maxBatchSize?: number;
  /** Longest wait of a free worker for more requests, after a batch of several, in milliseconds; default 2. */
  readonly batchWindowMs?: number;
  /**
   * A server of the Open Inference Protocol that runs the tails; here they are decoded, put together and sent to it, by as many
   * workers as exchanges go on at once. Pictures and profiles are refused then. Default: the bundles' tails are run here.
   */
  readonly remoteTail?: RemoteTail;
  readonly limits?: Partial<ServerLimits>;
  /** Codec backend of the workers; default `auto`. */
  readonly backend?: BackendPreference;
  /** A page that runs the edge side in browsers; the bundles' files for it are then public. Default: none. */
  readonly page?: EdgePage;
  /** Default: none. */
  readonly logger?: ServerLogger;
}

/** What a server is doing and has done. */
export interface TailServerStats {
  readonly requests: RequestCounts;
  /** Open WebSockets. */
  readonly streams: number;
  /** Bytes of requests and answers that are held. */
  readonly bufferedBytes: number;
  readonly bundles: readonly BundleStats[];
}

/** Of one bundle. */
export interface BundleStats extends TailPoolStats {
  readonly name: string;
  readonly digest: string;
  /** What clients that were asked for it said of their features, by operating point. */
  readonly drift: readonly PointDrift[];
}

/** A running server. */
export interface TailServer extends Pick<ServiceFront, 'url' | 'streamUrl' | 'address' | 'answer'> {
  stats(): TailServerStats;
  /** What it serves now. */
  bundles(): readonly NodeBundle[];
  /**
   * Serves other bundles, see `BundleRegistry.replace`; requests that came for one that is left out are answered by it.
   * @throws {RangeError} if there are none, or two have digests that begin alike
   * @throws {ServerStartError} if a tail cannot be loaded; then all stays as it was
   */
  replaceBundles(bundles: readonly NodeBundle[]): Promise<BundleChange>;
  /**
   * Stops taking connections and requests, finishes what is in flight, then ends everything. Calling it again
   * gives the same promise.
   */
  close(options?: CloseOptions): Promise<void>;
}

const DEFAULT_MAX_BATCH_SIZE = 16;
const DEFAULT_BATCH_WINDOW_MS = 2;
/**
 * Loads the tails and listens.
 * @throws {RangeError} if a setting is out of range, or two bundles share a digest prefix
 * @throws {ServerStartError} if a tail cannot be loaded, a certificate cannot be used or the address cannot be listened on;
 *   nothing is left running
 */
export async function createTailServer(options: TailServerOptions): Promise<TailServer> {
  const limits = completeLimits(options.limits);
  const logger = options.logger ?? silentLogger;
  const registry = createRegistry(options, limits, logger);
  await replaceBundles(registry, options.bundles);
  const { remoteTail } = options;
  const remoteWatch = remoteTail && watchRemoteTails({ remoteTail, registry, logger });
  let front: ServiceFront;
  try {
    front = await startFront(options, { registry, limits, logger, remoteWatch });
  } catch (error) {
    remoteWatch?.close();
    await registry.close();
    throw error;
  }
  const { url, streamUrl, address, answer } = front;
  let closing: Promise<void> | undefined;
  return {
    ...{ url, streamUrl, address, answer },
    stats: () => ({ ...front.stats(), bundles: registry.list().map(statsOf) }),
    bundles: () => registry.list().map(({ bundle }) => bundle),
    replaceBundles: (bundles) => replaceBundles(registry, bundles),
    close(closeOptions = {}) {
      closing ??= front.close(closeOptions).then(() => {
        remoteWatch?.close();
        return registry.close();
      });
      return closing;
    },
  };
}

function statsOf({ bundle: { manifest, digest }, pool, drift }: ServedBundle): BundleStats {
  return { name: manifest.model.name, digest, ...pool.stats(), drift: drift.report() };
}

function createRegistry(
  options: TailServerOptions,
  limits: ServerLimits,
  logger: ServerLogger,
): BundleRegistry {
  const {
    workersPerBundle: workerCount = 1,
    threadsPerWorker: threads = 1,
    backend = 'auto',
    remoteTail,
  } = options;
  const { maxBatchSize = DEFAULT_MAX_BATCH_SIZE, batchWindowMs = DEFAULT_BATCH_WINDOW_MS } = options;
  checkPositiveInteger('workersPerBundle', workerCount);
  checkPositiveInteger('threadsPerWorker', threads);
  checkPositiveInteger('maxBatchSize', maxBatchSize);
  if (!(batchWindowMs >= 0)) throw new RangeError(`batchWindowMs expected 0 or more, got ${batchWindowMs}`);
  const settings = { workerCount, threads, backend, remoteTail, maxBatchSize, batchWindowMs, limits, logger };
  return createBundleRegistry({ startPool: (bundle) => startBundlePool(bundle, settings), logger });
}

async function replaceBundles(
  registry: BundleRegistry,
  bundles: readonly NodeBundle[],
): Promise<BundleChange> {
  try {
    return await registry.replace(bundles);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new ServerStartError(`a tail worker cannot start: ${(error as Error).message}`, { cause: error });
  }
}

/** What the front is put before. */
interface Foundation {
  readonly registry: BundleRegistry;
  readonly limits: ServerLimits;
  readonly logger: ServerLogger;
  readonly remoteWatch: RemoteTailWatch | undefined;
}

function startFront(
  { host, port, tokens, tls, page, backend }: TailServerOptions,
  { registry, limits, logger, remoteWatch }: Foundation,
): Promise<ServiceFront> {
  const profiles = createPartProfiles(registry);
  const offered = page && tls ? { site: page.site } : page;
  return startServiceFront({
    ...{ limits, logger },
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(tokens && { tokens }),
    ...(tls && { tls }),
    ...(offered?.links && { links: offered.links }),
    ...(backend && { backend }),
    run: createPoolRunner(registry),
    bundles: {
      list: async () => registry.list().map(({ bundle: { digest, manifest } }) => ({ digest, manifest })),
    },
    addRoutes: (app, handler) => {
      addBundleRoutes(app, { handler, registry, profiles });
      if (offered) addEdgePageRoutes(app, offered, registry);
    },
    isReady: () => registry.list().every((served) => canRun(served, remoteWatch)),
    bundleGauges: () =>
      registry.list().map(({ bundle: { manifest, digest }, pool }) => ({
        ...{ name: manifest.model.name, ...pool.stats() },
        ...(remoteWatch && { remoteReady: remoteWatch.isReady(digest) }),
      })),
  });
}

function canRun({ bundle, pool }: ServedBundle, remoteWatch: RemoteTailWatch | undefined): boolean {
  return pool.stats().workers > 0 && (remoteWatch?.isReady(bundle.digest) ?? true);
}
