/** Tails that a server of the Open Inference Protocol runs: a strict one of other make, and this project's own front. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { type TensorOf, tensor } from '@featherwire/tensor';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { EdgeClient, InferResult } from '../src/client/edge-client.js';
import type { RemoteError } from '../src/client/errors.js';
import type { Transport } from '../src/client/transport.js';
import type { RemoteTail } from '../src/node/open-inference/remote-tail.js';
import { createTailServer, type TailServer, type TailServerOptions } from '../src/node/server/tail-server.js';
import {
  featureRequest,
  frameOf,
  LOSSLESS,
  post,
  remoteCode,
  singleTryClient,
  transportTo,
} from './clients.js';
import { type ModelServer, startModelServer } from './strict-model-server.js';
import {
  squareFeatures,
  squareOutputs,
  writePictureBundle,
  writeRowsBundle,
  writeSquareBundle,
} from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-remote-tail-'));
const MODEL = 'squares';
const CODING = { middle: { kind: 'none' } } as const;

let rows: NodeBundle;
let models: ModelServer;
let server: TailServer | undefined;
let transport: Transport;
let client: EdgeClient;
const warnings: string[] = [];

beforeAll(async () => {
  rows = await writeRowsBundle(path.join(root, 'rows'));
});
beforeEach(async () => {
  models = await startModelServer();
});
afterEach(async () => {
  await transport?.close();
  await server?.close({ drainTimeoutMs: 0 });
  server = undefined;
  await models.close();
  warnings.length = 0;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function start(
  remoteTail: Partial<RemoteTail> = {},
  options: Partial<TailServerOptions> = {},
): Promise<void> {
  const logger = {
    info: (line: string) => warnings.push(line),
    warn: (line: string) => warnings.push(line),
    error: () => {},
  };
  server = await createTailServer({
    ...{ bundles: [rows], logger, remoteTail: { url: models.url, model: MODEL, ...remoteTail }, ...options },
  });
  transport = transportTo(server, 'websocket');
  client = singleTryClient(rows, transport);
}

function ask(...values: number[]): Promise<InferResult> {
  const middle = tensor('float32', [values.length / 4, 4], Float32Array.from(values));
  return client.inferFeature({ middle }, { coding: CODING });
}

const y = ({ outputs }: InferResult): number[] => [...(outputs.y as TensorOf<'float32'>).data];

test.each([
  ['bytes', true],
  ['JSON', false],
])('features are decoded here and run there, as %s', async (_form, takesBytes) => {
  models.behavior.takesBytes = takesBytes;
  await start();
  expect(y(await ask(1, 2, 3, -0.1))).toEqual([1, 4, 9, Math.fround(Math.fround(-0.1) ** 2)]);
  expect(models.faults).toEqual([]);
  expect(models.runs).toEqual([3, 1, 1, 1, 1]); // the proof that rows are apart, and the request
});

test('requests that wait share a run there', async () => {
  await start();
  const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((value) => ask(value, value, value, value)));
  expect(answers.map((answer) => y(answer)[0])).toEqual([1, 4, 9, 16, 25, 36]);
  expect(Math.max(...models.runs.slice(4))).toBeGreaterThan(1);
  expect(models.faults).toEqual([]);
});

test('this project has both sides of it: a front may run the tails of another server', async () => {
  const square = await writeSquareBundle(root);
  const behind = await createTailServer({ bundles: [square] });
  server = await createTailServer({ bundles: [square], remoteTail: { url: behind.url } });
  transport = transportTo(server, 'http');
  const { outputs } = await singleTryClient(square, transport).inferFeature(squareFeatures(3, 1), {
    coding: LOSSLESS,
  });
  expect(outputs).toEqual(squareOutputs(3, 1));
  expect(behind.stats().requests.answered).toBeGreaterThan(0);
  await behind.close({ drainTimeoutMs: 0 });
});

test('a token goes along, and a path before /v2', async () => {
  models.behavior.token = 'correct-horse-battery';
  await expect(start()).rejects.toThrow(/^a tail worker cannot start: .* status 401: who are you\?$/);
  await start({ token: 'correct-horse-battery', url: `${models.url}/` });
  expect(y(await ask(1, 2, 3, 4))).toEqual([1, 4, 9, 16]);
});

test('a server that is away, has no such model or another one is refused at the start', async () => {
  await expect(start({ model: 'cubes' })).rejects.toThrow('status 404: no GET /v2/models/cubes');
  models.behavior.inputShape = [-1, 5];
  await expect(start()).rejects.toThrow(
    "inputs of remote model 'squares' expected 'middle' FP32 [N, 4], got FP32 [-1, 5]",
  );
  await models.close();
  await expect(start()).rejects.toThrow('the remote model cannot be reached: ECONNREFUSED');
  await expect(start({ url: 'ftp://127.0.0.1' })).rejects.toThrow('url expected http: or https:, got ftp:');
});

test('a connection that is lost before the answer is tried once more, and no more than that', async () => {
  await start();
  models.behavior.cuts = 1;
  expect(y(await ask(1, 2, 3, 4))).toEqual([1, 4, 9, 16]);
  models.behavior.cuts = 2;
  expect(await remoteCode(ask(1, 2, 3, 4))).toBe('RemoteError worker-lost retryable');
  expect(models.runs.slice(4)).toEqual([1, 1, 1, 1]);
});

test('what the server says in place of a result is told by code, with the time to wait', async () => {
  await start({ timeoutMs: 500 });
  const codes: Record<number, string> = {
    400: 'run-failed final',
    429: 'overloaded retryable',
    500: 'run-failed final',
    502: 'worker-lost retryable',
    503: 'overloaded retryable',
    504: 'timeout retryable',
  };
  for (const [status, expected] of Object.entries(codes)) {
    models.behavior.status = Number(status);
    expect(await remoteCode(ask(1, 2, 3, 4)), status).toBe(`RemoteError ${expected}`);
  }
  models.behavior.status = 503;
  const busy = (await ask(1, 2, 3, 4).catch((error: unknown) => error)) as RemoteError;
  expect(busy.retryAfterMs).toBe(3000);
  models.behavior.status = 200;
  models.behavior.resultDatatype = 'INT32';
  expect(await remoteCode(ask(1, 2, 3, 4))).toBe('RemoteError run-failed final');
  models.behavior.resultDatatype = 'FP32';
  models.behavior.hangs = true;
  models.runs.length = 0;
  expect(await remoteCode(ask(1, 2, 3, 4))).toBe('RemoteError timeout retryable');
  expect(models.runs).toEqual([1]); // what may have been done is not sent again
  models.behavior.hangs = false;
  expect(y(await ask(1, 2, 3, 4))).toEqual([1, 4, 9, 16]);
});

test('a server that goes away is told, unready and refused, and used again when it is back', async () => {
  await start();
  const readiness = async (): Promise<number> => (await fetch(`${server!.url}/readyz`)).status;
  const gauge = async (): Promise<string | undefined> =>
    /remote_tail_ready\{bundle="rows"\} (\d)/.exec(await (await fetch(`${server!.url}/metrics`)).text())?.[1];
  expect([await readiness(), await gauge()]).toEqual([200, '1']);
  const { port } = new URL(models.url);
  await models.close();
  expect(await remoteCode(ask(1, 2, 3, 4))).toBe('RemoteError worker-lost retryable');
  await vi.waitFor(async () => expect([await readiness(), await gauge()]).toEqual([503, '0']), 10_000);
  models = await startModelServer(Number(port));
  await vi.waitFor(async () => expect(await readiness()).toBe(200), 10_000);
  expect(y(await ask(1, 2, 3, 4))).toEqual([1, 4, 9, 16]);
  expect(warnings.slice(1)).toEqual([
    "remote model 'squares' is not ready",
    "remote model 'squares' is ready again",
  ]);
});

test('a failure of one in a run is told to that one alone, and one of the server is not multiplied', async () => {
  await start();
  const misfit = featureRequest(rows, [frameOf(tensor('float32', [1, 3], new Float32Array(3)))]);
  const [refused, ...good] = await Promise.all([post(server!, misfit), ask(1, 1, 1, 1), ask(2, 2, 2, 2)]);
  expect(refused.status).toBe(422);
  expect(good.map((answer) => y(answer)[0])).toEqual([1, 4]);
  models.behavior.status = 503;
  models.runs.length = 0;
  const codes = await Promise.all([1, 2, 3, 4, 5].map((value) => remoteCode(ask(value, 0, 0, 0))));
  expect(new Set(codes)).toEqual(new Set(['RemoteError overloaded retryable']));
  expect(models.runs.length).toBeLessThan(5);
});

test('neither pictures nor profiles are run where the tail is remote', async () => {
  const pictures = await writePictureBundle(path.join(root, 'pictures'));
  const behind = await createTailServer({ bundles: [pictures] });
  server = await createTailServer({ bundles: [pictures], remoteTail: { url: behind.url } });
  transport = transportTo(server, 'http');
  const picture = singleTryClient(pictures, transport).sendPicture(Uint8Array.of(1));
  expect(await remoteCode(picture)).toBe('RemoteError picture-unsupported final');
  const reply = await fetch(`${server.url}/v1/bundles/${pictures.digest}/profile`);
  expect([reply.status, await reply.json()]).toEqual([
    500,
    { code: 'run-failed', text: 'a remote tail has no profile' },
  ]);
  await behind.close({ drainTimeoutMs: 0 });
});
