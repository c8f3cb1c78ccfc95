/** A tail service: bundles in, a listening server out. Puts together pools, request handler, routes, stream. */

import type { AddressInfo } from 'node:net';
import type { NodeBundle } from '@featherwire/bundle/node';
import type { BackendPreference, CodingProfile } from '@featherwire/codec';
import type { FastifyInstance } from 'fastify';
import { createDriftMonitor, type PointDrift } from './drift-monitor.js';
import { createHttpApp } from './http-app.js';
import { checkPositiveInteger, completeLimits, type ServerLimits } from './limits.js';
import { type ServerLogger, silentLogger } from './logger.js';
import { createPartProfiles } from './part-profiles.js';
import {
  bundleKey,
  createRequestHandler,
  type RequestCounts,
  type RequestHandler,
  type ServedBundle,
} from './request-handler.js';
import { attachStream, type StreamEndpoint } from './stream.js';
import { createTailPool, type TailPool, type TailPoolStats } from './tail-pool.js';
import { startTailThread } from './tail-thread.js';

/** Settings of a server. */
export interface TailServerOptions {
  /** At least one; their digests differ in the first 8 bytes. */
  readonly bundles: readonly NodeBundle[];
  /** Default 127.0.0.1: reachable from this machine alone. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Worker threads of each bundle; default 1. */
  readonly workersPerBundle?: number;
  /** Threads inside one operator; default 1. */
  readonly threadsPerWorker?: number;
  readonly limits?: Partial<ServerLimits>;
  /** Codec backend of the workers; default `auto`. */
  readonly backend?: BackendPreference;
  /** Default: none. */
  readonly logger?: ServerLogger;
}

/** What a server is doing and has done. */
export interface TailServerStats {
  readonly requests: RequestCounts;
  /** Open WebSockets. */
  readonly streams: number;
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
export interface TailServer {
  /** `http://host:port`, for HTTP transports. */
  readonly url: string;
  /** `ws://host:port/v1/stream`, for WebSocket transports. */
  readonly streamUrl: string;
  readonly address: AddressInfo;
  stats(): TailServerStats;
  /**
   * Stops taking connections and requests, finishes what is in flight, then ends everything. Calling it again
   * gives the same promise.
   * @param options.drainTimeoutMs - after this, connections with something in flight are cut; default 10,000. A run of a
   *   network that has begun ends by itself, and the promise waits for it
   */
  close(options?: { readonly drainTimeoutMs?: number }): Promise<void>;
}

/** A server could not start. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
}

const DEFAULT_DRAIN_TIMEOUT_MS = 10_000;
/** Time for answers that are out of the handler to leave the machine. */
const FLUSH_TIMEOUT_MS = 1000;

/**
 * Loads the tails and listens.
 * @throws {RangeError} if a setting is out of range, or two bundles share a digest prefix
 * @throws {ServerStartError} if a tail cannot be loaded or the address cannot be listened on; nothing is left
 *   running
 */
export async function createTailServer(options: TailServerOptions): Promise<TailServer> {
  const limits = completeLimits(options.limits);
  const logger = options.logger ?? silentLogger;
  checkBundles(options.bundles);
  const pools = await startPools(options, limits, logger);
  const served = serveBundles(options.bundles, pools, logger);
  const handler = createRequestHandler(served);
  const drift = () =>
    options.bundles.map(({ digest }) => ({ digest, points: served.get(bundleKey(digest))!.drift.report() }));
  const profiles = createPartProfiles(pools);
  const app = createHttpApp({ handler, bundles: options.bundles, limits, profiles, drift });
  const stream = attachStream({ server: app.server, handler, limits, logger });
  const parts: ServerParts = { app, stream, pools, handler };
  try {
    await app.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 0 });
  } catch (error) {
    await endAll(parts);
    throw new ServerStartError(`cannot listen: ${(error as Error).message}`, { cause: error });
  }
  const address = app.server.address() as AddressInfo;
  const host = `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  logger.info(`listening on http://${host}`);
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host}`,
    streamUrl: `ws://${host}/v1/stream`,
    address,
    stats: () => ({
      requests: handler.counts(),
      streams: stream.connectionCount(),
      bundles: options.bundles.map(({ manifest, digest }) => ({
        name: manifest.model.name,
        digest,
        ...pools.get(bundleKey(digest))!.stats(),
        drift: served.get(bundleKey(digest))!.drift.report(),
      })),
    }),
    close({ drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS } = {}) {
      closing ??= drainAndEnd(parts, drainTimeoutMs);
      return closing;
    },
  };
}

function checkBundles(bundles: readonly NodeBundle[]): void {
  if (bundles.length === 0) throw new RangeError('bundles expected at least one, got none');
  const keys = new Set(bundles.map(({ digest }) => bundleKey(digest)));
  if (keys.size === bundles.length) return;
  throw new RangeError('bundles expected to differ in the first 8 bytes of their digests, got two alike');
}

async function startPools(
  options: TailServerOptions,
  limits: ServerLimits,
  logger: ServerLogger,
): Promise<ReadonlyMap<string, TailPool>> {
  const { workersPerBundle: workerCount = 1, threadsPerWorker: threads = 1, backend = 'auto' } = options;
  checkPositiveInteger('workersPerBundle', workerCount);
  checkPositiveInteger('threadsPerWorker', threads);
  const { maxElementsPerTensor, maxImagePixels, maxQueuedRequests, requestTimeoutMs } = limits;
  const pools = new Map<string, TailPool>();
  try {
    for (const bundle of options.bundles) {
      const { manifest } = bundle;
      const tailPath = bundle.partPath('tail');
      const wholePath = manifest.whole && bundle.partPath('whole');
      const restorationPaths = new Map(
        manifest.units?.map(({ id }) => [id, bundle.unitPath(id, 'restoration')] as const),
      );
      const start = {
        ...{ manifest, profiles: profilesByPosition(bundle), tailPath, restorationPaths, wholePath },
        ...{ threads, backend, maxElementsPerTensor, maxImagePixels },
      };
      const startThread = () => startTailThread(start);
      pools.set(
        bundleKey(bundle.digest),
        await createTailPool({ startThread, workerCount, maxQueuedRequests, requestTimeoutMs, logger }),
      );
    }
  } catch (error) {
    await Promise.all([...pools.values()].map((pool) => pool.close()));
    throw new ServerStartError(`a tail worker cannot start: ${(error as Error).message}`, { cause: error });
  }
  return pools;
}

/** Puts a watch on drift beside each pool. */
function serveBundles(
  bundles: readonly NodeBundle[],
  pools: ReadonlyMap<string, TailPool>,
  logger: ServerLogger,
): ReadonlyMap<string, ServedBundle> {
  return new Map(
    bundles.map(({ manifest, digest }) => {
      const key = bundleKey(digest);
      const drift = createDriftMonitor(manifest, `bundle '${manifest.model.name}' (${key})`, logger);
      return [key, { pool: pools.get(key)!, drift }];
    }),
  );
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

/** What a running server is made of. */
interface ServerParts {
  readonly app: FastifyInstance;
  readonly stream: StreamEndpoint;
  readonly pools: ReadonlyMap<string, TailPool>;
  readonly handler: RequestHandler;
}

async function drainAndEnd(parts: ServerParts, drainTimeoutMs: number): Promise<void> {
  const { app, stream, handler } = parts;
  handler.drain();
  stream.drain();
  const closed = app.close(); // stops listening; resolves when the last connection has ended
  await within(drainTimeoutMs, handler.idle());
  await within(FLUSH_TIMEOUT_MS, closed);
  await endAll(parts);
}

async function endAll({ app, stream, pools }: ServerParts): Promise<void> {
  stream.terminate();
  app.server.closeAllConnections();
  await app.close();
  await Promise.all([...pools.values()].map((pool) => pool.close()));
}

/** Waits for a promise, but no longer than `timeoutMs`. */
async function within(timeoutMs: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
