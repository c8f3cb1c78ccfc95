/** The client of Node, over each kind of connection, under the rules of all clients. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { referenceBackend } from '@featherwire/codec';
import { createWorkerSession } from '@featherwire/inference/node';
import { afterAll, describe } from 'vitest';
import { createBudgetedClient } from '../src/client/budgeted-client.js';
import { createEdgeClient } from '../src/client/edge-client.js';
import { openReductions } from '../src/node/open-reductions.js';
import { createTailServer } from '../src/node/server/tail-server.js';
import { clientRules } from './client-rules.js';
import { type ConnectionKind, transportTo } from './clients.js';
import { writeSquareBundle } from './test-bundles.js';
import { writeLadderBundle } from './unit-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-client-rules-'));
const bundles = { square: await writeSquareBundle(root), ladder: await writeLadderBundle(root) };
const server = await createTailServer({ bundles: Object.values(bundles), workersPerBundle: 2 });
afterAll(async () => {
  await server.close({ drainTimeoutMs: 0 });
  rmSync(root, { recursive: true, force: true });
});

describe.each<ConnectionKind>(['http', 'websocket'])('by %s', (kind) => {
  clientRules(async (name, { budget } = {}) => {
    const bundle = bundles[name];
    const head = await createWorkerSession(bundle.partPath('head'));
    const reductions = await openReductions(bundle, bundle.manifest.operatingPoints);
    const transport = transportTo(server, kind);
    const client = createEdgeClient({
      ...{ bundle, head, reductions: reductions.sessions, transport },
      backend: referenceBackend,
    });
    const budgeted = budget && createBudgetedClient({ client, bundle, ...budget });
    return {
      ...client,
      inferWithinBudget: (...request) => budgeted!.infer(...request),
      async close() {
        await transport.close();
        await head.close();
        await reductions.close();
      },
    };
  });
});
