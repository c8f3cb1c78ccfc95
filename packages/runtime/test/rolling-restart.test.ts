/** Two server processes behind a balancer, ended and started again in turn under load: no request fails. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeBundle } from '@featherwire/bundle/node';
import { referenceBackend } from '@featherwire/codec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createEdgeClient } from '../src/client/edge-client.js';
import type { Transport } from '../src/client/transport.js';
import { createWebSocketTransport } from '../src/client/websocket-transport.js';
import { createHttpTransport } from '../src/node/http-transport.js';
import { LOSSLESS } from './clients.js';
import { squareFeatures, squareOutputs, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-rolling-'));
const script = fileURLToPath(new URL('serve-bundle.mjs', import.meta.url));
const CLIENTS = 2; // of each kind of connection
/** Some milliseconds of work. */
const SIZE = 60;

interface ServerProcess {
  readonly child: ChildProcess;
  readonly port: number;
}

let bundle: NodeBundle;
let processes: ServerProcess[];
let balancer: Server;

beforeAll(async () => {
  bundle = await writeSquareBundle(root);
  processes = [await startProcess(), await startProcess()];
  balancer = await startBalancer();
});
afterAll(() => {
  balancer.close();
  for (const { child } of processes) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

async function startProcess(): Promise<ServerProcess> {
  const child = fork(script, [bundle.directory, '0']);
  const [port] = (await once(child, 'message')) as [number];
  return { child, port };
}

/** Forwards each connection to a process that says it is ready, in turn, as the balancers of operators do. */
async function startBalancer(): Promise<Server> {
  let turn = 0;
  const server = createServer({ allowHalfOpen: true }, async (near) => {
    near.on('error', () => near.destroy());
    near.pause();
    const ready: ServerProcess[] = [];
    for (const candidate of [...processes]) if (await isReady(candidate)) ready.push(candidate);
    const chosen = ready[turn++ % ready.length];
    if (!chosen) {
      near.destroy();
      return;
    }
    const far = connect({ port: chosen.port, host: '127.0.0.1', allowHalfOpen: true });
    far.on('error', () => near.destroy());
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const isReady = ({ port }: ServerProcess): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );

test('no request fails while both are restarted', async () => {
  const { port } = balancer.address() as AddressInfo;
  const transports: Transport[] = Array.from({ length: CLIENTS }, () => [
    createHttpTransport({ url: `http://127.0.0.1:${port}` }),
    createWebSocketTransport({ url: `ws://127.0.0.1:${port}/v1/stream`, WebSocket }),
  ]).flat();
  let isOver = false;
  let answered = 0;
  const expected = squareOutputs(SIZE, 1);
  const load = transports.map(async (transport) => {
    const client = createEdgeClient({ bundle, transport, backend: referenceBackend });
    while (!isOver) {
      const { outputs } = await client.inferFeature(squareFeatures(SIZE, 1), { coding: LOSSLESS });
      expect(outputs).toEqual(expected);
      answered++;
    }
  });
  const asked = Promise.all(load);
  const restarts = (async () => {
    for (const i of [0, 1]) {
      const before = answered;
      await waitUntil(() => answered >= before + 5 * transports.length);
      const { child } = processes[i];
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      expect((await exited)[0]).toBe(0);
      processes[i] = await startProcess();
    }
    const before = answered;
    await waitUntil(() => answered >= before + 5 * transports.length);
    isOver = true;
  })();
  await Promise.race([restarts, asked]); // a failed request ends the test at once
  await restarts;
  await asked;
  for (const transport of transports) await transport.close();
  expect(answered).toBeGreaterThan(15 * transports.length);
}, 120_000);

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
