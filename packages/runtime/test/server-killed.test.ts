/** A server process that dies in the middle of a request: the client says so, or repeats and succeeds. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeBundle } from '@featherwire/bundle/node';
import { referenceBackend } from '@featherwire/codec';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createEdgeClient } from '../src/client/edge-client.js';
import type { RetryPolicy } from '../src/client/retry.js';
import type { Transport } from '../src/client/transport.js';
import { createWebSocketTransport } from '../src/client/websocket-transport.js';
import { createHttpTransport } from '../src/node/http-transport.js';
import { squareFeatures, squareOutputs, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-killed-'));
const script = fileURLToPath(new URL('serve-bundle.mjs', import.meta.url));
/** A size at which the tail takes most of a second. */
const SLOW = 1200;
const KILL_AFTER_MS = 150;

let bundle: NodeBundle;
let child: ChildProcess;
let transport: Transport;

beforeAll(async () => {
  bundle = await writeSquareBundle(root);
});
afterEach(async () => {
  await transport.close();
  child.kill('SIGKILL');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function startServer(port: number): Promise<number> {
  child = fork(script, [bundle.directory, String(port)]);
  const [listening] = (await once(child, 'message')) as [number];
  return listening;
}

async function killServer(): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function infer(size: number, retry: RetryPolicy) {
  const client = createEdgeClient({ bundle, transport, backend: referenceBackend, retry, random: () => 1 });
  return client.inferFeature(squareFeatures(size, 1), { coding: 'two-levels', timeoutMs: 20_000 });
}

describe.each<[string, (port: number) => Transport]>([
  ['http', (port) => createHttpTransport({ url: `http://127.0.0.1:${port}` })],
  ['websocket', (port) => createWebSocketTransport({ url: `ws://127.0.0.1:${port}/v1/stream`, WebSocket })],
])('over %s, a server killed in the middle of a request', (_, create) => {
  test('gives a clear error in one line when it stays away', async () => {
    transport = create(await startServer(0));
    await infer(2, {});
    const result = infer(SLOW, { maxAttempts: 3 }).catch((reason) => reason);
    setTimeout(() => void killServer(), KILL_AFTER_MS);
    const error = await result;
    expect(error).toMatchObject({ name: 'TransportError', code: 'connect-failed', retryable: true });
    expect(error.message).toMatch(
      /^no connection to \S+127\.0\.0\.1:\d+.*ECONNREFUSED.* \(after 3 attempts\)$/,
    );
  });

  test('is asked again once it is back, and answers', async () => {
    const port = await startServer(0);
    transport = create(port);
    await infer(2, {});
    const result = infer(SLOW, { maxAttempts: 100, maxDelayMs: 100 });
    await new Promise((resolve) => setTimeout(resolve, KILL_AFTER_MS));
    await killServer();
    await startServer(port);
    const { outputs, attempts } = await result;
    expect(outputs).toEqual(squareOutputs(SLOW, 1));
    expect(attempts).toBeGreaterThan(1);
  });
});
