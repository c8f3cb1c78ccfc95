/** Requests of this project's own protocol as POST bodies (docs/protocol.md §8.1). */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { INFER_PATH, MESSAGE_CONTENT_TYPE } from '../../client/fetch-transport.js';
import { type ProtocolError, REMOTE_ERRORS } from '../../protocol/index.js';
import { checkHead, HEAD_BYTES } from '../../protocol/message-format.js';
import { addBodyRoute, type BodyContext, type HttpAnswer, retryAfterHeader } from './body-route.js';
import { BodyRefusedError } from './request-body.js';
import { type Answer, codeOfProtocolError, type RequestHandler } from './request-handler.js';
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
    checkStart: { length: HEAD_BYTES, check: checkMessageStart },
    answer: async (body: Uint8Array, client: string, { headers }: FastifyRequest) =>
      httpAnswerOf(await handler.handle(body, client, traceParentOf(headers))),
    refuse: (refusal: Parameters<RequestHandler['refuse']>[0]) => httpAnswerOf(handler.refuse(refusal)),
  };
  addBodyRoute(scope, route, options);
}

function checkMessageStart(start: Uint8Array): void {
  try {
    checkHead(start);
  } catch (error) {
    throw new BodyRefusedError(codeOfProtocolError(error as ProtocolError), (error as Error).message);
  }
}

/** An answer of the own protocol as HTTP carries it. */
export function httpAnswerOf({ message, error, retryAfterMs }: Answer): HttpAnswer {
  return {
    status: error ? REMOTE_ERRORS[error].httpStatus : 200,
    headers: { 'content-type': MESSAGE_CONTENT_TYPE, ...retryAfterHeader(retryAfterMs) },
    body: message,
  };
}
