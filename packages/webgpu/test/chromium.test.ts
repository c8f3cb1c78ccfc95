/**
 * The codec in Chromium between two halves of a network: onnxruntime leaves the feature in a GPU buffer, the codec takes it
 * from there to a frame and back, and the tail takes the decoded buffer. Only the frame and the answer reach the host.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type CodingProfile,
  decodeFrame,
  designTensorProfile,
  encodeBundledFrame,
  referenceBackend,
  writeProfile,
} from '@featherwire/codec';
import { createRandom } from '@featherwire/tensor';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyOnnx } from '../../../test-support/tiny-onnx.js';
import { float32 } from './test-device.js';

const CANDIDATES = [
  process.env.FEATHERWIRE_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const executablePath = CANDIDATES.find((file) => file !== undefined && existsSync(file));
if (!executablePath)
  console.info(
    'skipped: the codec on WebGPU in a browser; no Chromium found, FEATHERWIRE_CHROMIUM can name one',
  );

/** Not a multiple of four elements, which the engine's kernels take at a time. */
const SHAPE = [1, 6, 5, 7];
const CUT = { name: 'cut', dtype: 'float32', shape: SHAPE } as const;
const INPUT = { ...CUT, name: 'x' };
const OUTPUT = { ...CUT, name: 'y' };
const HEAD = tinyOnnx([INPUT], [CUT], [{ op: 'Relu', inputs: ['x'], outputs: ['cut'] }]);
const TAIL = tinyOnnx([CUT], [OUTPUT], [{ op: 'Add', inputs: ['cut', 'cut'], outputs: ['y'] }]);

const packages = fileURLToPath(new URL('../../', import.meta.url));
const engine = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};
const PAGE = `<!doctype html><script type="importmap">{ "imports": {
  "@featherwire/codec": "/codec/dist/index.js",
  "@featherwire/codec/parts": "/codec/dist/parts.js",
  "@featherwire/tensor": "/tensor/dist/index.js",
  "@featherwire/webgpu": "/webgpu/dist/index.js"
} }</script>
<script type="module">
  import { readProfile } from '@featherwire/codec';
  import { createGpuCodec } from '@featherwire/webgpu';
  import * as ort from '/engine/ort.webgpu.min.mjs';
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = '/engine/';

  globalThis.hasAdapter = Boolean(await navigator.gpu?.requestAdapter());
  globalThis.runSplit = async ({ head, tail, values, shape, profileBytes, division }) => {
    const executionProviders = ['webgpu'];
    const open = (bytes, options) =>
      ort.InferenceSession.create(Uint8Array.from(bytes), { executionProviders, ...options });
    const first = await open(head, { preferredOutputLocation: 'gpu-buffer' });
    const second = await open(tail, {});
    const device = await ort.env.webgpu.device;
    const codec = createGpuCodec(device);
    const { cut } = await first.run({ x: new ort.Tensor('float32', Float32Array.from(values), shape) });
    const profile = readProfile(Uint8Array.from(profileBytes));
    const settings = { profile, point: 1, sequenceNumber: 5, ...division };
    const frame = await codec.encodeBundledFrame({ shape: cut.dims, buffer: cut.gpuBuffer }, settings);
    const decoded = await codec.decodeFrame(frame, { profiles: new Map([[1, profile]]) });
    const feature = ort.Tensor.fromGpuBuffer(decoded.buffer, { dataType: 'float32', dims: decoded.shape });
    const { y } = await second.run({ cut: feature });
    return { location: cut.location, frame: [...frame], output: [...y.data] };
  };
  globalThis.isReady = true;
</script>`;

/** Serves the page, the built packages and the engine. */
function serve(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = pathname.startsWith('/engine/')
      ? path.join(engine, path.basename(pathname))
      : path.join(packages, path.normalize(pathname));
    const type = TYPES[path.extname(file)];
    if (pathname === '/') response.setHeader('content-type', 'text/html').end(PAGE);
    else if (type && existsSync(file)) response.setHeader('content-type', type).end(await readFile(file));
    else response.writeHead(404).end();
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

interface SplitOutcome {
  readonly location: string;
  readonly frame: number[];
  readonly output: number[];
}

describe.skipIf(!executablePath)('the codec on WebGPU in Chromium', () => {
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    server = await serve();
    const args = [
      '--no-sandbox',
      '--enable-unsafe-webgpu',
      '--no-first-run',
      '--disable-background-networking',
    ];
    browser = await chromium.launch({ executablePath: executablePath ?? '', args });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  test('stands between a head and a tail of onnxruntime without a feature on the host', async (context) => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.isReady');
    if (!(await page.evaluate('globalThis.hasAdapter'))) {
      console.info('skipped: the codec on WebGPU in a browser; Chromium has no adapter');
      context.skip();
    }
    const random = createRandom(3);
    const input = float32(SHAPE, () => random.nextNormal());
    const cut = float32(SHAPE, (i) => Math.max(0, input.data[i]));
    const backend = referenceBackend;
    const quantizer = { kind: 'uniform', levelCount: 6, range: { kind: 'fixed', low: 0, high: 2 } } as const;
    const tensor = designTensorProfile([cut], { quantizer, coder: 'rans-packed', backend });
    const profile: CodingProfile = { tensors: [tensor] };
    const division = { laneCount: 8, chunkCount: 3 };
    const outcome = (await page.evaluate(
      (task) => (globalThis as unknown as { runSplit(task: object): Promise<object> }).runSplit(task),
      {
        head: [...HEAD],
        tail: [...TAIL],
        values: [...input.data],
        shape: SHAPE,
        profileBytes: [...writeProfile(profile)],
        division,
      },
    )) as SplitOutcome;
    expect(outcome.location).toBe('gpu-buffer');
    const settings = { profile, point: 1, sequenceNumber: 5, ...division, backend };
    const frame = encodeBundledFrame([cut], settings);
    expect(Uint8Array.from(outcome.frame)).toEqual(frame);
    const decoded = decodeFrame(frame, { profiles: new Map([[1, profile]]), backend });
    expect(outcome.output).toEqual(
      Array.from(decoded.data as Float32Array, (value) => Math.fround(value + value)),
    );
  }, 60_000);
});
