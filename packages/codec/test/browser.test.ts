import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, skipsWithoutChromium } from '../../../test-support/chromium.js';
import type * as Codec from '../src/index.js';
import { encodeFrame, loadWasmBackend, type QuantizerChoice } from '../src/index.js';
import { type DistributionName, drawFeature } from './features.js';

const packages = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = `<!doctype html><script type="importmap">
  { "imports": { "@featherwire/codec": "/codec/dist/index.js", "@featherwire/tensor": "/tensor/dist/index.js" } }
</script>
<script type="module">import * as codec from '@featherwire/codec'; globalThis.codec = codec;</script>`;

/** Serves built packages, and the page with their import map at `/`. */
function serveBuiltPackages(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (path === '/') {
      response.setHeader('content-type', 'text/html').end(PAGE);
    } else if (extname(path) === '.js' && existsSync(join(packages, path))) {
      response.setHeader('content-type', 'text/javascript').end(await readFile(join(packages, path)));
    } else {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const CASES: { name: DistributionName; quantizer: QuantizerChoice }[] = [
  { name: 'relu', quantizer: { kind: 'uniform', levelCount: 4, range: { kind: 'minmax' } } },
  { name: 'gaussian', quantizer: { kind: 'asymmetric', bits: 8, range: { kind: 'minmax' } } },
  { name: 'leakyRelu', quantizer: { kind: 'uniform', levelCount: 1000, range: { kind: 'minmax' } } },
  {
    name: 'sparse',
    quantizer: { kind: 'uniform', levelCount: 200, range: { kind: 'fixed', low: -1, high: 4 } },
  },
  { name: 'relu', quantizer: { kind: 'levels', levels: [0, 0.75, 2, 4], thresholds: [0.5, 1.25, 3] } },
  {
    name: 'gaussian',
    quantizer: { kind: 'grouped', levelCount: 9, axis: 0, groupCount: 8, range: { kind: 'minmax' } },
  },
];

describe.skipIf(skipsWithoutChromium('codec in a browser'))('the built codec in Chromium', () => {
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    server = await serveBuiltPackages();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  test('loads the WebAssembly backend and gives the bytes that Node gives', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.codec');
    const backend = await loadWasmBackend();
    for (const { name, quantizer } of CASES) {
      const feature = drawFeature(name, 20_000, 3);
      const frame = encodeFrame(feature, { quantizer, backend });
      const inBrowser = await page.evaluate(
        async ({ values, choice }) => {
          const { codec } = globalThis as unknown as { codec: typeof Codec };
          const loaded = await codec.loadBackend();
          const data = Float32Array.from(values);
          const bytes = codec.encodeFrame(
            { dtype: 'float32', shape: [data.length], data },
            { quantizer: choice, backend: loaded },
          );
          const decoded = codec.decodeFrame(bytes, { backend: loaded });
          return { backend: loaded.name, bytes: [...bytes], elements: decoded.data.length };
        },
        { values: [...feature.data], choice: quantizer },
      );
      expect(inBrowser.backend).toBe('wasm');
      expect(inBrowser.elements).toBe(20_000);
      expect(Buffer.compare(Buffer.from(inBrowser.bytes), frame), name).toBe(0);
    }
  }, 60_000);
});
