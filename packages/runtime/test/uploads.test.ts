/** Requests in parts: both ends together, over connections that break, and against servers and clients that lie. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Transport } from '../src/client/transport.js';
import { createUploadTransport } from '../src/client/upload-transport.js';
import { parseTokens } from '../src/node/server/authentication.js';
import { createTailServer, type TailServer, type TailServerOptions } from '../src/node/server/tail-server.js';
import { MAX_UPLOADS } from '../src/node/server/uploads.js';
import { parseMessage } from '../src/protocol/index.js';
import { expectAlive, featureRequest, frameOf, LOSSLESS, remoteCode, singleTryClient } from './clients.js';
import { type CountingProxy, startCountingProxy } from './counting-proxy.js';
import { squareFeatures, squareOutputs, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-uploads-'));
const ID = 'sixteen-letters-';
const SIZE = 100; // of a request of 40,020 bytes or so
const PART = 9000;

let square: NodeBundle;
let message: Uint8Array;
let server: TailServer;
let proxy: CountingProxy | undefined;
let fake: Server | undefined;

beforeAll(async () => {
  square = await writeSquareBundle(root);
  const features = squareFeatures(SIZE, 1);
  message = featureRequest(
    square,
    square.manifest.cut.map(({ name }) => frameOf(features[name])),
  );
});
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  fake?.closeAllConnections();
  fake?.close();
  fake = undefined;
  await server?.close({ drainTimeoutMs: 0 });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function start(options: Partial<TailServerOptions> = {}): Promise<void> {
  server = await createTailServer({ bundles: [square], ...options });
}

/** Sends a part by hand. @returns status, and the code of an error, the kind of an answer or the bytes that the server has */
async function put(
  first: number,
  part: Uint8Array,
  { id = ID, total = message.length, range = '', token = '' } = {},
) {
  const reply = await fetch(`${server.url}/v1/uploads/${id}`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/octet-stream',
      'content-range': range || `bytes ${first}-${first + part.length - 1}/${total}`,
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: Buffer.from(part),
  });
  const body = new Uint8Array(await reply.arrayBuffer());
  if (reply.headers.get('content-type')?.startsWith('application/json')) {
    return `${reply.status} ${JSON.parse(Buffer.from(body).toString()).received}`;
  }
  const answer = parseMessage(body);
  return `${reply.status} ${answer.kind === 'error' ? answer.code : answer.kind}`;
}

async function infer(transport: Transport, size = SIZE): Promise<void> {
  const client = singleTryClient(square, transport);
  const { outputs } = await client.inferFeature(squareFeatures(size, 1), { coding: LOSSLESS });
  expect(outputs).toEqual(squareOutputs(size, 1));
}

describe('the transport', () => {
  test('sends what is long in parts, what is short at once, and counts both', async () => {
    await start({ limits: { maxMessageBytes: 50_000 } });
    const transport = createUploadTransport({ url: server.url, maxPartBytes: PART });
    await infer(transport);
    await infer(transport, 2);
    const { bytesSent, bytesReceived } = await transport.exchange(message);
    expect(bytesSent).toBe(message.length);
    expect(bytesReceived).toBeGreaterThan(0);
    expect(await remoteCode(infer(transport, 200))).toBe('RemoteError message-too-large final');
    await transport.close();
    expect(await remoteCode(infer(transport))).toBe('TransportError closed final');
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0));
    expect(() => createUploadTransport({ url: server.url, maxPartBytes: 0 })).toThrow(RangeError);
  });

  test('goes on where it was when connections break, and begins anew where the server knows nothing', async () => {
    await start();
    proxy = await startCountingProxy(server.address.port);
    let calls = 0;
    const broken: typeof fetch = async (...call) => {
      calls++;
      if (calls === 3 || calls === 5) proxy!.cut();
      if (calls === 4) throw new TypeError('fetch failed');
      return fetch(...call);
    };
    const url = `http://127.0.0.1:${proxy.port}`;
    const transport = createUploadTransport({ url, maxPartBytes: PART, fetch: broken });
    const { bytesSent, message: answer } = await transport.exchange(message);
    expect(parseMessage(answer)).toMatchObject({ kind: 'response' });
    expect(bytesSent).toBeLessThan(2 * message.length);
    let ids = 0;
    const forgetful: typeof fetch = (address, init) => {
      ids++; // the server hears another name after two parts
      return fetch(ids > 2 ? `${String(address)}-again` : address, init);
    };
    const other = createUploadTransport({ url: server.url, maxPartBytes: PART, fetch: forgetful });
    await infer(other);
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(2 * PART)); // what the first name had
    await Promise.all([transport.close(), other.close()]);
  });

  test('has a token, and hears that another is not known', async () => {
    const token = 'correct-horse-battery';
    await start({ tokens: parseTokens(`kiosk ${token}`) });
    const known = createUploadTransport({ url: server.url, maxPartBytes: PART, token });
    await infer(known);
    const unknown = createUploadTransport({ url: server.url, maxPartBytes: PART });
    expect(await remoteCode(infer(unknown))).toBe('RemoteError unauthorized final');
    await Promise.all([known.close(), unknown.close()]);
  });

  test.each<[string, number, string, string]>([
    ['pages in place of progress', 202, '<html>', 'TransportError bad-reply final'],
    ['progress beyond the message', 202, '{"received":1e9}', 'TransportError bad-reply final'],
    ['no progress for ever', 409, '{"received":0}', 'TransportError bad-reply final'],
    ['a proxy without a server', 502, 'gone', 'TransportError connection-lost retryable'],
  ])('ends at a server that gives %s', async (_case, status, body, expected) => {
    fake = createServer((_request, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => fake!.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(fake.address() as AddressInfo).port}`;
    const transport = createUploadTransport({ url, maxPartBytes: PART });
    expect(await remoteCode(transport.exchange(message, { timeoutMs: 20_000 }))).toBe(expected);
    const stopped = transport.exchange(message, { signal: AbortSignal.timeout(50) });
    expect(await remoteCode(stopped)).toMatch(/^TransportError (aborted|bad-reply) final$/);
    await transport.close();
  });
});

describe('the server', () => {
  const bytes = (from: number, to: number): Uint8Array => message.subarray(from, to);

  test('joins parts in order, skips what it has, and tells what is missing', async () => {
    await start();
    const end = message.length;
    expect(await put(100, bytes(100, 200))).toBe('409 0');
    expect(await put(0, bytes(0, 100))).toBe('202 100');
    expect(await put(0, bytes(0, 100))).toBe('202 100');
    expect(await put(50, bytes(50, 150))).toBe('202 150');
    expect(await put(151, bytes(151, 200))).toBe('409 150');
    expect(await put(0, bytes(0, 100), { id: 'another-upload-here' })).toBe('202 100');
    expect(await put(150, bytes(150, end))).toBe('200 response');
    expect(await put(150, bytes(150, end))).toBe('409 0'); // answered and forgotten
    expect(await put(0, message, { id: 'all-of-it-at-once' })).toBe('200 response');
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(100));
  });

  test('refuses ranges that lie, and allocates nothing by them', async () => {
    await start({ limits: { maxMessageBytes: 100_000 } });
    const part = bytes(0, 100);
    for (const range of [
      'bytes 0-98/40000',
      'bytes 0-100/40000',
      'bytes 0-99/99',
      'bytes 0-99/*',
      'bytes -1-98/40000',
      'items 0-99/40000',
      'bytes 0-99/9999999999999999',
      'bytes 1e2-199/40000',
      ' ',
    ]) {
      expect(await put(0, part, { range }), range).toBe('400 malformed-message');
    }
    expect(await put(0, part, { range: 'bytes 0-99/100001' })).toBe('413 message-too-large');
    expect(await put(0, part, { range: 'bytes 0-99/999999999999999' })).toBe('413 message-too-large');
    expect(await put(0, new Uint8Array(0), { range: 'bytes 0-0/10' })).toBe('400 malformed-message');
    expect(await put(0, part, { id: 'short' })).toBe('400 malformed-message');
    expect(await put(0, part)).toBe('202 100');
    expect(await put(100, part, { total: 50_000 })).toBe('400 malformed-message');
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(100));
    await expectAlive(server, square);
  });

  test('bounds how many come at once and in how many bytes, and drops what stops coming', async () => {
    await start({
      limits: { maxBufferedBytes: 100_000, receiveTimeoutMs: 1500 },
    });
    for (let i = 0; i < MAX_UPLOADS; i++) {
      expect(await put(0, bytes(0, 10), { id: `upload-number-${100 + i}` })).toBe('202 10');
    }
    expect(await put(0, bytes(0, 10))).toBe('503 overloaded');
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0), 10_000);
    expect(await put(0, new Uint8Array(20_000), { total: 90_000 })).toBe('202 20000');
    // A part counts twice while it is joined, and a client may hold half of the bytes.
    expect(await put(20_000, new Uint8Array(20_000), { total: 90_000 })).toBe('503 overloaded');
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0), 10_000);
    expect(await put(20_000, new Uint8Array(10), { total: 90_000 })).toBe('409 0');
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0));
    await expectAlive(server, square);
  });

  test('never joins parts of two clients', async () => {
    const tokens = parseTokens('one correct-horse-battery\ntwo incorrect-horse-battery');
    await start({ tokens });
    expect(await put(0, bytes(0, 100), { token: 'correct-horse-battery' })).toBe('202 100');
    expect(await put(100, bytes(100, 200), { token: 'incorrect-horse-battery' })).toBe('409 0');
    expect(await put(100, bytes(100, 200))).toBe('401 unauthorized');
    expect(await put(100, bytes(100, 200), { token: 'correct-horse-battery' })).toBe('202 200');
  });
});
