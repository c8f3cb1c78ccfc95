/** A tail service: bundles in, a listening server out. Puts together workers, request handler, routes, stream. */

import type { AddressInfo } from 'node:net';
import type { NodeBundle } from '@featherwire/bundle/node';
import type { BackendPreference } from '@featherwire/codec';
import type { FastifyInstance } from 'fastify';
import { type ClientTokens, createAuthenticator } from './authentication.js';
import { type BundleChange, type BundleRegistry, createBundleRegistry } from './bundle-registry.js';
import { type ByteBudget, createByteBudget } from './byte-budget.js';
import type { PointDrift } from './drift-monitor.js';
import { createHttpApp } from './http-app.js';
import { checkPositiveInteger, completeLimits, type ServerLimits } from './limits.js';
import type { Listener, ServerTls } from './listener.js';
import { type ServerLogger, silentLogger } from './logger.js';
import { createPartProfiles } from './part-profiles.js';
import { createRateLimiter } from './rate-limiter.js';
import { createRequestHandler, type RequestCounts, type RequestHandler } from './request-handler.js';
import { createServerMetrics, type ServerGauges } from './server-metrics.js';
import { startBundlePool } from './start-bundle-pool.js';
import { attachStream, STREAM_PATH, type StreamEndpoint } from './stream.js';
import type { TailPoolStats } from './tail-pool.js';

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
  /** Most requests that share a run of a tail that can take several; default 16. */
  readonly maxBatchSize?: number;
  /** Longest wait of a free worker for more requests, after a batch of several, in milliseconds; default 2. */
  readonly batchWindowMs?: number;
  readonly limits?: Partial<ServerLimits>;
  /** Clients that are let in; default: all. */
  readonly tokens?: ClientTokens;
  /** Default: none. */
  readonly tls?: ServerTls;
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

/** How a server ends. */
export interface CloseOptions {
  /**
   * For how long it goes on as before but says that it is not ready, so that whoever sends clients here can stop; default 0.
   */
  readonly unreadyMs?: number;
  /**
   * After this, connections with something in flight are cut; default 10,000. A run of a network that has begun ends by itself,
   * and the promise waits for it.
   */
  readonly drainTimeoutMs?: number;
}

/** A running server. */
export interface TailServer {
  /** `http://host:port` or `https://…`, for HTTP transports. */
  readonly url: string;
  /** `ws://host:port/v1/stream` or `wss://…`, for WebSocket transports. */
  readonly streamUrl: string;
  readonly address: AddressInfo;
  stats(): TailServerStats;
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

/** A server could not start, or could not change its bundles. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
}

const DEFAULT_DRAIN_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_BATCH_SIZE = 16;
const DEFAULT_BATCH_WINDOW_MS = 2;
/** Time for answers that are out of the handler to leave the machine. */
const FLUSH_TIMEOUT_MS = 1000;

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
  let parts: ServerParts;
  try {
    parts = assemble(options, { registry, limits, logger });
  } catch (error) {
    await registry.close();
    throw new ServerStartError(`cannot serve: ${(error as Error).message}`, { cause: error });
  }
  const { app, handler } = parts;
  try {
    await app.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 0 });
  } catch (error) {
    await endAll(parts);
    throw new ServerStartError(`cannot listen: ${(error as Error).message}`, { cause: error });
  }
  const address = app.server.address() as AddressInfo;
  const host = `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  const secure = options.tls ? 's' : '';
  logger.info(`listening on http${secure}://${host}`);
  let closing: Promise<void> | undefined;
  return {
    url: `http${secure}://${host}`,
    streamUrl: `ws${secure}://${host}${STREAM_PATH}`,
    address,
    stats: () => ({
      requests: handler.counts(),
      streams: parts.stream.connectionCount(),
      bufferedBytes: parts.budget.held,
      bundles: registry.list().map(({ bundle: { manifest, digest }, pool, drift }) => ({
        ...{ name: manifest.model.name, digest },
        ...pool.stats(),
        drift: drift.report(),
      })),
    }),
    replaceBundles: (bundles) => replaceBundles(registry, bundles),
    close(closeOptions = {}) {
      closing ??= drainAndEnd(parts, closeOptions);
      return closing;
    },
  };
}

function createRegistry(
  options: TailServerOptions,
  limits: ServerLimits,
  logger: ServerLogger,
): BundleRegistry {
  const { workersPerBundle: workerCount = 1, threadsPerWorker: threads = 1, backend = 'auto' } = options;
  const { maxBatchSize = DEFAULT_MAX_BATCH_SIZE, batchWindowMs = DEFAULT_BATCH_WINDOW_MS } = options;
  checkPositiveInteger('workersPerBundle', workerCount);
  checkPositiveInteger('threadsPerWorker', threads);
  checkPositiveInteger('maxBatchSize', maxBatchSize);
  if (!(batchWindowMs >= 0)) throw new RangeError(`batchWindowMs expected 0 or more, got ${batchWindowMs}`);
  const settings = { workerCount, threads, backend, maxBatchSize, batchWindowMs, limits, logger };
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

/** What a running server is made of. */
interface ServerParts {
  readonly app: FastifyInstance;
  readonly listener: Listener;
  readonly stream: StreamEndpoint;
  readonly registry: BundleRegistry;
  readonly handler: RequestHandler;
  readonly budget: ByteBudget;
  /** Whether clients should be sent here. */
  readonly readiness: { leaving: boolean };
}

/** What the parts are made from. */
interface Foundation {
  readonly registry: BundleRegistry;
  readonly limits: ServerLimits;
  readonly logger: ServerLogger;
}

function assemble({ tokens, tls }: TailServerOptions, foundation: Foundation): ServerParts {
  const { registry, limits, logger } = foundation;
  const budget = createByteBudget(limits.maxBufferedBytes);
  const authenticator = createAuthenticator(tokens);
  const readiness = { leaving: false };
  const metrics = createServerMetrics(() => gaugesOf(parts));
  const limiter = createRateLimiter(limits.maxRequestsPerSecond);
  const handler = createRequestHandler({ registry, limiter, metrics });
  const profiles = createPartProfiles(registry);
  const isReady = (): boolean =>
    !readiness.leaving && registry.list().every(({ pool }) => pool.stats().workers > 0);
  const common = { handler, limits, authenticator, budget };
  const { app, listener } = createHttpApp({ ...common, registry, profiles, metrics, isReady, tls });
  const stream = attachStream({ ...common, server: listener.server, logger });
  const parts: ServerParts = { app, listener, stream, registry, handler, budget, readiness };
  return parts;
}

function gaugesOf({ stream, budget, handler, listener, registry }: ServerParts): ServerGauges {
  return {
    streams: stream.connectionCount(),
    bufferedBytes: budget.held,
    inFlight: handler.counts().inFlight,
    connectionsDropped: listener.droppedCount(),
    bundles: registry.list().map(({ bundle, pool }) => ({
      name: bundle.manifest.model.name,
      ...pool.stats(),
    })),
  };
}

async function drainAndEnd(
  parts: ServerParts,
  { unreadyMs = 0, drainTimeoutMs = DEFAULT_DRAIN_TIMEOUT_MS }: CloseOptions,
): Promise<void> {
  const { app, stream, handler, readiness } = parts;
  readiness.leaving = true;
  if (unreadyMs > 0) await within(unreadyMs, new Promise(() => undefined));
  handler.drain();
  stream.drain();
  const closed = app.close(); // stops listening; resolves when the last connection has ended
  await within(drainTimeoutMs, handler.idle());
  await within(FLUSH_TIMEOUT_MS, closed);
  await endAll(parts);
}

async function endAll({ app, stream, registry }: ServerParts): Promise<void> {
  stream.terminate();
  app.server.closeAllConnections();
  await app.close();
  await registry.close();
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
