/** The connection of a browser to its server, by the engine's own WebSocket or `fetch`. */

import { createFetchTransport } from '../client/fetch-transport.js';
import type { Transport } from '../client/transport.js';
import { createWebSocketTransport, STREAM_PATH } from '../client/websocket-transport.js';

/** Which connection. */
export interface TransportChoice {
  /** As in `EdgeOptions`. */
  readonly server?: string;
  /** Default: `websocket`. */
  readonly transport?: 'websocket' | 'http';
  readonly token?: string;
}

/** What the server chooses among the subprotocols when a token is said as another (docs/serving.md). */
const SUBPROTOCOL = 'featherwire';

/** Opens no connection yet: the first exchange does. */
export function openTransport({ server = '/', transport = 'websocket', token }: TransportChoice): Transport {
  const url = new URL(server, globalThis.location?.href);
  if (transport === 'http') {
    return createFetchTransport({ url: url.href, ...(token !== undefined && { fetch: fetchWith(token) }) });
  }
  url.protocol = url.protocol.replace(/^http/, 'ws');
  if (url.pathname === '/') url.pathname = STREAM_PATH;
  return createWebSocketTransport({ url: url.href, WebSocket: webSocketWith(token) });
}

function fetchWith(token: string): typeof fetch {
  return (input, init = {}) =>
    fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
}

/** Browsers set no header of the handshake but the subprotocols. */
function webSocketWith(token: string | undefined): new (url: string) => WebSocket {
  if (token === undefined) return WebSocket;
  return class extends WebSocket {
    constructor(url: string) {
      super(url, [SUBPROTOCOL, `bearer.${token}`]);
    }
  };
}
