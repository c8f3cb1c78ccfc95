/** The connection of `run` to its server: straight, or through a link that is shaped on this machine. */

import type { LinkProfile } from '@featherwire/link';
import {
  createUploadTransport,
  createWebSocketTransport,
  STREAM_PATH,
  type Transport,
} from '@featherwire/runtime';
import { createHttpTransport, startLinkLab } from '@featherwire/runtime/node';
import { WebSocket } from 'ws';
import { UsageError } from '../terminal/errors.js';

/** Which connection. */
export interface ServerConnectionOptions {
  readonly server: URL;
  readonly transport: 'ws' | 'http';
  /** Longest body over HTTP; longer requests are sent in parts. No limit by default. */
  readonly maxPartBytes?: number;
  readonly link?: LinkProfile;
  readonly credentials?: ClientCredentials;
}

/** By which a client makes itself known, and knows the server; certificates and key are PEM texts. */
export interface ClientCredentials {
  readonly token?: string;
  /** Of those who sign the server's certificate; default: those that Node knows. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** An open connection. */
export interface ServerConnection {
  readonly transport: Transport;
  close(): Promise<void>;
}

const DEFAULT_PORT = 80;

/**
 * @throws {UsageError} if parts are asked for over WebSocket, or a link to a server behind TLS, whose name the way through the
 *   lab would not fit
 */
export async function connectToServer(options: ServerConnectionOptions): Promise<ServerConnection> {
  const { server, link } = options;
  if (options.maxPartBytes !== undefined && options.transport === 'ws') {
    throw new UsageError('--max-part-bytes expected --transport http beside it');
  }
  if (!link) return straight(options);
  if (server.protocol === 'https:' || server.protocol === 'wss:') {
    throw new UsageError(`--link expected a server without TLS, got ${server.href}`);
  }
  // Node takes the address of an IPv6 host without the brackets that a URL has.
  const host = server.hostname.replace(/^\[(.*)\]$/, '$1');
  const lab = await startLinkLab({ link, target: { host, port: Number(server.port) || DEFAULT_PORT } });
  const throughLab = new URL(server);
  throughLab.host = `127.0.0.1:${lab.port}`;
  const { transport, close } = straight({ ...options, server: throughLab });
  return {
    transport,
    async close() {
      await close();
      await lab.close();
    },
  };
}

function straight(options: ServerConnectionOptions): ServerConnection {
  const { server, transport: kind, maxPartBytes, credentials = {} } = options;
  const url = new URL(server);
  const scheme = kind === 'ws' ? 'ws' : 'http';
  url.protocol = url.protocol.endsWith('s:') && url.protocol !== 'ws:' ? `${scheme}s:` : `${scheme}:`;
  if (kind === 'ws') url.pathname = STREAM_PATH;
  const token = credentials.token ? { token: credentials.token } : {};
  const openHttp = (): Transport =>
    maxPartBytes === undefined
      ? createHttpTransport({ url: url.href, ...token })
      : createUploadTransport({ url: url.href, maxPartBytes, ...token });
  const transport =
    kind === 'ws'
      ? createWebSocketTransport({ url: url.href, WebSocket: webSocketWith(credentials) })
      : openHttp();
  return { transport, close: () => transport.close() };
}

/** The class of `ws` with what its connections begin with. */
function webSocketWith({ token, ca, cert, key }: ClientCredentials): new (url: string) => WebSocket {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return class extends WebSocket {
    constructor(url: string) {
      super(url, { headers, ...tls });
    }
  };
}
