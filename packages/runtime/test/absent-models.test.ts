/** Models of the Open Inference Protocol that nobody serves: for now, for good, or in this version. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { BundleListing } from '../src/node/server/bundle-listing.js';
import { completeLimits } from '../src/node/server/limits.js';
import { silentLogger } from '../src/node/server/logger.js';
import { type ServiceFront, startServiceFront } from '../src/node/server/service-front.js';
import { writeRowsBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-absent-'));
const OTHER_DIGEST = 'cd'.repeat(32);
let rows: BundleListing;
let front: ServiceFront;

beforeAll(async () => {
  rows = await writeRowsBundle(path.join(root, 'rows'));
});
afterEach(() => front.close({ drainTimeoutMs: 0 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A front whose workers serve some bundles, and served others. */
async function start(served: readonly BundleListing[], former: readonly BundleListing[]): Promise<void> {
  front = await startServiceFront({
    run: async () => ({ kind: 'refused', code: 'internal', text: 'nothing is run here' }),
    bundles: { list: async () => served, listFormer: () => former },
    isReady: () => true,
    bundleGauges: () => [],
    limits: completeLimits({}),
    logger: silentLogger,
  });
}

async function ask(route: string, method = 'GET') {
  const reply = await fetch(`${front.url}/v2/models/${route}`, {
    method,
    ...(method === 'POST' && { body: '{}' }),
  });
  const { code } = (await reply.json()) as { code?: string };
  return { status: reply.status, code, retryAfter: reply.headers.get('retry-after') };
}

const LATER = { status: 503, code: 'worker-lost', retryAfter: '1' };
const NEVER = { status: 404, code: 'unknown-bundle', retryAfter: null };

test('a model that was served is worth asking for again, on every route', async () => {
  await start([], [rows]);
  const version = rows.digest.slice(0, 16);
  expect(await ask('rows')).toEqual(LATER);
  expect(await ask('rows/ready')).toEqual(LATER);
  expect(await ask('rows/infer', 'POST')).toEqual(LATER);
  expect(await ask(`rows/versions/${version}/infer`, 'POST')).toEqual(LATER);
  expect(front.stats().requests.failed).toMatchObject({ 'worker-lost': 2 });
});

test('a model that was never served, or never in this version, is unknown', async () => {
  await start([], [rows]);
  expect(await ask('columns/infer', 'POST')).toEqual(NEVER);
  expect(await ask('rows/versions/0123456789abcdef/infer', 'POST')).toEqual(NEVER);
});

test('a version that another one took the place of is unknown', async () => {
  await start([{ ...rows, digest: OTHER_DIGEST }], [rows]);
  expect(await ask(`rows/versions/${rows.digest}/infer`, 'POST')).toEqual(NEVER);
  expect((await ask('rows')).status).toBe(200);
});
