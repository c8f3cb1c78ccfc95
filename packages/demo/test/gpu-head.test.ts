/** The demo's head in Chromium on WebGPU, by the browser's edge side: its cut is coded there, to the bytes of the other backends. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { addOperatingPoints, type NodeBundle } from '@featherwire/bundle/node';
import { designTensorProfile, loadBackend, writeProfile } from '@featherwire/codec';
import { WEB_ENGINE_FILES } from '@featherwire/inference/browser';
import { createWorkerSession } from '@featherwire/inference/node';
import { createTailServer, type Site, type SiteFile, type TailServer } from '@featherwire/runtime/node';
import { type Tensor, writeNpy } from '@featherwire/tensor';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleForBrowser } from '../../../test-support/bundle-for-browser.js';
import { launchChromium, skipsWithoutChromium } from '../../../test-support/chromium.js';
import type { TestOutcome } from '../../../test-support/vitest-in-browser.js';
import { drawLines } from '../src/lines.js';
import { loadRecognizer, writeRecognizerBundle } from '../src/recognizer.js';
import { CUTS } from '../src/scenario.js';

const page = fileURLToPath(new URL('./gpu-page.ts', import.meta.url));
const engine = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
const SCRIPT = 'text/javascript';
const HTML = '<!doctype html><title>head</title><script type="module" src="/page.js"></script>';
const COMPILE_MS = 150_000;

/** The demo's bundle with points that a GPU takes, designed on the feature of a line. */
async function pointedBundle(
  directory: string,
): Promise<{ bundle: NodeBundle; input: string; line: Tensor }> {
  const [{ tensor }] = CUTS;
  const recognizer = await loadRecognizer();
  const { input } = recognizer.preprocessing;
  const bundle = await writeRecognizerBundle(recognizer, tensor, directory);
  const { lines } = await drawLines('test', 1, recognizer.preprocessing);
  const [{ inputs }] = lines;
  const head = await createWorkerSession(bundle.partPath('head'));
  const { outputs } = await head.run(inputs);
  await head.close();
  const backend = await loadBackend();
  const range = { kind: 'minmax' } as const;
  const point = (id: string, levelCount: number, coder: 'rans' | 'rans-packed') => {
    const quantizer = { kind: 'uniform', levelCount, range } as const;
    const tensors = [designTensorProfile([outputs[tensor]], { quantizer, coder, backend })];
    return { id, kind: 'profiled' as const, profile: writeProfile({ tensors }) };
  };
  const points = [point('table', 32, 'rans'), point('packed', 4, 'rans-packed')];
  return { bundle: await addOperatingPoints(directory, points), input, line: inputs[input] };
}

/** The page and what it asks for. @param root - for the file of the line */
async function siteOf(root: string, settings: object, line: Tensor): Promise<Site> {
  const file = path.join(root, 'line.npy');
  writeFileSync(file, writeNpy(line));
  return new Map<string, SiteFile>([
    ['/', { text: HTML, type: 'text/html' }],
    ['/settings.json', { text: JSON.stringify(settings), type: 'application/json' }],
    ['/line.npy', { path: file, type: 'application/octet-stream' }],
    ...[...(await bundleForBrowser({ page }))].map(([name, text]): [string, SiteFile] => [
      `/${name}`,
      { text, type: SCRIPT },
    ]),
    ...WEB_ENGINE_FILES.map((name): [string, SiteFile] => [
      `/engine/${name}`,
      { path: path.join(engine, name), type: name.endsWith('.wasm') ? 'application/wasm' : SCRIPT },
    ]),
  ]);
}

describe.skipIf(skipsWithoutChromium("the demo's head on WebGPU"))('in Chromium', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'featherwire-gpu-head-'));
  let server: TailServer;
  let browser: Browser;
  beforeAll(async () => {
    const { bundle, input, line } = await pointedBundle(path.join(root, 'bundle'));
    const site = await siteOf(root, { digest: bundle.digest, input }, line);
    server = await createTailServer({ bundles: [bundle], page: { site } });
    browser = await launchChromium(['--enable-unsafe-webgpu']);
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close({ drainTimeoutMs: 0 });
    rmSync(root, { recursive: true, force: true });
  });

  test('every point is coded where the head leaves the feature', async (context) => {
    const tab = await browser.newPage();
    await tab.goto(server.url);
    const text = await tab.locator('#report').textContent({ timeout: COMPILE_MS });
    const { outcomes = [], failure } = JSON.parse(text ?? '') as {
      readonly outcomes?: readonly TestOutcome[];
      readonly failure?: string;
    };
    expect(failure).toBeUndefined();
    if (outcomes.every(({ state }) => state === 'skip')) {
      console.info("skipped: the demo's head on WebGPU; this Chromium has no adapter");
      context.skip();
    }
    expect(outcomes.map(({ state, errors }) => [state, ...errors])).toEqual([['pass']]);
  }, 180_000);
});
