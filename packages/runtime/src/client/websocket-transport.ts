/**
 * Messages over one WebSocket (RFC 6455): one binary message each way, matched by request id, so many may be
 * in flight and answers may overtake each other. A lost connection is opened again by the next exchange.
 */

import { parseMessage, peekRequestId } from '../protocol/index.js';
import { TransportError } from './errors.js';
import {
  createRequestIds,
  DEFAULT_MAX_REPLY_BYTES,
  type Exchange,
  type ExchangeOptions,
  type Transport,
  watchExchange,
} from './transport.js';

/** Path of the stream of messages on a server. */
export const STREAM_PATH = '/v1/stream';

/** What this transport uses of a WebSocket; the browser's class and that of `ws` both have it. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  send(message: Uint8Array<ArrayBuffer>): void;
  close(): void;
  /** Ends the connection at once; only in `ws`. */
  terminate?(): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number }) => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: object) => void): void;
}

/** Settings of a WebSocket transport. */
export interface WebSocketTransportOptions {
  /** Address of the stream, `ws://…/v1/stream` or `wss://…`. */
  readonly url: string;
  /** The class to connect with: the global one in browsers, that of `ws` in Node. */
  readonly WebSocket: new (
    url: string,
  ) => WebSocketLike;
  /** Longest reply taken; default 64 MiB. */
  readonly maxReplyBytes?: number;
}

/**
 * Bytes that WebSocket framing adds to a message sent as one frame (RFC 6455 §5.2): two, an extended length,
 * and a mask from client to server. `ws` and this project's server send each message as one frame;
 * browsers may split one of 64 KiB or more, and the headers of its further frames, 14 bytes at most each, are in no count.
 */
export function webSocketHeaderBytes(messageBytes: number, direction: 'to-server' | 'to-client'): number {
  const lengthBytes = messageBytes < 126 ? 0 : messageBytes < 65_536 ? 2 : 8;
  return 2 + lengthBytes + (direction === 'to-server' ? 4 : 0);
}

/** Opens no connection yet: the first exchange does. The opening handshake is not part of any byte count. */
export function createWebSocketTransport(options: WebSocketTransportOptions): Transport {
  return new WebSocketTransport(options);
}

const OPEN = 1; // WebSocket.OPEN in every implementation
const MESSAGE_TOO_BIG = 1009; // RFC 6455 §7.4.1
const CLOSE_WAIT_MS = 1000;

interface PendingExchange {
  /** The connection that carries it, once it was sent. */
  socket: WebSocketLike | undefined;
  answer(message: Uint8Array): void;
  fail(error: TransportError): void;
}

interface Connection {
  readonly socket: WebSocketLike;
  /** Resolves when it is open. */
  readonly opened: Promise<void>;
}

class WebSocketTransport implements Transport {
  readonly counted = 'link';
  readonly nextRequestId = createRequestIds();
  readonly #options: WebSocketTransportOptions;
  readonly #pending = new Map<number, PendingExchange>();
  #connection: Connection | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: WebSocketTransportOptions) {
    this.#options = options;
  }

  async exchange(message: Uint8Array, options: ExchangeOptions = {}): Promise<Exchange> {
    if (this.#closing) throw new TransportError('closed', 'the transport is closed');
    const id = peekRequestId(message);
    if (id === 0 || this.#pending.has(id)) {
      throw new RangeError(`message expected a request id that is not in flight, got ${id}`);
    }
    const bytesSent = message.length + webSocketHeaderBytes(message.length, 'to-server');
    let endWatch = (): void => undefined;
    try {
      return await new Promise<Exchange>((resolve, reject) => {
        const answer = (reply: Uint8Array): void => {
          const bytesReceived = reply.length + webSocketHeaderBytes(reply.length, 'to-client');
          resolve({ message: reply, bytesSent, bytesReceived });
        };
        this.#pending.set(id, { socket: undefined, answer, fail: reject });
        endWatch = watchExchange(options, reject);
        this.#send(id, message).catch(reject);
      });
    } finally {
      endWatch();
      this.#pending.delete(id);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Connects if need be, and sends unless the exchange has ended meanwhile. */
  async #send(id: number, message: Uint8Array): Promise<void> {
    const pending = this.#pending.get(id);
    if (this.#connection && this.#connection.socket.readyState > OPEN) this.#connection = undefined;
    this.#connection ??= this.#connect();
    const { socket, opened } = this.#connection;
    await opened;
    if (!pending || this.#pending.get(id) !== pending) return;
    pending.socket = socket;
    socket.send(message as Uint8Array<ArrayBuffer>);
  }

  #connect(): Connection {
    const { url, WebSocket } = this.#options;
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    let reason = '';
    socket.addEventListener('error', (event) => {
      if ('message' in event) reason = `: ${event.message}`;
    });
    socket.addEventListener('message', (event) => this.#receive(socket, event.data));
    const opened = new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('close', ({ code }) => {
        if (this.#connection?.socket === socket) this.#connection = undefined;
        reject(new TransportError('connect-failed', `no connection to ${url}${reason}`)); // unless it was open
        this.#lose(socket, lossOf(code, `${url}${reason}`));
      });
    });
    return { socket, opened };
  }

  #receive(socket: WebSocketLike, received: unknown): void {
    const { maxReplyBytes = DEFAULT_MAX_REPLY_BYTES } = this.#options;
    const message = received instanceof ArrayBuffer ? new Uint8Array(received) : new Uint8Array(0);
    const id = peekRequestId(message);
    if (id === 0) {
      this.#refuse(socket, 'bad-reply', describeUnmatched(message));
    } else if (message.length > maxReplyBytes) {
      const text = `reply expected at most ${maxReplyBytes} bytes, got ${message.length}`;
      this.#refuse(socket, 'reply-too-large', text);
    } else {
      this.#pending.get(id)?.answer(message); // an answer that nobody waits for any more is dropped
    }
  }

  /** What cannot be matched to a request ends the connection: any of those in flight may have been meant. */
  #refuse(socket: WebSocketLike, code: 'bad-reply' | 'reply-too-large', text: string): void {
    this.#lose(socket, new TransportError(code, text));
    socket.close();
  }

  #lose(socket: WebSocketLike, error: TransportError): void {
    for (const pending of this.#pending.values()) {
      if (pending.socket === socket) pending.fail(error);
    }
  }

  async #end(): Promise<void> {
    for (const pending of this.#pending.values()) {
      pending.fail(new TransportError('closed', 'the transport was closed'));
    }
    if (!this.#connection) return;
    const { socket, opened } = this.#connection;
    opened.catch(() => undefined); // nobody else may be waiting for it
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(() => socket.terminate?.() ?? resolve(), CLOSE_WAIT_MS);
      socket.addEventListener('close', () => {
        clearTimeout(giveUp);
        resolve();
      });
      socket.close();
    });
  }
}

function lossOf(closeCode: number, where: string): TransportError {
  return closeCode === MESSAGE_TOO_BIG
    ? new TransportError('message-too-large', `the message is longer than the server takes: ${where}`)
    : new TransportError('connection-lost', `the connection was lost: ${where}`);
}

function describeUnmatched(message: Uint8Array): string {
  try {
    const parsed = parseMessage(message);
    return parsed.kind === 'error'
      ? `the server could not read a request: ${parsed.text}`
      : 'reply has no id';
  } catch (error) {
    return `reply expected a message, got other bytes: ${(error as Error).message}`;
  }
}
