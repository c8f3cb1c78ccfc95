/** A tail worker as the server sees it: it finishes what it was given before it ends. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { NodeBundle } from '@featherwire/bundle/node';
import { sharpOfPixels } from '@featherwire/bundle/node/pictures';
import { encodeFrame, referenceBackend } from '@featherwire/codec';
import { tensor } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTailThread, type TailThread } from '../src/node/server/tail-thread.js';
import type { TailJob } from '../src/node/tail-worker/worker-messages.js';
import { writePictureBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-thread-'));
let bundle: NodeBundle;

beforeAll(async () => {
  bundle = await writePictureBundle(path.join(root, 'bundle'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function startThread(): Promise<TailThread> {
  const thread = startTailThread({
    manifest: bundle.manifest,
    profiles: new Map(),
    tailPath: bundle.partPath('tail'),
    restorationPaths: new Map(),
    wholePath: bundle.partPath('whole'),
    remoteTail: undefined,
    threads: 1,
    backend: 'reference',
    maxElementsPerTensor: 2 ** 20,
    maxImagePixels: 2 ** 20,
  });
  await thread.ready;
  return thread;
}

async function pictureJob(): Promise<TailJob> {
  const pixels = { data: new Uint8Array(3 * 900 * 600), width: 900, height: 600, channels: 3 } as const;
  return { kind: 'picture', image: new Uint8Array(await sharpOfPixels(pixels).png().toBuffer()) };
}

function featureJob(): TailJob {
  const negative = tensor('float32', [1, 3, 4, 5], new Float32Array(60));
  const frame = encodeFrame(negative, { quantizer: { kind: 'none' }, backend: referenceBackend });
  return { kind: 'feature', frames: [frame] };
}

test.each([
  ['a picture', pictureJob],
  ['a feature', async () => featureJob()],
])('%s at hand is answered before the thread ends', async (_, makeJob) => {
  const thread = await startThread();
  const outcome = thread.run([await makeJob()]);
  await thread.close();
  expect(await Promise.race([outcome, Promise.resolve('no answer')])).toMatchObject([{ kind: 'done' }]);
});

test('keeps nothing of jobs that are done', async () => {
  const thread = await startThread();
  const outcomes = [await runOnce(thread), await runOnce(thread)];
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  expect(outcomes.map((outcome) => outcome.deref())).toEqual([undefined, undefined]);
  await thread.close();
});

async function runOnce(thread: TailThread): Promise<WeakRef<object>> {
  return new WeakRef((await thread.run([featureJob()]))[0]);
}
