/** A ladder of bottleneck units over one tail: requests change the rate from frame to frame, and nothing is opened for it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { referenceBackend } from '@featherwire/codec';
import type { ModelSession } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEdgeClient, type EdgeClient } from '../src/client/edge-client.js';
import type { Transport } from '../src/client/transport.js';
import { type OpenReductions, openReductions } from '../src/node/open-reductions.js';
import { createTailServer, type TailServer } from '../src/node/server/tail-server.js';
import { transportTo } from './clients.js';
import { ladderInput, ladderOutput, RUNG_COUNT, writeLadderBundle } from './unit-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-ladder-'));
const REQUESTS = 300;
let ladder: NodeBundle;
let server: TailServer;
let reductions: OpenReductions;
let head: ModelSession;
let transport: Transport;
let client: EdgeClient;

beforeAll(async () => {
  ladder = await writeLadderBundle(root);
  server = await createTailServer({
    bundles: [ladder],
    workersPerBundle: 2,
    limits: { maxQueuedRequests: REQUESTS, maxRequestsPerConnection: REQUESTS },
  });
  reductions = await openReductions(ladder, ladder.manifest.operatingPoints);
  head = await createWorkerSession(ladder.partPath('head'));
  transport = transportTo(server, 'websocket');
  client = createEdgeClient({
    bundle: ladder,
    head,
    reductions: reductions.sessions,
    transport,
    backend: referenceBackend,
    retry: { maxAttempts: 1 },
  });
});
afterAll(async () => {
  await transport.close();
  await server.close();
  await reductions.close();
  await head.close();
  rmSync(root, { recursive: true, force: true });
});

describe('a ladder of units', () => {
  test('is served from one tail, each point by both halves of its own unit', async () => {
    expect(reductions.sessions.size).toBe(RUNG_COUNT);
    const plain = await client.infer(ladderInput(3), { coding: 'plain' });
    expect(plain.outputs).toEqual(ladderOutput(3, 0)); // unit 0 multiplies by 1
    for (let rung = 0; rung < RUNG_COUNT; rung++) {
      const { outputs, bytes } = await client.infer(ladderInput(2), { coding: `rung-${rung}` });
      expect(outputs).toEqual(ladderOutput(2, rung));
      expect(bytes.perTensor.map(({ name }) => name)).toEqual(['latent']);
    }
  });

  test('changes from frame to frame under load: none fails, and no file of the bundle is read again', async () => {
    // Whatever would open a model now fails.
    rmSync(ladder.directory, { recursive: true });
    const results = await Promise.all(
      Array.from({ length: REQUESTS }, async (_, i) => {
        const rung = (7 * i) % RUNG_COUNT;
        const { outputs } = await client.infer(ladderInput(i % 5), { coding: `rung-${rung}`, verify: true });
        return { outputs, expected: ladderOutput(i % 5, rung) };
      }),
    );
    for (const { outputs, expected } of results) expect(outputs).toEqual(expected);
    const { requests, bundles } = server.stats();
    expect(requests.failed).toEqual({});
    expect(bundles[0]).toMatchObject({ workers: 2, restarts: 0 });
  });

  test('needs the reduction on this side, which is found before the head runs', async () => {
    const bare = createEdgeClient({ bundle: ladder, transport, backend: referenceBackend });
    const features = { feature: ladderInput(1).x };
    await expect(bare.inferFeature(features, { coding: 'rung-1' })).rejects.toThrow(
      "reductions expected a session for unit 'unit-1', got none",
    );
  });

  test('sends no statistics, since bands are of the cut', async () => {
    const { outputs } = await client.infer(ladderInput(1), { coding: 'rung-2', statistics: true });
    expect(outputs).toEqual(ladderOutput(1, 2));
    expect(server.stats().bundles[0].drift).toEqual([]);
  });
});

test('a restoration that does not lead to the cut stops the server from starting', async () => {
  const broken = await writeLadderBundle(root, 'broken');
  const unitPath = (id: string) => broken.unitPath(id, 'reduction');
  await expect(createTailServer({ bundles: [{ ...broken, unitPath }] })).rejects.toThrow(
    "restoration of unit 'unit-0' expected inputs latent, got feature",
  );
});
