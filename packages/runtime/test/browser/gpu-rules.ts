/** What an edge side does whose head is on WebGPU; in a page with a device, which may be in software. */

import type { TensorMap } from '@featherwire/inference';
import { elementCount, tensor } from '@featherwire/tensor';
import { afterEach, expect, test } from 'vitest';
import { compareRequest } from '../../../../test-support/gpu-frames.js';
import type { BrowserClient } from '../../src/browser/browser-client.js';
import { inferWithExit } from '../../src/browser/edge-worker.js';
import { type Edge, openEdge } from '../../src/browser/open-edge.js';
import { createEdgeClient } from '../../src/client/edge-client.js';
import { PLANES_SHAPE, planesFeatures, planesInputs, planesOutputs } from '../planes-tensors.js';
import { ladderInput, ladderOutput, RUNG_COUNT } from '../unit-tensors.js';

/** Bundles by the addresses of their folders. */
export interface GpuFolders {
  readonly planes: string;
  readonly ladder: string;
  readonly sums: string;
}

const BYTES_PER_ELEMENT = 4;
const FEATURE_BYTES = BYTES_PER_ELEMENT * elementCount(PLANES_SHAPE);
/** `GPUBufferUsage.MAP_READ`, which the compiler does not know. */
const MAP_READ = 1;
const engine = { folder: '/engine/', provider: 'webgpu' } as const;

/** Declares the tests. @param openClient - opens the client of a folder, with its worker, on WebGPU */
export function gpuRules(folders: GpuFolders, openClient: (folder: string) => Promise<BrowserClient>): void {
  const opened: { close(): Promise<void> }[] = [];
  const open = async (folder: string, more: object = {}): Promise<Edge> => {
    const edge = await openEdge({ bundle: folder, engine, transport: 'http', ...more });
    opened.push(edge);
    return edge;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((edge) => edge.close()));
  });

  test.for(['packed', 'table'])(
    'a cut coded on the GPU has the bytes that the backends make (%s)',
    async (coding) => {
      const edge = await open(folders.planes);
      const { result, frame, byBackend } = await compareRequest(edge, planesInputs(5), coding);
      expect(result.codec).toBe('webgpu');
      expect(result.outputs).toEqual(planesOutputs(5));
      expect(result.bytes.payload).toBe(frame.length);
      expect(frame).toEqual(byBackend);
    },
  );

  test('nothing of the feature but its frame is read back', async () => {
    const { client } = await open(folders.planes);
    await client.infer(planesInputs(1), { coding: 'packed' }); // learns how large a frame is
    const mapped = await bytesMappedBy(() => client.infer(planesInputs(2), { coding: 'packed' }));
    expect(mapped.result.codec).toBe('webgpu');
    expect(mapped.bytes).toBeGreaterThanOrEqual(mapped.result.bytes.payload);
    expect(mapped.bytes).toBeLessThan(FEATURE_BYTES / 4);
    const whole = await bytesMappedBy(() => client.infer(planesInputs(2), { coding: 'learning' }));
    expect(whole.bytes).toBeGreaterThanOrEqual(FEATURE_BYTES);
  });

  test('what is not for the GPU goes over the host, with the same answers', async () => {
    const { client } = await open(folders.planes);
    const requests = [
      { coding: 'learning' },
      { coding: 'lambda' },
      { coding: 'packed', verify: true },
      { coding: 'packed', statistics: true },
      { coding: { feature: { kind: 'none' } } },
    ] as const;
    for (const [i, request] of requests.entries()) {
      const { codec, outputs } = await client.infer(planesInputs(i), request);
      expect(codec, JSON.stringify(request)).toBe('wasm');
      expect(outputs, JSON.stringify(request)).toEqual(planesOutputs(i));
    }
    const { codec } = await client.inferFeature(planesFeatures(1), { coding: 'packed' });
    expect(codec).toBe('wasm');
  });

  test('a backend that is named codes every cut', async () => {
    const edge = await open(folders.planes, { backend: 'reference' });
    expect(edge.engine.threads).toBe(Math.min(4, Math.ceil(navigator.hardwareConcurrency / 2)));
    expect(edge.codec).toBe('reference');
    const { codec, outputs } = await edge.client.infer(planesInputs(1), { coding: 'packed' });
    expect(codec).toBe('reference');
    expect(outputs).toEqual(planesOutputs(1));
  });

  test('units run on the GPU too, at the points whose coder does', async () => {
    const { client } = await open(folders.ladder);
    const rungs = Array.from({ length: RUNG_COUNT }, (_, rung) => rung);
    const results = await Promise.all(
      rungs.map((rung) => client.infer(ladderInput(2), { coding: `rung-${rung}` })),
    );
    for (const [rung, { outputs, codec }] of results.entries()) {
      expect(outputs).toEqual(ladderOutput(2, rung));
      expect(codec).toBe(rung % 2 === 1 ? 'webgpu' : 'wasm');
    }
  });

  test('an observer is shown what was coded on the GPU', async () => {
    const edge = await open(folders.ladder);
    const cuts: { readonly features: TensorMap; readonly coded: TensorMap }[] = [];
    const { bundle, head, reductions, backend, transport, encoder } = edge;
    const client = createEdgeClient({
      ...{ bundle, head, reductions, backend, transport, encoder },
      onCut: (cut) => cuts.push(cut),
    });
    await client.infer(ladderInput(2), { coding: 'rung-1' });
    expect([...cuts[0].features.feature.data]).toEqual([4, 2, 2, 2]);
    expect([...cuts[0].coded.latent.data]).toEqual([8, 4, 4, 4]);
  });

  test('a GPU that is lost in the midst leaves every request to WebAssembly', async () => {
    const edge = await open(folders.planes);
    const idle = await open(folders.ladder);
    const codings = ['packed', 'learning', 'table', 'packed'];
    const before = await edge.client.infer(planesInputs(0), { coding: 'packed' });
    expect(before.codec).toBe('webgpu');
    const pending = codings.map((coding, i) => edge.client.infer(planesInputs(i), { coding }));
    const device = (await edge.engine.ort.env.webgpu.device) as GPUDevice;
    device.destroy();
    for (const [i, { outputs }] of (await Promise.all(pending)).entries())
      expect(outputs, `request ${i}`).toEqual(planesOutputs(i));
    for (const [i, coding] of codings.entries()) {
      const { outputs, codec } = await edge.client.infer(planesInputs(i), { coding });
      expect(outputs).toEqual(planesOutputs(i));
      expect(codec).toBe('wasm');
    }
    const another = await open(folders.planes); // on the engine whose device is lost
    expect((await another.client.infer(planesInputs(9), { coding: 'packed' })).outputs).toEqual(
      planesOutputs(9),
    );
    expect((await idle.client.infer(ladderInput(2), { coding: 'rung-1' })).outputs).toEqual(
      ladderOutput(2, 1),
    );
  });

  /** Sure of features that are 0 everywhere. */
  const sumsInputs = (isSure: boolean) =>
    isSure ? { x: tensor('float32', PLANES_SHAPE, new Float32Array(FEATURE_BYTES / 4)) } : planesInputs(3);
  const sumOf = (tensors: TensorMap): number =>
    (tensors.feature.data as Float32Array).reduce((sum, element) => sum + element, 0);

  test('the exit takes the feature where it is, and so does what codes it then', async () => {
    const edge = await open(folders.sums, { exit: true });
    const ask = (isSure: boolean, coding: string) =>
      bytesMappedBy(() => inferWithExit(edge, sumsInputs(isSure), { coding }));
    await ask(false, 'packed'); // learns how large a frame is
    const sure = await ask(true, 'packed');
    expect(sure.result).toMatchObject({ way: 'exit', codec: undefined, bytes: { sent: 0 } });
    expect(sure.result.outputs.y.data).toEqual(Float32Array.of(0));
    expect(sure.bytes).toBeLessThan(100);
    const coded = await ask(false, 'packed');
    expect(coded.result.codec).toBe('webgpu');
    expect(coded.bytes).toBeLessThan(FEATURE_BYTES / 4);
    const read = await ask(false, 'learning');
    expect(read.result.codec).toBe('wasm');
    expect(read.bytes).toBeGreaterThanOrEqual(FEATURE_BYTES);
    for (const { result } of [coded, read]) {
      expect([...result.outputs.y.data]).toEqual([sumOf(planesFeatures(3))]);
      expect(result.exit.confidence).toBeLessThan(0.5);
    }
    // Whoever sends may try another point first.
    const twice = await edge.exit!.infer(sumsInputs(false), async (held) => {
      const first = await edge.client.infer(held, { coding: 'packed' });
      const { bytes, codec } = await edge.client.infer(held, { coding: 'packed' });
      expect([bytes.payload, codec]).toEqual([first.bytes.payload, 'webgpu']);
      return edge.client.infer(held, { coding: 'learning' });
    });
    expect([...twice.outputs.y.data]).toEqual([sumOf(planesFeatures(3))]);
  });

  test('an exit outlives the GPU', async () => {
    const edge = await open(folders.sums, { exit: true });
    const ask = (isSure: boolean, coding: string) => inferWithExit(edge, sumsInputs(isSure), { coding });
    const pending = [true, false, true, false].map((isSure, i) => ask(isSure, i < 2 ? 'packed' : 'learning'));
    const device = (await edge.engine.ort.env.webgpu.device) as GPUDevice;
    device.destroy();
    const later = [true, false].map((isSure) => ask(isSure, 'packed'));
    for (const [i, { outputs, exit }] of (await Promise.all([...pending, ...later])).entries()) {
      const isSure = i % 2 === 0;
      expect([...outputs.y.data], `request ${i}`).toEqual([isSure ? 0 : sumOf(planesFeatures(3))]);
      expect(exit.confidence >= 0.5).toBe(isSure);
    }
    expect(await ask(false, 'packed')).toMatchObject({ codec: 'wasm' });
  });

  test('the client of a page says what coded each cut', async () => {
    const client = await openClient(folders.planes);
    opened.push(client);
    expect(client).toMatchObject({ provider: 'webgpu', backend: 'wasm', codec: 'webgpu' });
    expect((await client.infer(planesInputs(1), { coding: 'table' })).codec).toBe('webgpu');
    expect((await client.infer(planesInputs(1), { coding: 'learning' })).codec).toBe('wasm');
  });
}

/** Counts the bytes of GPU buffers that the host is shown meanwhile. */
async function bytesMappedBy<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly bytes: number }> {
  const { getMappedRange } = GPUBuffer.prototype;
  let bytes = 0;
  GPUBuffer.prototype.getMappedRange = function (this: GPUBuffer, ...range) {
    const part = getMappedRange.apply(this, range);
    if (this.usage & MAP_READ) bytes += part.byteLength;
    return part;
  };
  try {
    const result = await work();
    return { result, bytes };
  } finally {
    GPUBuffer.prototype.getMappedRange = getMappedRange;
  }
}
