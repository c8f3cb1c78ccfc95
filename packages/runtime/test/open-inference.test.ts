/** The Open Inference Protocol as clients of other makes speak it: by curl, by hand, and wrong. */

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { NodeBundle } from '@featherwire/bundle/node';
import { encodeBundledFrame, referenceBackend } from '@featherwire/codec';
import { allocateData, DTYPES, type Tensor, tensor } from '@featherwire/tensor';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { datatypeOf } from '../src/node/open-inference/datatypes.js';
import { parseBody, writeBody } from '../src/node/open-inference/inference-body.js';
import { readTensor } from '../src/node/open-inference/read-tensor.js';
import { parseTokens } from '../src/node/server/authentication.js';
import { createTailServer, type TailServer, type TailServerOptions } from '../src/node/server/tail-server.js';
import { frameOf, LOSSLESS, singleTryClient, transportTo } from './clients.js';
import { cutOf, FRAMES, inferenceClient, MAX_JSON_BYTES } from './open-inference-client.js';
import {
  STATIC_POINT,
  squareFeatures,
  squareOutputs,
  squareProfile,
  writeRowsBundle,
  writeSquareBundle,
  writeTypesBundle,
} from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-open-inference-'));
const run = promisify(execFile);
const curlMissing = spawnSync('curl', ['--version']).error ? 'curl is not installed' : '';
if (curlMissing) console.warn(`one case is skipped: ${curlMissing}`);

let square: NodeBundle;
let rows: NodeBundle;
let types: NodeBundle;
let server: TailServer;

beforeAll(async () => {
  square = await writeSquareBundle(root);
  rows = await writeRowsBundle(path.join(root, 'rows'));
  types = await writeTypesBundle(path.join(root, 'types'));
});
afterEach(() => server.close({ drainTimeoutMs: 0 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function start(options: Partial<TailServerOptions> = {}): Promise<void> {
  server = await createTailServer({ bundles: [square, rows, types], ...options });
}

const { get, post, infer } = inferenceClient(() => server);
const version = (bundle: NodeBundle): string => bundle.digest.slice(0, 16);

/** A request with frames behind its JSON. */
function framesBody(frames: readonly Uint8Array[]): {
  readonly body: Buffer;
  readonly headers: Record<string, string>;
} {
  const blocks = frames.flatMap((frame) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(frame.length);
    return [length, frame];
  });
  const binary = Buffer.concat(blocks);
  const parameters = { binary_data_size: binary.length };
  const inputs = [{ name: FRAMES, datatype: 'BYTES', shape: [frames.length], parameters }];
  const json = Buffer.from(JSON.stringify({ inputs }));
  return {
    body: Buffer.concat([json, binary]),
    headers: { 'inference-header-content-length': String(json.length) },
  };
}

describe('health and metadata', () => {
  test('tell what is served', async () => {
    await start();
    expect(await get('/v2/health/live')).toMatchObject({ status: 200, json: { live: true } });
    expect(await get('/v2/health/ready')).toMatchObject({ status: 200, json: { live: true, ready: true } });
    for (const route of ['/v2', '/v2/']) {
      const { status, json } = await get(route);
      expect([status, Object.keys(json)]).toEqual([200, ['name', 'version', 'extensions']]);
      expect(json.extensions).toEqual(['binary_tensor_data']);
    }
    const metadata = {
      name: 'square',
      versions: [version(square)],
      platform: 'featherwire_bundle',
      inputs: [
        { name: FRAMES, datatype: 'BYTES', shape: [-1] },
        { name: 'double', datatype: 'FP32', shape: [-1, -1] },
        { name: 'shift', datatype: 'FP32', shape: [1] },
      ],
      outputs: [
        { name: 'y', datatype: 'FP32', shape: [1, 1] },
        { name: 'size', datatype: 'INT64', shape: [2] },
      ],
    };
    for (const model of [
      'square',
      `square/versions/${version(square)}`,
      `square/versions/${square.digest}`,
    ]) {
      expect(await get(`/v2/models/${model}`)).toEqual({ status: 200, json: metadata });
      expect(await get(`/v2/models/${model}/ready`)).toEqual({
        status: 200,
        json: { name: 'square', ready: true },
      });
    }
    for (const model of ['circle', 'square/versions/1', `rows/versions/${version(square)}`]) {
      for (const route of [`/v2/models/${model}`, `/v2/models/${model}/ready`]) {
        expect(await get(route)).toMatchObject({ status: 404, json: { code: 'unknown-bundle' } });
      }
    }
  });

  test('health needs no token, everything else does', async () => {
    const token = 'correct-horse-battery';
    await start({ tokens: parseTokens(`kiosk ${token}`) });
    expect((await get('/v2/health/ready')).status).toBe(200);
    const refused = { status: 401, json: { code: 'unauthorized', error: expect.any(String) } };
    for (const route of ['/v2', '/v2/models/square', '/v2/models/square/ready']) {
      expect(await get(route)).toMatchObject(refused);
      expect((await get(route, { authorization: `Bearer ${token}` })).status).toBe(200);
    }
    expect(await post('/v2/models/square/infer', '{}')).toMatchObject(refused);
    expect(server.stats().requests.failed).toEqual({ unauthorized: 1 });
  });
});

describe('inference', () => {
  test('plain tensors at the cut, in JSON and binary, give what the own protocol gives', async () => {
    await start();
    const expected = squareOutputs(3, 1);
    for (const isBinary of [true, false]) {
      for (const wantsBinary of [true, false]) {
        const reply = await infer('square', cutOf(3, isBinary), {
          ...{ id: 'seven', parameters: { binary_data_output: wantsBinary } },
        });
        expect(reply.outputs).toEqual(expected);
        expect(reply.json).toMatchObject({
          model_name: 'square',
          model_version: version(square),
          id: 'seven',
        });
        expect(reply.headers.has('inference-header-content-length')).toBe(wantsBinary);
      }
    }
    const transport = transportTo(server, 'http');
    const own = await singleTryClient(square, transport).inferFeature(squareFeatures(3, 1), {
      coding: LOSSLESS,
    });
    expect(own.outputs).toEqual(expected);
    await transport.close();
    expect(server.stats().requests).toMatchObject({ answered: 5, failed: {} });
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0));
  });

  test('outputs come as they are asked for, each in its own form', async () => {
    await start();
    const outputs = [{ name: 'size', parameters: { binary_data: true } }, { name: 'y' }];
    const reply = await infer('square', cutOf(2, true), { outputs });
    expect(Object.keys(reply.outputs)).toEqual(['size', 'y']);
    expect(reply.outputs).toEqual(squareOutputs(2, 1));
    const [size, y] = reply.json.outputs as Record<string, unknown>[];
    expect(size).toEqual({
      name: 'size',
      datatype: 'INT64',
      shape: [2],
      parameters: { binary_data_size: 16 },
    });
    expect(y).toEqual({ name: 'y', datatype: 'FP32', shape: [1, 1], data: [3] });
    const one = await infer('square', cutOf(2, true), { outputs: [{ name: 'y' }] });
    expect(Object.keys(one.outputs)).toEqual(['y']);
  });

  test('every element type goes in and comes out unchanged', async () => {
    await start();
    const values = DTYPES.map((dtype) => {
      const data = allocateData(dtype, 2);
      data[0] = (data instanceof BigInt64Array || data instanceof BigUint64Array ? 1n : 1) as never;
      return [dtype, { dtype, shape: [2], data } as Tensor] as const;
    });
    for (const isBinary of [true, false]) {
      const inputs = values.map(([dtype, value]) => ({ name: `x_${dtype}`, tensor: value, isBinary }));
      const { outputs } = await infer('types', inputs, { parameters: { binary_data_output: isBinary } });
      expect(outputs).toEqual(Object.fromEntries(values.map(([dtype, value]) => [`y_${dtype}`, value])));
    }
    const { json } = await get('/v2/models/types');
    expect((json.outputs as { datatype: string }[]).map(({ datatype }) => datatype)).toEqual(
      DTYPES.map(datatypeOf),
    );
  });

  test('frames that describe themselves, and one of an operating point under its version', async () => {
    await start();
    const features = squareFeatures(3, 1);
    const described = framesBody(square.manifest.cut.map(({ name }) => frameOf(features[name])));
    const expected = squareOutputs(3, 1);
    expect((await post('/v2/models/square/infer', described.body, described.headers)).outputs).toEqual(
      expected,
    );
    const frame = encodeBundledFrame(Object.values(features), {
      ...{ profile: squareProfile(), point: STATIC_POINT, sequenceNumber: 0, backend: referenceBackend },
    });
    const profiled = framesBody([frame]);
    const route = (model: string) => post(`/v2/models/${model}/infer`, profiled.body, profiled.headers);
    expect((await route(`square/versions/${version(square)}`)).outputs).toEqual(expected);
    const unversioned = await route('square');
    expect(unversioned).toMatchObject({ status: 422, json: { code: 'input-mismatch' } });
    expect(unversioned.json.error).toContain('expected a version in the path');
    const base64 = Buffer.from(frame).toString('base64');
    const inJson = JSON.stringify({
      inputs: [{ name: FRAMES, datatype: 'BYTES', shape: [1], data: [base64] }],
    });
    expect((await post(`/v2/models/square/versions/${version(square)}/infer`, inJson)).outputs).toEqual(
      expected,
    );
  });

  test.skipIf(curlMissing)('curl with the binary extension gets the same answer', async () => {
    await start();
    const { bytes, headerLength } = writeBody(
      { parameters: { binary_data_output: true } },
      'inputs',
      cutOf(3, true),
    );
    writeFileSync(path.join(root, 'request.bin'), bytes);
    await run(
      'curl',
      [
        ...['-sS', '--fail', '-o', 'reply.bin', '-D', 'reply.txt', '--data-binary', '@request.bin'],
        ...['-H', `Inference-Header-Content-Length: ${headerLength}`, `${server.url}/v2/models/square/infer`],
      ],
      { cwd: root },
    );
    const head = readFileSync(path.join(root, 'reply.txt'), 'utf8');
    const [, length] = /inference-header-content-length: (\d+)/i.exec(head)!;
    const reply = readFileSync(path.join(root, 'reply.bin'));
    const { tensors } = parseBody(reply, {
      list: 'outputs',
      headerLength: length,
      maxJsonBytes: MAX_JSON_BYTES,
    });
    const outputs = Object.fromEntries(tensors.map((wire) => [wire.name, readTensor(wire)]));
    expect(outputs).toEqual(squareOutputs(3, 1));
  });

  test('requests of both protocols share turns and runs', async () => {
    await start({ bundles: [rows] });
    const row = (value: number): Tensor => tensor('float32', [1, 4], new Float32Array(4).fill(value));
    const transport = transportTo(server, 'websocket');
    const client = singleTryClient(rows, transport);
    const replies = await Promise.all([
      ...[1, 2, 3, 4, 5].map((v) => infer('rows', [{ name: 'middle', tensor: row(v), isBinary: true }])),
      ...[1, 2, 3, 4, 5].map((v) =>
        client.inferFeature({ middle: row(v) }, { coding: { middle: { kind: 'none' } } }),
      ),
    ]);
    expect(replies.map(({ outputs }) => outputs.y.data[0])).toEqual([1, 4, 9, 16, 25, 1, 4, 9, 16, 25]);
    await transport.close();
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(Number(/run_size_sum\{bundle="rows"\} (\d+)/.exec(text)?.[1])).toBeGreaterThan(10);
  });
});
