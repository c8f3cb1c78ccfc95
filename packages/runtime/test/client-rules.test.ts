/** The client of Node, over each kind of connection, under the rules of all clients. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { referenceBackend } from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import { afterAll, describe } from 'vitest';
import type { InferWithExit } from '../src/browser/edge-exit.js';
import { type BudgetedRequestOptions, createBudgetedClient } from '../src/client/budgeted-client.js';
import { createEdgeClient, type FeatureRequestOptions } from '../src/client/edge-client.js';
import { createExitClient } from '../src/exit/exit-client.js';
import { openReductions } from '../src/node/open-reductions.js';
import { createTailServer } from '../src/node/server/tail-server.js';
import { clientRules } from './client-rules.js';
import { type ConnectionKind, transportTo } from './clients.js';
import { writeSquareBundle, writeSureBundle } from './test-bundles.js';
import { writeLadderBundle } from './unit-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-client-rules-'));
const bundles = {
  square: await writeSquareBundle(root),
  ladder: await writeLadderBundle(root),
  sure: await writeSureBundle(root),
};
const server = await createTailServer({ bundles: Object.values(bundles), workersPerBundle: 2 });
afterAll(async () => {
  await server.close({ drainTimeoutMs: 0 });
  rmSync(root, { recursive: true, force: true });
});

describe.each<ConnectionKind>(['http', 'websocket'])('by %s', (kind) => {
  clientRules(async (name, { budget, exit: asked } = {}) => {
    const bundle = bundles[name];
    const head = await createWorkerSession(bundle.partPath('head'));
    const reductions = await openReductions(bundle, bundle.manifest.operatingPoints);
    const transport = transportTo(server, kind);
    const client = createEdgeClient({
      ...{ bundle, head, reductions: reductions.sessions, transport },
      backend: referenceBackend,
    });
    const budgeted = budget && createBudgetedClient({ client, bundle, ...budget });
    const exit = asked && (await createWorkerSession(bundle.exitPath()));
    const exits = exit && createExitClient({ bundle, head, exit, ...(asked !== true && asked) });
    const onFeatures = { ...client, infer: client.inferFeature };
    const afterExit = budget && createBudgetedClient({ client: onFeatures, bundle, ...budget });
    const inferWithExit = (inputs: TensorMap, options?: BudgetedRequestOptions | FeatureRequestOptions) =>
      exits!.infer(inputs, (features, elapsedMs) =>
        options && 'coding' in options
          ? client.inferFeature(features, { ...options, elapsedMs })
          : afterExit!.infer(features, { ...options, elapsedMs }),
      );
    return {
      ...client,
      inferWithinBudget: (...request) => budgeted!.infer(...request),
      inferWithExit: inferWithExit as InferWithExit,
      async close() {
        await transport.close();
        await head.close();
        await exit?.close();
        await reductions.close();
      },
    };
  });
});
