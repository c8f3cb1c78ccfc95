/**
 * What routes that take requests as bodies share, whatever protocol they speak: who asks is known before a byte of the
 * body is read, the body is counted as it comes, and it and its answer are held in the budget until the answer has left.
 */

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator } from './authentication.js';
import type { ByteBudget } from './byte-budget.js';
import { onConnectionEnd } from './connection-end.js';
import type { ServerLimits } from './limits.js';
import { BodyRefusedError, type BodyStartCheck, readRequestBody } from './request-body.js';
import type { Refusal } from './request-handler.js';

/** An answer as HTTP carries it. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A protocol over bodies. */
export interface BodyRoute {
  readonly method: 'POST' | 'PUT';
  readonly paths: readonly string[];
  /** What bodies are taken; `*` for any. */
  readonly contentType: string;
  readonly checkStart?: BodyStartCheck;
  /** Never rejects. */
  answer(body: Uint8Array, client: string, request: FastifyRequest): Promise<HttpAnswer>;
  /** The answer to what never became a request. */
  refuse(refusal: Refusal): HttpAnswer;
}

/** What the routes work with. */
export interface BodyContext {
  readonly handler: { readonly draining: boolean };
  readonly authenticator: Authenticator;
  readonly budget: ByteBudget;
  readonly limits: Pick<ServerLimits, 'maxMessageBytes'>;
}

/** What clients without a known token are told. */
export const UNAUTHORIZED_TEXT = 'a token expected that the server knows';

/** @param scope - of this route alone: its parsers of content types are taken away */
export function addBodyRoute(scope: FastifyInstance, route: BodyRoute, context: BodyContext): void {
  const { handler, authenticator, budget, limits } = context;
  /** Clients of the requests whose bodies are being read. */
  const clients = new WeakMap<FastifyRequest, string>();
  scope.removeAllContentTypeParsers();
  const bounds = { budget, maxBytes: limits.maxMessageBytes, checkStart: route.checkStart };
  scope.addContentTypeParser(route.contentType, (request: FastifyRequest, payload: IncomingMessage) =>
    readRequestBody(payload, { ...bounds, client: clients.get(request)! }),
  );
  const options = {
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
      const client = authenticator.clientOf(request.raw);
      if (client !== undefined) {
        clients.set(request, client);
        return;
      }
      reply.header('www-authenticate', 'Bearer');
      const answer = route.refuse({ requestId: 0, code: 'unauthorized', text: UNAUTHORIZED_TEXT });
      await send(reply, answer, true);
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
      const client = clients.get(request)!;
      let heldBytes = body.length;
      let isHeld = true;
      const release = (): void => {
        if (!isHeld) return;
        isHeld = false;
        forget();
        budget.release(client, heldBytes);
      };
      // A pipelined answer that has not had its turn is not told that its connection has ended.
      const forget = onConnectionEnd(request.raw.socket, release);
      reply.raw.once('close', release);
      const answer = await route.answer(body, client, request);
      if (isHeld) {
        budget.owe(client, answer.body.length);
        heldBytes += answer.body.length;
      }
      return send(reply, answer, handler.draining);
    },
    // What fails before the handler: a body that is not taken, another content type, a length that does not fit.
    errorHandler: (error: Error, _request: FastifyRequest, reply: FastifyReply) => {
      const { code, retryAfterMs } =
        error instanceof BodyRefusedError
          ? error
          : { code: 'malformed-message' as const, retryAfterMs: undefined };
      return send(reply, route.refuse({ requestId: 0, code, text: error.message, retryAfterMs }), true);
    },
  };
  for (const url of route.paths) scope.route({ method: route.method, url, ...options });
}

/** `Retry-After` of an answer that says how long to wait (RFC 9110 §10.2.3: whole seconds). */
export function retryAfterHeader(retryAfterMs: number | undefined): Readonly<Record<string, string>> {
  return retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) };
}

/** @param close - the connection is of no further use */
function send(reply: FastifyReply, { status, headers, body }: HttpAnswer, close: boolean): FastifyReply {
  if (close) reply.header('connection', 'close');
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return reply.code(status).headers(headers).send(bytes);
}
