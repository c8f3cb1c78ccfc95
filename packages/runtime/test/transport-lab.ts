/** What `transport-rules.ts` needs, in this process. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bundle } from '@featherwire/bundle';
import { WebSocketServer } from 'ws';
import { startCountingProxy } from './counting-proxy.js';
import type { StrangerAnswer, TransportLab } from './transport-rules.js';

const PAGE = '<html>hello</html>';
/** What strangers say over WebSockets; the last is an error message (protocol.md §7) to request 0. */
const REPLIES: Readonly<Record<Exclude<StrangerAnswer, 'page'>, string | Uint8Array>> = {
  text: 'hello',
  bytes: Uint8Array.of(1, 2, 3),
  unreadable: Uint8Array.of(0x46, 0x4d, 1, 4, 0, 0, 0, 0, 1, 0, 0x3f),
};

/** @param serverPort - of a server with the square bundle */
export function createTransportLab(
  bundle: Pick<Bundle, 'manifest' | 'digest'>,
  serverPort: number,
): TransportLab {
  return {
    bundle,
    async startProxy() {
      const { port, sent, received, setOut, close } = await startCountingProxy(serverPort);
      return {
        ...{ port, close },
        counts: async () => ({ sent: sent(), received: received() }),
        setOut: async (isOut) => setOut(isOut),
      };
    },
    async startStranger(answer) {
      const server = createServer((_request, response) => response.end(PAGE));
      if (answer !== 'page') {
        const sockets = new WebSocketServer({ server });
        sockets.on('connection', (socket) => socket.on('message', () => socket.send(REPLIES[answer])));
      }
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return { port: (server.address() as AddressInfo).port, close: () => end(server) };
    },
    async freePort() {
      const probe = await startCountingProxy(1);
      await probe.close();
      return probe.port;
    },
  };
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
