/**
 * The body of an HTTP request, gathered as it comes and counted against the server's budget; what is claimed to come is only
 * compared with the limit and with what there is room for.
 */

import type { IncomingMessage } from 'node:http';
import type { RemoteErrorCode } from '../../protocol/index.js';
import type { ByteBudget } from './byte-budget.js';

/** A body is not taken. */
export class BodyRefusedError extends Error {
  override readonly name = 'BodyRefusedError';
  readonly code: RemoteErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: RemoteErrorCode, message: string, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What a body is read under. */
export interface BodyBounds {
  readonly client: string;
  readonly budget: ByteBudget;
  readonly maxBytes: number;
}

/** A wait that lets something of the budget go. */
const RETRY_AFTER_MS = 100;

/**
 * Reads a body.
 * @returns it; its length is held in the budget, and the caller's to release
 * @throws {BodyRefusedError} if it is too long, or the server holds too much; then nothing of it is held
 */
export async function readRequestBody(
  payload: IncomingMessage,
  { client, budget, maxBytes }: BodyBounds,
): Promise<Uint8Array> {
  const claimed = Number(payload.headers['content-length'] ?? 0);
  if (claimed > maxBytes) throw tooLarge(maxBytes, String(claimed));
  // Reading what cannot be taken costs most of what taking it does.
  if (!budget.hasRoom(client, claimed)) throw noRoom();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of payload as AsyncIterable<Uint8Array>) {
      if (length + chunk.length > maxBytes) throw tooLarge(maxBytes, 'more');
      if (!budget.take(client, chunk.length)) throw noRoom();
      length += chunk.length;
      chunks.push(chunk);
    }
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length);
  } catch (error) {
    budget.release(client, length);
    throw error;
  }
}

function noRoom(): BodyRefusedError {
  const text = 'the server holds as many bytes as it can, or as it keeps for one client';
  return new BodyRefusedError('overloaded', text, RETRY_AFTER_MS);
}

function tooLarge(maxBytes: number, got: string): BodyRefusedError {
  return new BodyRefusedError('message-too-large', `message expected at most ${maxBytes} bytes, got ${got}`);
}
