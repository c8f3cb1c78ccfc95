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
  const { url, fetch: request, maxReplyBytes } = completeFetchOptions(options);
  const address = new URL(INFER_PATH, url).href;
  return transportOverFetch(address, async (message, signal) => {
    const response = await request(address, {
      method: 'POST',
      headers: { 'content-type': MESSAGE_CONTENT_TYPE },
      body: message as Uint8Array<ArrayBuffer>,
      signal,
    });
    const reply = await readReply(response, maxReplyBytes);
    checkReply(response.status, response.headers.get('content-type'), reply);
    return { message: reply, bytesSent: message.length, bytesReceived: reply.length };
  });
}

/** Options with their defaults. */
export function completeFetchOptions(options: FetchTransportOptions): Required<FetchTransportOptions> {
  const { url, fetch = globalThis.fetch, maxReplyBytes = DEFAULT_MAX_REPLY_BYTES } = options;
  // Browsers refuse their own when it is called as a method.
  return { url, fetch: (...call) => fetch(...call), maxReplyBytes };
}

/** A transport whose exchanges `send` does, whatever number of bodies it takes; its errors are told as those of transports. */
export function transportOverFetch(address: string, send: SendByFetch): Transport {
  return new FetchTransport(address, send);
}

/** Sends a message and gets its answer. */
export type SendByFetch = (message: Uint8Array, signal: AbortSignal) => Promise<Exchange>;

class FetchTransport implements Transport {
  readonly counted = 'bodies';
  readonly nextRequestId = createRequestIds();
  readonly #address: string;
  readonly #send: SendByFetch;
  readonly #inFlight = new Set<AbortController>();
  #closed = false;

  constructor(address: string, send: SendByFetch) {
    this.#address = address;
    this.#send = send;
  }

  async exchange(message: Uint8Array, options: ExchangeOptions = {}): Promise<Exchange> {
    if (this.#closed) throw new TransportError('closed', 'the transport is closed');
    const controller = new AbortController();
    this.#inFlight.add(controller);
    const endWatch = watchExchange(options, (error) => controller.abort(error));
    try {
      return await this.#send(message, controller.signal);
    } catch (error) {
      throw asTransportError(controller.signal.aborted ? controller.signal.reason : error, this.#address);
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

/** The body of a reply. @throws {TransportError} `reply-too-large` */
export async function readReply(response: globalThis.Response, maxReplyBytes: number): Promise<Uint8Array> {
  const reply = await readResponseBody(response, maxReplyBytes);
  if (!reply) throw replyTooLarge(maxReplyBytes);
  return reply;
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
