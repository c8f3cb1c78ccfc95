/** A training step in Chromium, on onnxruntime's WebAssembly: the same graph and the same gradients as in Node. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { TensorMap } from '@featherwire/inference';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel } from '@featherwire/onnx';
import type * as Ort from 'onnxruntime-web';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, skipsWithoutChromium } from '../../../test-support/chromium.js';
import { adamCorrections } from '../src/training/adam.js';
import { runTraining } from '../src/training/run-training.js';
import { STEP_OUTPUT } from '../src/training/step.js';
import { settingsOf, tinyTask } from './tiny-task.js';

const engine = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
const TYPES: Readonly<Record<string, string>> = { '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const PAGE = `<!doctype html><script type="module">
  import * as ort from '/ort.wasm.min.mjs';
  ort.env.wasm.numThreads = 1;
  globalThis.ort = ort;
</script>`;

/** Serves the page, the engine's files, and a model. */
function serve(model: Uint8Array): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = path.join(engine, path.basename(pathname));
    if (pathname === '/') response.setHeader('content-type', 'text/html').end(PAGE);
    else if (pathname === '/step.onnx') response.end(model);
    else if (existsSync(file))
      response.setHeader('content-type', TYPES[path.extname(file)] ?? 'text/plain').end(await readFile(file));
    else response.writeHead(404).end();
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** What the first step takes, and what it gives in Node. */
async function firstStep(): Promise<{ model: Uint8Array; feeds: TensorMap; outputs: TensorMap }> {
  const { step, data } = await tinyTask();
  const model = serializeModel(step.model);
  const session = await createLocalSession(model);
  let seen: { feeds: TensorMap; outputs: TensorMap } | undefined;
  const settings = settingsOf({});
  await runTraining({
    ...settings,
    schedule: { ...settings.schedule, stepCount: 1 },
    step,
    data,
    session: {
      ...session,
      async run(feeds) {
        const result = await session.run(feeds);
        seen = { feeds, outputs: result.outputs };
        return result;
      },
    },
  });
  await session.close();
  return { model, ...seen! };
}

describe.skipIf(skipsWithoutChromium('a training step in a browser'))('a training step in Chromium', () => {
  let server: Server;
  let browser: Browser;
  let node: Awaited<ReturnType<typeof firstStep>>;
  beforeAll(async () => {
    node = await firstStep();
    server = await serve(node.model);
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  test('has the gradients that Node has to 1e-4, and the same loss', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.ort !== undefined');
    const feeds = Object.entries(node.feeds).map(([name, { shape, data }]) => ({
      name,
      shape: [...shape],
      values: Array.from(data, Number),
    }));
    const outputs = await page.evaluate(async (inputs) => {
      const { ort } = globalThis as unknown as { ort: typeof Ort };
      const session = await ort.InferenceSession.create('/step.onnx', { executionProviders: ['wasm'] });
      const tensors = inputs.map(({ name, shape, values }) => [
        name,
        new ort.Tensor('float32', Float32Array.from(values), shape),
      ]);
      const results = await session.run(Object.fromEntries(tensors));
      return Object.entries(results).map(
        ([name, { data }]) => [name, Array.from(data as Float32Array)] as const,
      );
    }, feeds);
    const inBrowser = new Map(outputs);
    const far = (name: string, scale: number): number => {
      const expected = node.outputs[name].data as Float32Array;
      const got = inBrowser.get(name)!;
      expect(got).toHaveLength(expected.length);
      return Math.max(...expected.map((value, i) => Math.abs(value - got[i]))) / scale;
    };
    // From a state of zeros, the corrected first moment is the gradient.
    const { first } = adamCorrections(0);
    const moments = node.outputs[STEP_OUTPUT.firstMoment].data as Float32Array;
    const largest = Math.max(...moments.map(Math.abs));
    expect(largest * first).toBeGreaterThan(1e-3);
    expect(far(STEP_OUTPUT.firstMoment, largest)).toBeLessThan(1e-4);
    expect(far(STEP_OUTPUT.loss, Math.abs(node.outputs[STEP_OUTPUT.loss].data[0] as number))).toBeLessThan(
      1e-4,
    );
  }, 60_000);
});
