/** The socket side of a server: plain or under TLS, with every time and number of connections bounded. */

import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { ServerLimits } from './limits.js';

/** TLS of a server; all are PEM texts. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** Certificates of those who sign the clients'; where given, connections without such a certificate are refused. */
  readonly clientCa?: string;
}

/** A listener, and what it turned away. */
export interface Listener {
  readonly server: Server;
  /** Connections dropped because their address had too many. */
  droppedCount(): number;
}

/** Time for the head of a request, and for the handshake of TLS. */
const HEAD_TIMEOUT_MS = 10_000;
/** How often these times are looked at: as long may a connection live longer. */
const CHECK_INTERVAL_MS = 1000;
const MAX_HEAD_BYTES = 16_384;
/** For answers that are ready when the time for an answer ends. */
const SEND_SLACK_MS = 5000;

/** @throws {Error} if a certificate or key cannot be used */
export function createListener(
  handler: RequestListener,
  limits: ServerLimits,
  tls: ServerTls | undefined,
): Listener {
  const headMs = Math.min(HEAD_TIMEOUT_MS, limits.receiveTimeoutMs);
  const options = {
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    headersTimeout: headMs,
    requestTimeout: limits.receiveTimeoutMs,
    maxHeaderSize: MAX_HEAD_BYTES,
    noDelay: true,
  };
  const server = tls
    ? createTlsServer({ ...options, ...tlsOptions(tls), handshakeTimeout: headMs }, handler)
    : createServer(options, handler);
  // A connection on which nothing moves, be it that its client does not take the answer.
  server.timeout = limits.requestTimeoutMs + SEND_SLACK_MS;
  server.maxConnections = limits.maxConnections;
  return { server, droppedCount: limitPerAddress(server, limits.maxConnectionsPerAddress) };
}

function tlsOptions({ cert, key, clientCa }: ServerTls): object {
  const client = clientCa && { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, minVersion: 'TLSv1.2', ...client };
}

/** @returns the number of connections dropped so far */
function limitPerAddress(server: Server, maxConnections: number): () => number {
  const counts = new Map<string, number>();
  let dropped = 0;
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (counts.get(address) ?? 0) + 1;
    if (count > maxConnections) {
      dropped++;
      socket.destroy();
      return;
    }
    counts.set(address, count);
    socket.once('close', () => {
      const left = counts.get(address)! - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    });
  });
  return () => dropped;
}
