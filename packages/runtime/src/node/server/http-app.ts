/**
 * The HTTP routes of every service: health, metrics, bundles, and the two protocols that requests come by; a service may add its
 * own. Each group has a scope of its own, since they differ in who is let in and in how errors look.
 */

import type { Backend } from '@featherwire/codec';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { REMOTE_ERRORS, type RemoteErrorCode } from '../../protocol/index.js';
import type { Authenticator } from './authentication.js';
import { UNAUTHORIZED_TEXT } from './body-route.js';
import type { BundleDirectory } from './bundle-listing.js';
import type { ByteBudget } from './byte-budget.js';
import { addInferRoute } from './infer-route.js';
import type { ServerLimits } from './limits.js';
import { createListener, type Listener, type ServerTls } from './listener.js';
import { addOpenInferenceRoutes } from './open-inference/routes.js';
import type { RateLimiter } from './rate-limiter.js';
import type { RequestHandler } from './request-handler.js';
import type { ServerMetrics } from './server-metrics.js';
import { addUploadRoutes } from './upload-routes.js';

/** What the routes answer from. */
export interface HttpAppOptions {
  readonly handler: RequestHandler;
  readonly limits: ServerLimits;
  /** The bundles that requests are taken for. */
  readonly bundles: BundleDirectory;
  /** Adds routes, which only known clients reach. */
  readonly addRoutes?: ((app: FastifyInstance) => void) | undefined;
  readonly authenticator: Authenticator;
  readonly budget: ByteBudget;
  readonly limiter: RateLimiter;
  readonly metrics: Pick<ServerMetrics, 'scrape'>;
  /** Whether clients should be sent here. */
  readonly isReady: () => boolean;
  readonly tls: ServerTls | undefined;
  /** Codes tensors that come or go plain. */
  readonly backend: Backend;
}

/**
 * An application that does not listen yet.
 * @throws {Error} if a certificate or key cannot be used
 */
export function createHttpApp(options: HttpAppOptions): {
  readonly app: FastifyInstance;
  readonly listener: Listener;
} {
  const { limits, tls } = options;
  let listener: Listener | undefined;
  const app = fastify({
    return503OnClosing: false, // the handler answers for itself while it drains
    routerOptions: { ignoreTrailingSlash: false },
    serverFactory: (handler) => {
      listener = createListener(handler, limits, tls);
      return listener.server;
    },
  });
  addHealthRoutes(app, options);
  void app.register(async (scope) => addKnownRoutes(scope, options));
  void app.register(async (scope) => addInferRoute(scope, options));
  void app.register(async (scope) => addUploadRoutes(scope, options));
  void app.register(async (scope) => addOpenInferenceRoutes(scope, options));
  return { app, listener: listener! }; // fastify makes its server at once
}

/** Every client may ask: they tell nothing, and what asks them is often too simple to have a token. */
function addHealthRoutes(app: FastifyInstance, { handler, isReady }: HttpAppOptions): void {
  app.get('/healthz', async () => ({ status: handler.draining ? 'draining' : 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const ready = isReady();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'unready' });
  });
}

/** Those that only known clients reach. */
function addKnownRoutes(
  scope: FastifyInstance,
  { limits, authenticator, metrics, bundles, addRoutes }: HttpAppOptions,
): void {
  scope.addHook('onRequest', async (request, reply) => {
    if (authenticator.clientOf(request.raw) !== undefined) return;
    reply.header('www-authenticate', 'Bearer');
    await sendFailure(reply, 'unauthorized', UNAUTHORIZED_TEXT);
  });
  scope.get('/metrics', async (_request, reply) => {
    const { text, contentType } = await metrics.scrape();
    return reply.header('content-type', contentType).send(text);
  });
  scope.get('/v1/bundles', async () => ({ bundles: await bundles.list(), limits }));
  addRoutes?.(scope);
}

/** An error of a route that answers in JSON. */
export function sendFailure(reply: FastifyReply, code: RemoteErrorCode, text: string): FastifyReply {
  return reply.code(REMOTE_ERRORS[code].httpStatus).send({ code, text });
}
