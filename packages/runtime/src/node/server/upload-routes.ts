/** Requests of this project's own protocol in parts, for links that take no long bodies (docs/protocol.md §8.5). */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { MESSAGE_CONTENT_TYPE } from '../../client/fetch-transport.js';
import { UPLOAD_PATH } from '../../client/upload-transport.js';
import { addBodyRoute, type BodyContext, type HttpAnswer } from './body-route.js';
import { httpAnswerOf } from './infer-route.js';
import type { ServerLimits } from './limits.js';
import type { Refusal, RequestHandler } from './request-handler.js';
import { traceParentOf } from './tracing.js';
import { createUploads, type PartRange, type Uploads } from './uploads.js';

/** What the routes answer from. */
export interface UploadRoutesOptions extends BodyContext {
  readonly handler: RequestHandler;
  readonly limits: ServerLimits;
}

const ID_FORM = /^[\w-]{16,64}$/;
const RANGE_FORM = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/;

/** @param scope - of these routes alone */
export function addUploadRoutes(scope: FastifyInstance, options: UploadRoutesOptions): void {
  const { handler, budget, limits } = options;
  const uploads = createUploads({ budget, limits });
  scope.addHook('onClose', async () => uploads.close());
  const route = {
    method: 'PUT' as const,
    paths: [`${UPLOAD_PATH}/:id`],
    contentType: MESSAGE_CONTENT_TYPE,
    answer: (body: Uint8Array, client: string, request: FastifyRequest) =>
      takePart(body, client, request, { ...options, uploads }),
    refuse: (refusal: Refusal) => httpAnswerOf(handler.refuse(refusal)),
  };
  addBodyRoute(scope, route, options);
}

async function takePart(
  body: Uint8Array,
  client: string,
  { params, headers }: FastifyRequest,
  { handler, budget, limits, uploads }: UploadRoutesOptions & { readonly uploads: Uploads },
): Promise<HttpAnswer> {
  const refuse = (code: Refusal['code'], text: string): HttpAnswer =>
    httpAnswerOf(handler.refuse({ requestId: 0, code, text, receivedBytes: body.length }));
  const { id } = params as { readonly id: string };
  if (!ID_FORM.test(id)) return refuse('malformed-message', 'upload expected a name of 16 to 64 letters');
  const range = rangeOf(headers['content-range'], body.length);
  if (!range) {
    const text = `content-range expected the place of ${body.length} bytes in a request, got something else`;
    return refuse('malformed-message', text);
  }
  if (range.total > limits.maxMessageBytes) {
    const text = `message expected at most ${limits.maxMessageBytes} bytes, got ${range.total}`;
    return refuse('message-too-large', text);
  }
  const outcome = uploads.add({ client, id }, range, body);
  switch (outcome.kind) {
    case 'whole':
      try {
        return httpAnswerOf(await handler.handle(outcome.message, client, traceParentOf(headers)));
      } finally {
        budget.release(client, outcome.message.length);
      }
    case 'more':
      return progress(202, outcome.received);
    case 'gap':
      return progress(409, outcome.received);
    case 'refused':
      return refuse(outcome.code, outcome.text);
    default:
      return outcome satisfies never;
  }
}

/** @returns undefined if the header is none, or not one of `length` bytes */
function rangeOf(header: string | undefined, length: number): PartRange | undefined {
  const [first, last, total] = (RANGE_FORM.exec(header ?? '')?.slice(1) ?? []).map(Number);
  const isRange = length > 0 && last - first + 1 === length && last < total;
  return isRange ? { first, total } : undefined;
}

function progress(status: 202 | 409, received: number): HttpAnswer {
  const body = Buffer.from(JSON.stringify({ received }));
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body };
}
