/** Outputs that are coded without a loss where a request allows it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { tensor } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EdgeClient } from '../src/client/edge-client.js';
import type { Transport } from '../src/client/transport.js';
import { createTailServer, type TailServer } from '../src/node/server/tail-server.js';
import { singleTryClient, transportTo } from './clients.js';
import { writeRowsBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-compact-'));
const CODING = { middle: { kind: 'none' } } as const;

let rows: NodeBundle;
let server: TailServer;
let transport: Transport;
let client: EdgeClient;

beforeAll(async () => {
  rows = await writeRowsBundle(path.join(root, 'rows'));
  server = await createTailServer({ bundles: [rows] });
  transport = transportTo(server, 'websocket');
  client = singleTryClient(rows, transport);
});
afterAll(async () => {
  await transport.close();
  await server.close({ drainTimeoutMs: 0 });
  rmSync(root, { recursive: true, force: true });
});

/** Asks for the squares of `count` numbers. */
function ask(count: number, compactOutputs: boolean) {
  const values = Float32Array.from({ length: count }, (_, i) => (i % 61) / 7);
  const middle = tensor('float32', [count / 4, 4], values);
  return client.inferFeature({ middle }, { coding: CODING, compactOutputs });
}

test('large ones take fewer bytes and have the same bits, alone and in a shared run', async () => {
  const [plain, ...compact] = await Promise.all([
    ask(4000, false),
    ask(4000, true),
    ask(4000, true),
    ask(4000, true),
  ]);
  for (const answer of compact) {
    expect(answer.outputs).toEqual(plain.outputs);
    expect(answer.bytes.received).toBeLessThan(0.9 * plain.bytes.received);
    expect(answer.bytes.sent).toBe(plain.bytes.sent);
  }
});

test('small ones come as they are', async () => {
  const [plain, compact] = [await ask(40, false), await ask(40, true)];
  expect(compact.outputs).toEqual(plain.outputs);
  expect(compact.bytes).toEqual(plain.bytes);
});
