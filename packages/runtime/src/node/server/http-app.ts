/** The HTTP routes of a tail server: health, bundles, and requests as POST bodies. */

import type { Bundle } from '@featherwire/bundle';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { INFER_PATH, MESSAGE_CONTENT_TYPE } from '../../client/fetch-transport.js';
import { REMOTE_ERRORS, type RemoteErrorCode } from '../../protocol/index.js';
import type { PointDrift } from './drift-monitor.js';
import type { ServerLimits } from './limits.js';
import type { PartProfiles } from './part-profiles.js';
import type { Answer, RequestHandler } from './request-handler.js';

/** What the routes answer from. */
export interface HttpAppOptions {
  readonly handler: RequestHandler;
  readonly bundles: readonly Bundle[];
  readonly limits: ServerLimits;
  readonly profiles: PartProfiles;
  /** What is known of drift, by bundle. */
  readonly drift: () => readonly { readonly digest: string; readonly points: readonly PointDrift[] }[];
}

/** An application that does not listen yet. */
export function createHttpApp({
  handler,
  bundles,
  limits,
  profiles,
  drift,
}: HttpAppOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: limits.maxMessageBytes,
    requestTimeout: limits.receiveTimeoutMs,
    return503OnClosing: false, // the handler answers for itself while it drains
    routerOptions: { ignoreTrailingSlash: false },
  });
  app.server.maxConnections = limits.maxConnections;

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(MESSAGE_CONTENT_TYPE, { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );

  app.get('/healthz', async (_request, reply) => {
    return reply.code(handler.draining ? 503 : 200).send({ status: handler.draining ? 'draining' : 'ok' });
  });
  app.get('/v1/bundles', async () => ({
    bundles: bundles.map(({ manifest, digest }) => ({ digest, manifest })),
    limits,
  }));
  app.get<{ Params: { digest: string }; Querystring: { part?: unknown } }>(
    '/v1/bundles/:digest/profile',
    async ({ params, query }, reply) => {
      const { part = 'tail' } = query;
      if (part !== 'tail' && part !== 'whole') {
        return sendFailure(reply, 'malformed-message', 'part expected tail or whole, got something else');
      }
      if (handler.draining) return sendFailure(reply, 'shutting-down', 'the server is shutting down');
      const answer = await profiles.get(params.digest, part);
      return answer.kind === 'profile' ? answer.profile : sendFailure(reply, answer.code, answer.text);
    },
  );
  app.get('/v1/drift', async () => ({ bundles: drift() }));
  app.post(INFER_PATH, {
    handler: async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
      return sendAnswer(reply, await handler.handle(body), handler.draining);
    },
    // What fails before the handler: a body over the limit, another content type, a length that does not fit.
    errorHandler: (error: Error & { statusCode?: number }, _request, reply) => {
      const code = error.statusCode === 413 ? 'message-too-large' : 'malformed-message';
      return sendAnswer(reply, handler.refuse(0, code, error.message), true);
    },
  });
  return app;
}

/** An error of a route that answers in JSON. */
function sendFailure(reply: FastifyReply, code: RemoteErrorCode, text: string): FastifyReply {
  return reply.code(REMOTE_ERRORS[code].httpStatus).send({ code, text });
}

function sendAnswer(reply: FastifyReply, { message, error }: Answer, close: boolean): FastifyReply {
  if (close) reply.header('connection', 'close');
  return reply
    .code(error ? REMOTE_ERRORS[error].httpStatus : 200)
    .header('content-type', MESSAGE_CONTENT_TYPE)
    .send(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
}
