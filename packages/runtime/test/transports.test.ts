/** The transports of Node under the rules of all transports, and what is their own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createFetchTransport } from '../src/client/fetch-transport.js';
import {
  createWebSocketTransport,
  STREAM_PATH,
  webSocketHeaderBytes,
} from '../src/client/websocket-transport.js';
import { createHttpTransport } from '../src/node/http-transport.js';
import { createTailServer } from '../src/node/server/tail-server.js';
import { writeSquareBundle } from './test-bundles.js';
import { createTransportLab } from './transport-lab.js';
import { transportRules } from './transport-rules.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-transports-'));
const bundle = await writeSquareBundle(root);
const server = await createTailServer({ bundles: [bundle], workersPerBundle: 2 });
afterAll(async () => {
  await server.close({ drainTimeoutMs: 0 });
  rmSync(root, { recursive: true, force: true });
});

const lab = createTransportLab(bundle, server.address.port);
const httpUrl = (port: number) => `http://127.0.0.1:${port}`;
const streamUrl = (port: number) => `ws://127.0.0.1:${port}${STREAM_PATH}`;
transportRules('http', (port, options) => createHttpTransport({ url: httpUrl(port), ...options }), lab);
transportRules('fetch', (port, options) => createFetchTransport({ url: httpUrl(port), ...options }), lab);
transportRules(
  'websocket',
  (port, options) => createWebSocketTransport({ url: streamUrl(port), WebSocket, ...options }),
  lab,
);

test('an http transport refuses an address whose bytes it could not count', () => {
  expect(() => createHttpTransport({ url: 'https://127.0.0.1:1' })).toThrow(RangeError);
});

test.each([
  [0, 6, 2],
  [125, 6, 2],
  [126, 8, 4],
  [65_535, 8, 4],
  [65_536, 14, 10],
])('a websocket frame of %d bytes has headers of %d and %d bytes', (bytes, toServer, toClient) => {
  expect(webSocketHeaderBytes(bytes, 'to-server')).toBe(toServer);
  expect(webSocketHeaderBytes(bytes, 'to-client')).toBe(toClient);
});
