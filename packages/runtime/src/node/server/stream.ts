/**
 * Requests over WebSockets: each binary message is one request, answered by one binary message as soon as it
 * is done, so answers may overtake each other. A connection that stops reading or answering is cut.
 */

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { peekRequestId, type RemoteErrorCode } from '../../protocol/index.js';
import type { ServerLimits } from './limits.js';
import type { ServerLogger } from './logger.js';
import type { RequestHandler } from './request-handler.js';

/** Path of the stream. */
export const STREAM_PATH = '/v1/stream';

/** How often an idle connection is asked whether it still lives; one that missed an answer is cut. */
const PING_INTERVAL_MS = 30_000;
/** Refusals that a client may leave unread. */
const MAX_UNREAD_REFUSALS = 1024;
const GOING_AWAY = 1001; // RFC 6455 §7.4.1

/** What the stream works with. */
export interface StreamOptions {
  readonly server: Server;
  readonly handler: RequestHandler;
  readonly limits: ServerLimits;
  readonly logger: ServerLogger;
}

/** The stream side of a server. */
export interface StreamEndpoint {
  connectionCount(): number;
  /** Takes no new connection and closes each one as soon as its answers are out. */
  drain(): void;
  /** Ends every connection now. */
  terminate(): void;
}

/** Answers upgrades of an HTTP server. */
export function attachStream({ server, handler, limits, logger }: StreamOptions): StreamEndpoint {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false, // coded features do not shrink
    maxPayload: limits.maxMessageBytes,
  });
  const connections = new Set<Connection>();
  let draining = false;

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const path = request.url?.split('?')[0];
    if (draining || path !== STREAM_PATH) {
      refuseUpgrade(socket, draining ? '503 Service Unavailable' : '404 Not Found');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection(webSocket, handler, limits.maxRequestsPerConnection);
      connections.add(connection);
      webSocket.on('close', () => connections.delete(connection));
      webSocket.on('error', (error) => logger.warn(`stream connection failed: ${error.message}`));
    });
  });
  const pings = setInterval(() => {
    for (const connection of connections) connection.ping();
  }, PING_INTERVAL_MS);
  pings.unref();

  return {
    connectionCount: () => connections.size,
    drain() {
      draining = true;
      for (const connection of connections) connection.drain();
    },
    terminate() {
      clearInterval(pings);
      for (const connection of connections) connection.terminate();
      sockets.close();
    },
  };
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

class Connection {
  readonly #socket: WebSocket;
  readonly #handler: RequestHandler;
  readonly #maxRequests: number;
  /** Requests taken whose answer has not left yet. */
  #taken = 0;
  /** Messages refused whose answer has not left yet. */
  #refused = 0;
  #draining = false;
  #alive = true;

  constructor(socket: WebSocket, handler: RequestHandler, maxRequests: number) {
    this.#socket = socket;
    this.#handler = handler;
    this.#maxRequests = maxRequests;
    socket.on('message', (received, isBinary) => void this.#receive(received as Buffer, isBinary));
    socket.on('pong', () => {
      this.#alive = true;
    });
  }

  ping(): void {
    if (!this.#alive) {
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    this.#socket.ping();
  }

  drain(): void {
    this.#draining = true;
    this.#closeIfDone();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  async #receive(received: Buffer, isBinary: boolean): Promise<void> {
    this.#alive = true;
    if (!isBinary) {
      this.#refuse(0, 'malformed-message', 'message expected binary, got text');
    } else if (this.#taken >= this.#maxRequests) {
      const text = `${this.#maxRequests} requests of this connection are unanswered`;
      this.#refuse(peekRequestId(received), 'overloaded', text);
    } else {
      this.#taken++;
      const { message } = await this.#handler.handle(received);
      this.#socket.send(message, { binary: true }, () => {
        this.#taken--;
        this.#closeIfDone();
      });
    }
  }

  /** Refusals are not bounded by the requests taken: a client that sends and never reads is cut. */
  #refuse(requestId: number, code: RemoteErrorCode, text: string): void {
    this.#refused++;
    if (this.#refused > MAX_UNREAD_REFUSALS) this.#socket.terminate();
    const { message } = this.#handler.refuse(requestId, code, text);
    this.#socket.send(message, { binary: true }, () => {
      this.#refused--;
      this.#closeIfDone();
    });
  }

  #closeIfDone(): void {
    if (this.#draining && this.#taken + this.#refused === 0) this.#socket.close(GOING_AWAY);
  }
}
