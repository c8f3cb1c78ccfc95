/**
 * Messages as bodies of HTTP/1.1 POST requests over kept-alive connections, with every byte counted at the
 * socket: request line, heads and bodies of both directions.
 */

import { Agent, type IncomingMessage, request as openRequest } from 'node:http';
import type { Socket } from 'node:net';
import { concatenate } from '@featherwire/bundle';
import { TransportError } from '../client/errors.js';
import { checkReply, INFER_PATH, MESSAGE_CONTENT_TYPE, replyTooLarge } from '../client/fetch-transport.js';
import {
  createRequestIds,
  DEFAULT_MAX_REPLY_BYTES,
  type Exchange,
  type ExchangeOptions,
  type Transport,
  watchExchange,
} from '../client/transport.js';

/** Settings of an HTTP transport. */
export interface HttpTransportOptions {
  /** Address of the server, `http://host:port`, without the route. */
  readonly url: string;
  /** Says who the client is, as a bearer token (RFC 6750); it travels as it is, for all on the way to read. */
  readonly token?: string;
  /** Connections at most; further exchanges wait for one; default 64. */
  readonly maxConnections?: number;
  /** Longest reply taken; default 64 MiB. */
  readonly maxReplyBytes?: number;
}

const DEFAULT_MAX_CONNECTIONS = 64;

/**
 * Opens no connection yet: the first exchange does.
 * @throws {RangeError} if the address is not `http:`, since bytes under TLS cannot be counted at the socket
 */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  const target = new URL(INFER_PATH, options.url);
  if (target.protocol !== 'http:') throw new RangeError(`url expected http:, got ${target.protocol}`);
  return new HttpTransport(target, options);
}

class HttpTransport implements Transport {
  readonly counted = 'link';
  readonly nextRequestId = createRequestIds();
  readonly #target: URL;
  readonly #agent: Agent;
  readonly #maxReplyBytes: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #inFlight = new Set<(error: TransportError) => void>();
  #closed = false;

  constructor(target: URL, { token, maxConnections, maxReplyBytes }: HttpTransportOptions) {
    this.#target = target;
    this.#headers = {
      'content-type': MESSAGE_CONTENT_TYPE,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    this.#agent = new Agent({ keepAlive: true, maxSockets: maxConnections ?? DEFAULT_MAX_CONNECTIONS });
    this.#maxReplyBytes = maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES;
  }

  async exchange(message: Uint8Array, options: ExchangeOptions = {}): Promise<Exchange> {
    if (this.#closed) throw new TransportError('closed', 'the transport is closed');
    return new Promise((resolve, reject) => {
      const request = openRequest(this.#target, {
        method: 'POST',
        agent: this.#agent,
        headers: { ...this.#headers, 'content-length': message.length },
      });
      const settle = (): void => {
        endWatch();
        this.#inFlight.delete(fail);
      };
      const fail = (error: TransportError): void => {
        settle();
        reject(error);
        request.destroy();
      };
      const endWatch = watchExchange(options, fail);
      this.#inFlight.add(fail);
      const count = countBytes(request);
      request.on('error', (cause) => fail(this.#lost(cause)));
      request.on('response', (response) => {
        this.#readReply(response).then((reply) => {
          settle();
          resolve({ message: reply, ...count() });
        }, fail);
      });
      request.end(message);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const fail of this.#inFlight) fail(new TransportError('closed', 'the transport was closed'));
    this.#agent.destroy();
  }

  #readReply(response: IncomingMessage): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      response.on('data', (chunk: Uint8Array) => {
        length += chunk.length;
        if (length > this.#maxReplyBytes) reject(replyTooLarge(this.#maxReplyBytes));
        else chunks.push(chunk);
      });
      response.on('error', (cause) => reject(this.#lost(cause)));
      response.on('end', () => {
        const reply = concatenate(chunks, length);
        try {
          checkReply(response.statusCode ?? 0, response.headers['content-type'], reply);
          resolve(reply);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #lost(cause: Error): TransportError {
    const refused = 'syscall' in cause && (cause.syscall === 'connect' || cause.syscall === 'getaddrinfo');
    const { origin } = this.#target;
    const reason = cause.message || String((cause as NodeJS.ErrnoException).code);
    return refused
      ? new TransportError('connect-failed', `no connection to ${origin}: ${reason}`, { cause })
      : new TransportError('connection-lost', `the connection to ${origin} was lost: ${reason}`, { cause });
  }
}

/**
 * Bytes of one request and its reply. A connection carries one exchange at a time, so what its counters have
 * grown by since the request got it, before a byte was written, is that exchange's.
 */
function countBytes(
  request: ReturnType<typeof openRequest>,
): () => Pick<Exchange, 'bytesSent' | 'bytesReceived'> {
  let socket: Socket | undefined;
  let written = 0;
  let read = 0;
  request.on('socket', (assigned: Socket) => {
    socket = assigned;
    written = assigned.bytesWritten ?? 0;
    read = assigned.bytesRead;
  });
  return () => ({
    bytesSent: (socket?.bytesWritten ?? 0) - written,
    bytesReceived: (socket?.bytesRead ?? 0) - read,
  });
}
