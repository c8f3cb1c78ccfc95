/** The HTTP routes of every service: health, metrics, bundles, and requests as POST bodies; a service may add its own. */

import type { IncomingMessage } from 'node:http';
import type { BundleManifest } from '@featherwire/bundle';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { INFER_PATH, MESSAGE_CONTENT_TYPE } from '../../client/fetch-transport.js';
import { REMOTE_ERRORS, type RemoteErrorCode } from '../../protocol/index.js';
import type { Authenticator } from './authentication.js';
import type { ByteBudget } from './byte-budget.js';
import type { ServerLimits } from './limits.js';
import { createListener, type Listener, type ServerTls } from './listener.js';
import { BodyRefusedError, readRequestBody } from './request-body.js';
import type { Answer, RequestHandler } from './request-handler.js';
import type { ServerMetrics } from './server-metrics.js';

/** What the routes answer from. */
export interface HttpAppOptions {
  readonly handler: RequestHandler;
  readonly limits: ServerLimits;
  /** The bundles that requests are taken for. */
  readonly listBundles: () => Promise<readonly BundleListing[]>;
  /** Adds routes, which only known clients reach. */
  readonly addRoutes?: ((app: FastifyInstance) => void) | undefined;
  readonly authenticator: Authenticator;
  readonly budget: ByteBudget;
  readonly metrics: Pick<ServerMetrics, 'scrape'>;
  /** Whether clients should be sent here. */
  readonly isReady: () => boolean;
  readonly tls: ServerTls | undefined;
}

/** What clients are told of a bundle. */
export interface BundleListing {
  readonly digest: string;
  readonly manifest: BundleManifest;
}

/** Routes that every client may ask: they tell nothing, and what asks them is often too simple to have a token. */
const OPEN_ROUTES = new Set(['/healthz', '/readyz']);

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
  addBundleRoutes(app, options);
  addInferRoute(app, options);
  return { app, listener: listener! }; // fastify makes its server at once
}

function addHealthRoutes(app: FastifyInstance, { handler, isReady, metrics }: HttpAppOptions): void {
  app.get('/healthz', async () => ({ status: handler.draining ? 'draining' : 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const ready = isReady();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'unready' });
  });
  app.get('/metrics', async (_request, reply) => {
    const { text, contentType } = await metrics.scrape();
    return reply.header('content-type', contentType).send(text);
  });
}

function addBundleRoutes(
  app: FastifyInstance,
  { limits, authenticator, listBundles, addRoutes }: HttpAppOptions,
): void {
  app.addHook('onRequest', async (request, reply) => {
    const route = request.routeOptions.url;
    // Requests are refused with a message of their own.
    if (route === undefined || route === INFER_PATH || OPEN_ROUTES.has(route)) return;
    if (authenticator.clientOf(request.raw) !== undefined) return;
    reply.header('www-authenticate', 'Bearer');
    await sendFailure(reply, 'unauthorized', UNAUTHORIZED_TEXT);
  });
  app.get('/v1/bundles', async () => ({ bundles: await listBundles(), limits }));
  addRoutes?.(app);
}

const UNAUTHORIZED_TEXT = 'a token expected that the server knows';

function addInferRoute(
  app: FastifyInstance,
  { handler, limits, authenticator, budget }: HttpAppOptions,
): void {
  /** Clients of the requests whose bodies are being read. */
  const clients = new WeakMap<FastifyRequest, string>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(MESSAGE_CONTENT_TYPE, (request: FastifyRequest, payload: IncomingMessage) =>
    readRequestBody(payload, { client: clients.get(request)!, budget, maxBytes: limits.maxMessageBytes }),
  );
  app.post(INFER_PATH, {
    onRequest: async (request, reply) => {
      const client = authenticator.clientOf(request.raw);
      if (client !== undefined) {
        clients.set(request, client);
        return;
      }
      reply.header('www-authenticate', 'Bearer');
      const answer = handler.refuse({ requestId: 0, code: 'unauthorized', text: UNAUTHORIZED_TEXT });
      await sendAnswer(reply, answer, true);
    },
    handler: async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
      const client = clients.get(request)!;
      let heldBytes = body.length;
      reply.raw.once('close', () => budget.release(client, heldBytes));
      const answer = await handler.handle(body, client);
      if (!reply.raw.destroyed) {
        budget.owe(client, answer.message.length);
        heldBytes += answer.message.length;
      }
      return sendAnswer(reply, answer, handler.draining);
    },
    // What fails before the handler: a body that is not taken, another content type, a length that does not fit.
    errorHandler: (error: Error, _request, reply) => {
      const { code, retryAfterMs } =
        error instanceof BodyRefusedError
          ? error
          : { code: 'malformed-message' as const, retryAfterMs: undefined };
      const answer = handler.refuse({ requestId: 0, code, text: error.message, retryAfterMs });
      return sendAnswer(reply, answer, true);
    },
  });
}

/** An error of a route that answers in JSON. */
export function sendFailure(reply: FastifyReply, code: RemoteErrorCode, text: string): FastifyReply {
  return reply.code(REMOTE_ERRORS[code].httpStatus).send({ code, text });
}

function sendAnswer(
  reply: FastifyReply,
  { message, error, retryAfterMs }: Answer,
  close: boolean,
): FastifyReply {
  if (close) reply.header('connection', 'close');
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
  return reply
    .code(error ? REMOTE_ERRORS[error].httpStatus : 200)
    .header('content-type', MESSAGE_CONTENT_TYPE)
    .send(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
}
