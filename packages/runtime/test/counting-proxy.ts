/** A TCP proxy that counts the bytes of both directions: what really crosses the link above TCP. */

import { type AddressInfo, createServer, connect as openConnection, type Socket } from 'node:net';

/** A running proxy. */
export interface CountingProxy {
  readonly port: number;
  /** Bytes from clients to the target so far. */
  sent(): number;
  /** Bytes from the target to clients so far. */
  received(): number;
  /** Cuts the connections that are open, without a word. */
  cut(): void;
  /** While it is out, the connections that are open are cut, without a word, and so are those that come. */
  setOut(isOut: boolean): void;
  close(): Promise<void>;
}

/** Listens on a free port of this machine and passes everything to `targetPort`. */
export async function startCountingProxy(targetPort: number): Promise<CountingProxy> {
  const sockets = new Set<Socket>();
  let sent = 0;
  let received = 0;
  let isOut = false;
  const server = createServer((client) => {
    if (isOut) return void client.resetAndDestroy();
    const target = openConnection(targetPort, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    }
    client.on('data', (chunk) => {
      sent += chunk.length;
    });
    target.on('data', (chunk) => {
      received += chunk.length;
    });
    client.pipe(target).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => sent,
    received: () => received,
    cut,
    setOut(out) {
      isOut = out;
      if (out) cut();
    },
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
