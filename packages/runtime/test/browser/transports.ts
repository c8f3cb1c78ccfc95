/** The transports of browsers under the rules of all transports; the other side of the link is asked for by HTTP. */

import { createFetchTransport } from '../../src/client/fetch-transport.js';
import { createWebSocketTransport, STREAM_PATH } from '../../src/client/websocket-transport.js';
import { type LabPort, type LabProxy, type TransportLab, transportRules } from '../transport-rules.js';

/** A call of the lab in `conformance.test.ts`. */
async function ask<T>(call: string, argument: unknown = null): Promise<T> {
  const response = await fetch('/lab', { method: 'POST', body: JSON.stringify({ call, argument }) });
  if (!response.ok) throw new Error(`${call}: ${await response.text()}`);
  return (await response.json()) as T;
}

const closing = ({ port }: { readonly port: number }): LabPort => ({
  port,
  close: () => ask('close', port),
});

const lab: TransportLab = {
  bundle: await ask<TransportLab['bundle']>('bundle'),
  async startProxy(): Promise<LabProxy> {
    const opened = await ask<{ port: number }>('startProxy');
    const { port } = opened;
    return {
      ...closing(opened),
      counts: () => ask('counts', port),
      setOut: (isOut) => ask('setOut', { port, isOut }),
    };
  },
  startStranger: async (answer) => closing(await ask('startStranger', answer)),
  freePort: () => ask('freePort'),
};

transportRules(
  'fetch',
  (port, options) => createFetchTransport({ url: `http://127.0.0.1:${port}`, ...options }),
  lab,
);
transportRules(
  'websocket',
  (port, options) =>
    createWebSocketTransport({ url: `ws://127.0.0.1:${port}${STREAM_PATH}`, WebSocket, ...options }),
  lab,
  { splitsMessages: true },
);
