/** What the front of the Open Inference Protocol refuses, and how it says so. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { tensor } from '@featherwire/tensor';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { writeBody } from '../src/node/open-inference/inference-body.js';
import { createTailServer, type TailServer, type TailServerOptions } from '../src/node/server/tail-server.js';
import { cutOf, FRAMES, inferenceClient } from './open-inference-client.js';
import { writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-open-inference-refusals-'));
let bundle: NodeBundle;
let server: TailServer;

beforeAll(async () => {
  bundle = await writeSquareBundle(root);
});
afterEach(() => server.close({ drainTimeoutMs: 0 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function start(options: Partial<TailServerOptions> = {}): Promise<void> {
  server = await createTailServer({ bundles: [bundle], ...options });
}

const { post, infer } = inferenceClient(() => server);
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
