/**
 * Requests over WebSockets: each binary message is one request, answered by one binary message as soon as it
 * is done, so answers may overtake each other. A connection that stops reading or answering is cut.
 */

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { peekRequestId } from '../../protocol/index.js';
import type { ServerLimits } from './limits.js';
import type { ServerLogger } from './logger.js';
import type { Answer, RequestHandler } from './request-handler.js';

/** Path of the stream. */
export const STREAM_PATH = '/v1/stream';

/** How often an idle connection is asked whether it still lives; one that missed an answer is cut. */
const PING_INTERVAL_MS = 30_000;
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
  /** Requests whose answer has not left yet. */
  #open = 0;
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
    if (this.#open === 0) this.#socket.close(GOING_AWAY);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  async #receive(received: Buffer, isBinary: boolean): Promise<void> {
    this.#alive = true;
    const overloaded = this.#open >= this.#maxRequests;
    this.#open++;
    if (!isBinary) {
      this.#send(this.#handler.refuse(0, 'malformed-message', 'message expected binary, got text'));
    } else if (overloaded) {
      const text = `${this.#maxRequests} requests of this connection are unanswered`;
      this.#send(this.#handler.refuse(peekRequestId(received), 'overloaded', text));
    } else {
      this.#send(await this.#handler.handle(received));
    }
  }

  #send({ message }: Answer): void {
    this.#socket.send(message, { binary: true }, () => {
      this.#open--;
      if (this.#draining && this.#open === 0) this.#socket.close(GOING_AWAY);
    });
    // A client that floods but never reads would let its answers pile up here.
    if (this.#open > 2 * this.#maxRequests) this.#socket.terminate();
  }
}
