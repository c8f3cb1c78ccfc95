/** Requests of this project's own protocol as POST bodies (docs/protocol.md §8.1). */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { INFER_PATH, MESSAGE_CONTENT_TYPE } from '../../client/fetch-transport.js';
import { REMOTE_ERRORS } from '../../protocol/index.js';
import { addBodyRoute, type BodyContext, type HttpAnswer, retryAfterHeader } from './body-route.js';
import type { Answer, RequestHandler } from './request-handler.js';
import { traceParentOf } from './tracing.js';

/** What the route answers from. */
export interface InferRouteOptions extends BodyContext {
  readonly handler: RequestHandler;
}

/** @param scope - of this route alone */
export function addInferRoute(scope: FastifyInstance, options: InferRouteOptions): void {
  const { handler } = options;
  const route = {
    method: 'POST' as const,
    paths: [INFER_PATH],
    contentType: MESSAGE_CONTENT_TYPE,
    answer: async (body: Uint8Array, client: string, { headers }: FastifyRequest) =>
      httpAnswerOf(await handler.handle(body, client, traceParentOf(headers))),
    refuse: (refusal: Parameters<RequestHandler['refuse']>[0]) => httpAnswerOf(handler.refuse(refusal)),
  };
  addBodyRoute(scope, route, options);
}

/** An answer of the own protocol as HTTP carries it. */
export function httpAnswerOf({ message, error, retryAfterMs }: Answer): HttpAnswer {
  return {
    status: error ? REMOTE_ERRORS[error].httpStatus : 200,
    headers: { 'content-type': MESSAGE_CONTENT_TYPE, ...retryAfterHeader(retryAfterMs) },
    body: message,
  };
}
