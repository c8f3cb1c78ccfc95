/**
 * Messages as bodies of HTTP POST requests, by the engine's `fetch`. Its byte counts hold bodies only, because
 * `fetch` shows neither the heads it writes nor those it reads.
 */

import { readResponseBody } from '@featherwire/bundle';
import { TransportError } from './errors.js';
import {
  createRequestIds,
  DEFAULT_MAX_REPLY_BYTES,
  type Exchange,
  type ExchangeOptions,
  type Transport,
  watchExchange,
} from './transport.js';

/** Path of the route that takes request messages. */
export const INFER_PATH = '/v1/infer';
/** Content type of messages. */
export const MESSAGE_CONTENT_TYPE = 'application/octet-stream';

/** Settings of a fetch transport. */
export interface FetchTransportOptions {
  /** Address of the server, `http://host:port` or `https://…`, without the route. */
  readonly url: string;
  /** Default: the engine's. */
  readonly fetch?: typeof fetch;
  /** Longest reply taken; default 64 MiB. */
  readonly maxReplyBytes?: number;
}

/** Opens no connection: the engine keeps them. */
export function createFetchTransport(options: FetchTransportOptions): Transport {
  return new FetchTransport(options);
}

class FetchTransport implements Transport {
  readonly counted = 'bodies';
  readonly nextRequestId = createRequestIds();
  readonly #url: string;
  readonly #fetch: typeof fetch;
  readonly #maxReplyBytes: number;
  readonly #inFlight = new Set<AbortController>();
  #closed = false;

  constructor({ url, fetch = globalThis.fetch, maxReplyBytes }: FetchTransportOptions) {
    this.#url = new URL(INFER_PATH, url).href;
    this.#fetch = (...call) => fetch(...call); // browsers refuse their own when it is called as a method
    this.#maxReplyBytes = maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES;
  }

  async exchange(message: Uint8Array, options: ExchangeOptions = {}): Promise<Exchange> {
    if (this.#closed) throw new TransportError('closed', 'the transport is closed');
    const controller = new AbortController();
    this.#inFlight.add(controller);
    const endWatch = watchExchange(options, (error) => controller.abort(error));
    try {
      const reply = await this.#post(message, controller.signal);
      return { message: reply, bytesSent: message.length, bytesReceived: reply.length };
    } catch (error) {
      throw asTransportError(controller.signal.aborted ? controller.signal.reason : error, this.#url);
    } finally {
      endWatch();
      this.#inFlight.delete(controller);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const controller of this.#inFlight) {
      controller.abort(new TransportError('closed', 'the transport was closed'));
    }
  }

  async #post(message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const response = await this.#fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': MESSAGE_CONTENT_TYPE },
      body: message as Uint8Array<ArrayBuffer>,
      signal,
    });
    const reply = await readResponseBody(response, this.#maxReplyBytes);
    if (!reply) throw replyTooLarge(this.#maxReplyBytes);
    checkReply(response.status, response.headers.get('content-type'), reply);
    return reply;
  }
}

/**
 * Checks that an HTTP reply holds a message.
 * @throws {TransportError} `bad-reply`, or `connection-lost` for a status by which a proxy says that it found
 *   no server (502, 503, 504)
 */
export function checkReply(status: number, contentType: string | null | undefined, body: Uint8Array): void {
  if (contentType?.startsWith(MESSAGE_CONTENT_TYPE)) return;
  const unavailable = status === 502 || status === 503 || status === 504;
  const text = new TextDecoder().decode(body.subarray(0, 80)).replaceAll(/\s+/g, ' ');
  throw new TransportError(
    unavailable ? 'connection-lost' : 'bad-reply',
    `reply expected ${MESSAGE_CONTENT_TYPE}, got ${contentType ?? 'nothing'} with status ${status}: ${text}`,
  );
}

/** The error of a reply over the limit. */
export function replyTooLarge(maxReplyBytes: number): TransportError {
  return new TransportError('reply-too-large', `reply expected at most ${maxReplyBytes} bytes, got more`);
}

/** `fetch` rejects with a TypeError whatever happened to the connection, its reason in `cause`. */
function asTransportError(error: unknown, url: string): TransportError {
  if (error instanceof TransportError) return error;
  const { message, cause } = error as Error;
  const reason = cause instanceof Error && cause.message ? cause.message : message;
  return new TransportError('connection-lost', `no answer from ${url}: ${reason}`, { cause: error });
}
