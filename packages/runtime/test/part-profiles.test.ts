/** What a server tells of the time that its parts take. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchBundles, fetchPartProfile } from '../src/client/server-profile.js';
import { createTailServer, type TailServer } from '../src/node/server/tail-server.js';
import { writePictureBundle, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-profiles-'));
let square: NodeBundle;
let picture: NodeBundle;
let server: TailServer;

beforeAll(async () => {
  square = await writeSquareBundle(root);
  picture = await writePictureBundle(path.join(root, 'picture'), { width: 6 });
  server = await createTailServer({ bundles: [square, picture], threadsPerWorker: 2 });
});
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    ({ code }) => code,
  );

test('both parts of a bundle are measured, with the threads of the workers', async () => {
  for (const part of ['tail', 'whole'] as const) {
    const profile = await fetchPartProfile(server.url, picture.digest, part);
    expect(profile.threads).toBe(2);
    expect(profile.runMs.p50).toBeGreaterThan(0);
    const [shape] = Object.values(profile.inputShapes);
    expect(shape).toEqual([1, 3, 4, 6]);
  }
});

test('a part is measured once: the second answer is the first', async () => {
  const answers = await Promise.all([1, 2].map(() => fetchPartProfile(server.url, picture.digest, 'tail')));
  expect(answers[1]).toEqual(answers[0]);
  expect(await fetchPartProfile(server.url, picture.digest, 'tail')).toEqual(answers[0]);
});

test('the server says which bundles it has', async () => {
  const bundles = await fetchBundles(server.url);
  expect(bundles.map(({ digest }) => digest)).toEqual([square.digest, picture.digest]);
});

test('what cannot be measured has a code', async () => {
  expect(await codeOf(fetchPartProfile(server.url, square.digest, 'whole'))).toBe('picture-unsupported');
  expect(await codeOf(fetchPartProfile(server.url, square.digest, 'tail'))).toBe('input-mismatch'); // [N, N]
  expect(await codeOf(fetchPartProfile(server.url, '0'.repeat(64), 'tail'))).toBe('unknown-bundle');
  expect(await codeOf(fetchPartProfile(server.url, picture.digest, 'head' as 'tail'))).toBe(
    'malformed-message',
  );
});

test('without a server there is a transport error', async () => {
  expect(await codeOf(fetchPartProfile('http://127.0.0.1:1', picture.digest, 'tail'))).toBe('connect-failed');
});
