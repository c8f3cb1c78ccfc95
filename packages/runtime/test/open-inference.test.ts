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
import { parseBody, type TensorToWrite, writeBody } from '../src/node/open-inference/inference-body.js';
import { readTensor } from '../src/node/open-inference/read-tensor.js';
import { parseTokens } from '../src/node/server/authentication.js';
import { createTailServer, type TailServer, type TailServerOptions } from '../src/node/server/tail-server.js';
import { frameOf, LOSSLESS, singleTryClient, transportTo } from './clients.js';
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
const MAX_JSON_BYTES = 2 ** 20;
const FRAMES = 'featherwire.frames';
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

const version = (bundle: NodeBundle): string => bundle.digest.slice(0, 16);

/** A reply taken apart. */
interface Reply {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly outputs: Record<string, Tensor>;
  readonly headers: Headers;
}

async function get(route: string, headers = {}): Promise<Pick<Reply, 'status' | 'json'>> {
  const reply = await fetch(`${server.url}${route}`, { headers });
  return { status: reply.status, json: (await reply.json()) as Reply['json'] };
}

async function post(
  route: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const reply = await fetch(`${server.url}${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', ...headers },
    body: typeof body === 'string' ? body : Buffer.from(body),
  });
  const bytes = new Uint8Array(await reply.arrayBuffer());
  const headerLength = reply.headers.get('inference-header-content-length') ?? undefined;
  if (!reply.ok) {
    return {
      status: reply.status,
      json: JSON.parse(Buffer.from(bytes).toString()),
      outputs: {},
      headers: reply.headers,
    };
  }
  const { json, tensors } = parseBody(bytes, { list: 'outputs', headerLength, maxJsonBytes: MAX_JSON_BYTES });
  const outputs = Object.fromEntries(tensors.map((wire) => [wire.name, readTensor(wire)]));
  return { status: reply.status, json: json as Reply['json'], outputs, headers: reply.headers };
}

/** Posts tensors. @param fields - of the request beside its inputs */
function infer(model: string, inputs: readonly TensorToWrite[], fields = {}): Promise<Reply> {
  const { bytes, headerLength } = writeBody(fields, 'inputs', inputs);
  const headers: Record<string, string> =
    headerLength === undefined ? {} : { 'inference-header-content-length': String(headerLength) };
  return post(`/v2/models/${model}/infer`, bytes, headers);
}

function cutOf(size: number, isBinary: boolean): TensorToWrite[] {
  return Object.entries(squareFeatures(size, 1)).map(([name, value]) => ({ name, tensor: value, isBinary }));
}

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

describe('what is refused', () => {
  const json = (value: object): string => JSON.stringify(value);
  const shift = { name: 'shift', datatype: 'FP32', shape: [1], data: [1] };
  const double = { name: 'double', datatype: 'FP32', shape: [2, 2], data: [1, 0, 0, 1] };

  test('is told by status and code, counted, and leaves nothing held', async () => {
    await start();
    const square = (...inputs: unknown[]) => json({ inputs });
    const cases: [string, string][] = [
      ['400 malformed-message', 'none'],
      ['400 malformed-message', square(double, { ...shift, data: [1, 2] })],
      ['400 malformed-message', square(double, { ...shift, data: ['1'] })],
      ['400 malformed-message', square(double, { ...shift, datatype: 'BF16' })],
      ['400 malformed-message', json({ inputs: [double, shift], id: 7 })],
      ['400 malformed-message', json({ inputs: [double, shift], parameters: { timeout: 'soon' } })],
      ['400 malformed-message', json({ inputs: [double, shift], parameters: { binary_data_output: 1 } })],
      ['400 malformed-message', json({ inputs: [double, shift], outputs: [{ name: 'y' }, { name: 'y' }] })],
      ['422 input-mismatch', json({ inputs: [double, shift], outputs: [{ name: 'z' }] })],
      ['422 input-mismatch', square(double)],
      ['422 input-mismatch', square(double, double)],
      ['422 input-mismatch', square(double, shift, { ...shift, name: 'more' })],
      ['422 input-mismatch', square(double, { ...shift, shape: [1, 1] })],
      ['422 input-mismatch', square(double, { ...shift, datatype: 'FP64' })],
      ['422 input-mismatch', square({ name: FRAMES, datatype: 'BYTES', shape: [0], data: [] })],
      ['422 input-mismatch', square({ name: FRAMES, datatype: 'BYTES', shape: [1], data: [''] })],
      ['422 bad-frame', square({ name: FRAMES, datatype: 'BYTES', shape: [2], data: ['AAAA', 'AAAA'] })],
      // Both symbolic dimensions are free, but the tail multiplies a square.
      ['500 run-failed', square({ ...double, shape: [1, 2], data: [1, 2] }, shift)],
      ['200 undefined', square(double, shift)],
    ];
    for (const [expected, body] of cases) {
      const { status, json: reply } = await post('/v2/models/square/infer', body);
      expect(`${status} ${reply.code}`, `${body} ${reply.error}`).toBe(expected);
    }
    expect(await post('/v2/models/circle/infer', square(shift))).toMatchObject({ status: 404 });
    const coded = { 'content-encoding': 'gzip' };
    expect(await post('/v2/models/square/infer', square(double, shift), coded)).toMatchObject({
      status: 400,
    });
    const { failed, answered } = server.stats().requests;
    expect(answered).toBe(1);
    expect(failed).toEqual({
      ...{
        'malformed-message': 9,
        'input-mismatch': 8,
        'bad-frame': 1,
        'run-failed': 1,
        'unknown-bundle': 1,
      },
    });
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0));
  });

  test('bodies, JSON and bytes over their limits', async () => {
    await start({ limits: { maxMessageBytes: 10_000, maxJsonBytes: 1000, maxBufferedBytes: 20_000 } });
    const reply = async (body: Uint8Array, headers = {}) => {
      const {
        status,
        json: { code },
      } = await post('/v2/models/square/infer', body, headers);
      return `${status} ${code}`;
    };
    expect(await reply(new Uint8Array(10_001))).toBe('413 message-too-large');
    expect(await reply(Buffer.from(json({ inputs: [{ ...shift, x: 'y'.repeat(1000) }] })))).toBe(
      '400 malformed-message',
    );
    // The body and the message that is made of it are held at once, by a client that may hold half of the bytes.
    const { bytes, headerLength } = writeBody({}, 'inputs', cutOf(40, true));
    expect(await reply(bytes, { 'inference-header-content-length': String(headerLength) })).toBe(
      '503 overloaded',
    );
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0));
  });

  test('more than a client may send, and what would come too late', async () => {
    await start({ limits: { maxRequestsPerSecond: 1 } });
    const body = json({ inputs: [double, shift] });
    const replies = await Promise.all([1, 2, 3].map(() => post('/v2/models/square/infer', body)));
    const limited = replies.find(({ status }) => status === 429);
    expect(limited).toMatchObject({ json: { code: 'rate-limited' } });
    expect(limited?.headers.get('retry-after')).toBe('1');
    await server.close();
    await start();
    const slow = infer('square', cutOf(700, true));
    await vi.waitFor(() => expect(server.stats().bundles[0].running).toBe(1));
    const late = await infer('square', cutOf(2, true), { parameters: { timeout: 5000 } });
    expect(late).toMatchObject({ status: 504, json: { code: 'deadline-passed' } });
    expect((await slow).status).toBe(200);
  });

  test('JSON counts as the requests that could be read in its time, bytes do not', async () => {
    await start({ limits: { maxRequestsPerSecond: 4 } });
    const padded = json({ inputs: [double, { ...shift, more: ' '.repeat(20_000) }] });
    // A header that lies gains nothing.
    const lengths = ['', '-1e9', 'NaN', '1e99'];
    const replies = await Promise.all(
      lengths.map((length) =>
        post('/v2/models/square/infer', padded, length ? { 'inference-header-content-length': length } : {}),
      ),
    );
    expect(replies.filter(({ json: { code } }) => code === 'rate-limited').length).toBe(3);
    await server.close();
    await start({ limits: { maxRequestsPerSecond: 4 } });
    const binary = await Promise.all([infer('square', cutOf(100, true)), infer('square', cutOf(100, true))]);
    expect(binary.map(({ status }) => status)).toEqual([200, 200]);
  });

  test('results that JSON has no form for, which bytes have', async () => {
    await start();
    const infinite = tensor('float32', [1], Float32Array.of(Number.POSITIVE_INFINITY));
    const inputs = [cutOf(2, true)[0], { name: 'shift', tensor: infinite, isBinary: true }];
    expect(await infer('square', inputs)).toMatchObject({ status: 500, json: { code: 'run-failed' } });
    const { outputs } = await infer('square', inputs, { parameters: { binary_data_output: true } });
    expect(outputs.y.data[0]).toBe(Number.POSITIVE_INFINITY);
  });
});
