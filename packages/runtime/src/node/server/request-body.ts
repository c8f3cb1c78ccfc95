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
  /** Looks at the start of a body of which more is to come; what it throws refuses the body. Default: all may come. */
  readonly checkStart?: BodyStartCheck | undefined;
}

/** What a body has to begin with, so that what cannot be a request is not read to its end. */
export interface BodyStartCheck {
  /** Bytes that are looked at. */
  readonly length: number;
  /** @throws {BodyRefusedError} */
  check(start: Uint8Array): void;
}

/** A wait that lets something of the budget go. */
const RETRY_AFTER_MS = 100;

/**
 * Reads a body.
 * @returns it; its length is held in the budget, and the caller's to release
 * @throws {BodyRefusedError} if it is too long, the server holds too much, or `checkStart` refuses it; then nothing of it is held
 */
export async function readRequestBody(
  payload: IncomingMessage,
  { client, budget, maxBytes, checkStart }: BodyBounds,
): Promise<Uint8Array> {
  const claimed = Number(payload.headers['content-length'] ?? 0);
  if (claimed > maxBytes) throw tooLarge(maxBytes, String(claimed));
  // Reading what cannot be taken costs most of what taking it does.
  if (!budget.hasRoom(client, claimed)) throw noRoom();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isChecked = checkStart === undefined;
  try {
    for await (const chunk of payload as AsyncIterable<Uint8Array>) {
      if (length + chunk.length > maxBytes) throw tooLarge(maxBytes, 'more');
      if (!budget.take(client, chunk.length)) throw noRoom();
      length += chunk.length;
      chunks.push(chunk);
      if (!isChecked && length >= checkStart!.length) {
        isChecked = true;
        if (length !== claimed) checkStart!.check(joined(chunks, length)); // what has come as a whole is answered as a whole
      }
    }
    return joined(chunks, length);
  } catch (error) {
    budget.release(client, length);
    throw error;
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length);
}

function noRoom(): BodyRefusedError {
  const text = 'the server holds as many bytes as it can, or as it keeps for one client';
  return new BodyRefusedError('overloaded', text, RETRY_AFTER_MS);
}

function tooLarge(maxBytes: number, got: string): BodyRefusedError {
  return new BodyRefusedError('message-too-large', `message expected at most ${maxBytes} bytes, got ${got}`);
}
