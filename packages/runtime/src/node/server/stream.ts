/**
 * Requests over WebSockets: each binary message is one request, answered by one binary message as soon as it
 * is done, so answers may overtake each other. A connection that stops reading or answering is cut.
 */

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { STREAM_PATH } from '../../client/websocket-transport.js';
import type { Authenticator } from './authentication.js';
import type { ServerLimits } from './limits.js';
import type { ServerLogger } from './logger.js';
import { createShapedStreams, type OfferedLinks } from './shaped-streams.js';
import { type ConnectionContext, StreamConnection } from './stream-connection.js';

/** How often an idle connection is asked whether it still lives; one that missed an answer is cut. */
const PING_INTERVAL_MS = 30_000;
/** How often unfinished messages are looked at. */
const CHECK_INTERVAL_MS = 1000;
/** What clients that say their token as a subprotocol name beside it, for the server to choose. */
const SUBPROTOCOL = 'featherwire';

/** What the stream works with. */
export interface StreamOptions extends Omit<ConnectionContext, 'client'> {
  readonly server: Server;
  readonly authenticator: Authenticator;
  readonly limits: ServerLimits;
  readonly logger: ServerLogger;
  /** Links that the stream is offered over as well; default: none. */
  readonly links?: OfferedLinks | undefined;
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
export function attachStream(options: StreamOptions): StreamEndpoint {
  const { server, authenticator, limits, logger } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false, // coded features do not shrink
    maxPayload: limits.maxMessageBytes,
    handleProtocols: (protocols) => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  const connections = new Set<StreamConnection>();
  const shaped = createShapedStreams(server, options.links ?? {});
  let draining = false;

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (!draining && shaped.take(request, socket, head)) return;
    const refusal = refusalOf(request, draining);
    const client = refusal ? undefined : authenticator.clientOf(request);
    if (client === undefined) {
      refuseUpgrade(socket, refusal ?? '401 Unauthorized');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new StreamConnection(webSocket, socket, { ...options, client });
      connections.add(connection);
      webSocket.on('close', () => connections.delete(connection));
      webSocket.on('error', (error) => logger.warn(`stream connection failed: ${error.message}`));
    });
  });
  const pings = setInterval(() => {
    for (const connection of connections) connection.ping();
  }, PING_INTERVAL_MS);
  const checks = setInterval(() => {
    for (const connection of connections) connection.endIfStalled(performance.now());
  }, CHECK_INTERVAL_MS);
  for (const timer of [pings, checks]) timer.unref();

  return {
    connectionCount: () => connections.size,
    drain() {
      draining = true;
      for (const connection of connections) connection.drain();
    },
    terminate() {
      clearInterval(pings);
      clearInterval(checks);
      for (const connection of connections) connection.terminate();
      sockets.close();
      void shaped.close();
    },
  };
}

function refusalOf({ url }: IncomingMessage, draining: boolean): string | undefined {
  if (draining) return '503 Service Unavailable';
  return url?.split('?')[0] === STREAM_PATH ? undefined : '404 Not Found';
}

function refuseUpgrade(socket: Duplex, status: string): void {
  // A client that keeps its side open would keep the connection: no timeout of the server holds for it any more.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
