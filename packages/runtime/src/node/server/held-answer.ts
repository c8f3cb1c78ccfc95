/** Answers to requests that no connection holds the bytes of: they are held in the budget while the request is done. */

import { peekRequestId } from '../../protocol/index.js';
import type { ByteBudget } from './byte-budget.js';
import type { Answer, RequestHandler } from './request-handler.js';
import type { TraceParent } from './tracing.js';

/** What answers, and what the bytes are counted in. */
export interface AnswerParts {
  readonly handler: RequestHandler;
  readonly budget: ByteBudget;
}

/**
 * Answers a request; see `RequestHandler.handle`.
 * @param bytes - one message, held from now until it is answered
 */
export async function answerHolding(
  { handler, budget }: AnswerParts,
  bytes: Uint8Array,
  client: string,
  parent: TraceParent = {},
): Promise<Answer> {
  if (!budget.take(client, bytes.length)) {
    const text = 'the server holds as many bytes as it can, or as it keeps for one client';
    const requestId = peekRequestId(bytes);
    return handler.refuse({ requestId, code: 'overloaded', text, receivedBytes: bytes.length });
  }
  try {
    return await handler.handle(bytes, client, parent);
  } finally {
    budget.release(client, bytes.length);
  }
}
