/**
 * The side of a service that clients see: listener, routes, WebSockets, who is let in, limits, counts, and an orderly end. What
 * is done with a request is the runner's: the workers of a tail server, or a gateway's way to workers elsewhere.
 */

import type { AddressInfo } from 'node:net';
import { type Backend, type BackendPreference, loadBackend } from '@featherwire/codec';
import type { FastifyInstance } from 'fastify';
import { STREAM_PATH } from '../../client/websocket-transport.js';
import { type ClientTokens, createAuthenticator } from './authentication.js';
import type { BundleDirectory } from './bundle-listing.js';
import { type ByteBudget, createByteBudget } from './byte-budget.js';
import { answerHolding } from './held-answer.js';
import { createHttpApp } from './http-app.js';
import type { ServerLimits } from './limits.js';
import type { Listener, ServerTls } from './listener.js';
import type { ServerLogger } from './logger.js';
import { createRateLimiter } from './rate-limiter.js';
import {
  type Answer,
  createRequestHandler,
  type RequestCounts,
  type RequestHandler,
  type RequestRunner,
} from './request-handler.js';
import { createServerMetrics, type ServerGauges } from './server-metrics.js';
import type { OfferedLinks } from './shaped-streams.js';
import { attachStream, type StreamEndpoint } from './stream.js';
import { loadTracing, type RequestTracing, type TraceParent } from './tracing.js';

/** How a service ends. */
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

/** A service could not start, or could not change its bundles. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
}

/** Where a front listens and whom it lets in. */
export interface FrontAddress {
  /** Default 127.0.0.1: reachable from this machine alone. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Clients that are let in; default: all. */
  readonly tokens?: ClientTokens;
  /** Default: none. */
  readonly tls?: ServerTls;
}

/** What a front works with. */
export interface ServiceFrontOptions extends FrontAddress {
  readonly run: RequestRunner;
  readonly bundles: BundleDirectory;
  /** Adds routes, which only known clients reach. */
  readonly addRoutes?: (app: FastifyInstance, handler: RequestHandler) => void;
  /** Links that the stream is offered over as well, without TLS only; default: none. */
  readonly links?: OfferedLinks;
  /** Whether requests can be done now. */
  readonly isReady: () => boolean;
  /** State of the bundles, for metrics. */
  readonly bundleGauges: () => ServerGauges['bundles'];
  readonly limits: ServerLimits;
  readonly logger: ServerLogger;
  /** Codes tensors that come or go plain; default `auto`. */
  readonly backend?: BackendPreference;
}

/** A front that listens. */
export interface ServiceFront {
  /** `http://host:port` or `https://…`, for HTTP transports. */
  readonly url: string;
  /** `ws://host:port/v1/stream` or `wss://…`, for WebSocket transports. */
  readonly streamUrl: string;
  readonly address: AddressInfo;
  /** Counts of requests, open WebSockets, bytes that are held. */
  stats(): { readonly requests: RequestCounts; readonly streams: number; readonly bufferedBytes: number };
  /** Answers a request that came another way; see `RequestHandler.handle`. Its bytes are held while it is done. */
  answer(bytes: Uint8Array, client: string, parent?: TraceParent): Promise<Answer>;
  /** Stops taking connections and requests, finishes what is in flight, then ends the connections. */
  close(options: CloseOptions): Promise<void>;
}

const DEFAULT_DRAIN_TIMEOUT_MS = 10_000;
/** Time for answers that are out of the handler to leave the machine. */
const FLUSH_TIMEOUT_MS = 1000;

/**
 * Listens.
 * @throws {ServerStartError} if a certificate cannot be used or the address cannot be listened on; nothing is left running
 */
export async function startServiceFront(options: ServiceFrontOptions): Promise<ServiceFront> {
  let parts: FrontParts;
  try {
    parts = assemble(options, await loadBackend(options.backend ?? 'auto'), await loadTracing());
  } catch (error) {
    throw new ServerStartError(`cannot serve: ${(error as Error).message}`, { cause: error });
  }
  const { app, handler, stream, budget } = parts;
  try {
    await app.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 0 });
  } catch (error) {
    await endConnections(parts);
    throw new ServerStartError(`cannot listen: ${(error as Error).message}`, { cause: error });
  }
  const address = app.server.address() as AddressInfo;
  const host = `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  const secure = options.tls ? 's' : '';
  options.logger.info(`listening on http${secure}://${host}`);
  return {
    url: `http${secure}://${host}`,
    streamUrl: `ws${secure}://${host}${STREAM_PATH}`,
    address,
    stats: () => ({
      requests: handler.counts(),
      streams: stream.connectionCount(),
      bufferedBytes: budget.held,
    }),
    answer: (bytes, client, parent) => answerHolding(parts, bytes, client, parent),
    close: (closeOptions) => drainAndEnd(parts, closeOptions),
  };
}

/** What a front is made of. */
interface FrontParts {
  readonly app: FastifyInstance;
  readonly listener: Listener;
  readonly stream: StreamEndpoint;
  readonly handler: RequestHandler;
  readonly budget: ByteBudget;
  /** Whether clients should be sent here. */
  readonly readiness: { leaving: boolean };
}

function assemble(options: ServiceFrontOptions, backend: Backend, tracing: RequestTracing): FrontParts {
  const { limits, logger, tokens, tls, bundles, addRoutes } = options;
  const budget = createByteBudget(limits.maxBufferedBytes);
  const authenticator = createAuthenticator(tokens);
  const readiness = { leaving: false };
  const metrics = createServerMetrics(() => gaugesOf(parts, options));
  const limiter = createRateLimiter(limits.maxRequestsPerSecond);
  const handler = createRequestHandler({ run: options.run, limiter, metrics, tracing });
  const isReady = (): boolean => !readiness.leaving && options.isReady();
  const common = { handler, limits, authenticator, budget };
  const routes = addRoutes && ((app: FastifyInstance) => addRoutes(app, handler));
  const { app, listener } = createHttpApp({
    ...{ ...common, metrics, limiter, isReady, tls, bundles, addRoutes: routes, backend },
  });
  const stream = attachStream({ ...common, server: listener.server, logger, links: options.links });
  const parts: FrontParts = { app, listener, stream, handler, budget, readiness };
  return parts;
}

function gaugesOf(
  { stream, budget, handler, listener }: FrontParts,
  { bundleGauges }: ServiceFrontOptions,
): ServerGauges {
  return {
    streams: stream.connectionCount(),
    bufferedBytes: budget.held,
    inFlight: handler.counts().inFlight,
    connectionsDropped: listener.droppedCount(),
    bundles: bundleGauges(),
  };
}

async function drainAndEnd(
  parts: FrontParts,
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
  await endConnections(parts);
}

async function endConnections({ app, stream }: FrontParts): Promise<void> {
  stream.terminate();
  app.server.closeAllConnections();
  await app.close();
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
