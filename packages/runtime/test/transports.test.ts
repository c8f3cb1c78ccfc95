/** The rules of the transport interface, run on every implementation against a real server. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { encodeFrame, referenceBackend } from '@featherwire/codec';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { TransportError } from '../src/client/errors.js';
import { createFetchTransport } from '../src/client/fetch-transport.js';
import type { Transport } from '../src/client/transport.js';
import { createWebSocketTransport, webSocketHeaderBytes } from '../src/client/websocket-transport.js';
import { createHttpTransport } from '../src/node/http-transport.js';
import { createTailServer, type TailServer } from '../src/node/server/tail-server.js';
import { digestPrefix, type Message, parseMessage, serializeMessage } from '../src/protocol/index.js';
import { type CountingProxy, startCountingProxy } from './counting-proxy.js';
import { squareFeatures, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-transports-'));
let bundle: NodeBundle;
let server: TailServer;
let proxy: CountingProxy;
let transport: Transport;

beforeAll(async () => {
  bundle = await writeSquareBundle(root);
  server = await createTailServer({ bundles: [bundle], workersPerBundle: 2 });
});
afterAll(async () => {
  await server.close({ drainTimeoutMs: 0 });
  rmSync(root, { recursive: true, force: true });
});

/** A request whose tail takes time with the cube of `size`. */
function request(requestId: number, size: number): Uint8Array {
  const features = squareFeatures(size, 1);
  const frames = bundle.manifest.cut.map(({ name }) =>
    encodeFrame(features[name], { quantizer: { kind: 'none' }, backend: referenceBackend }),
  );
  return serializeMessage({
    kind: 'feature-request',
    requestId,
    bundlePrefix: digestPrefix(bundle.digest),
    frames,
  });
}

async function answerOf(size: number): Promise<Message> {
  const { message } = await transport.exchange(request(transport.nextRequestId(), size));
  return parseMessage(message);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error) => (error instanceof TransportError ? error.code : String(error)),
  );
}

const IMPLEMENTATIONS: readonly [string, (port: number) => Transport][] = [
  ['http', (port) => createHttpTransport({ url: `http://127.0.0.1:${port}` })],
  ['fetch', (port) => createFetchTransport({ url: `http://127.0.0.1:${port}` })],
  ['websocket', (port) => createWebSocketTransport({ url: `ws://127.0.0.1:${port}/v1/stream`, WebSocket })],
];

describe.each(IMPLEMENTATIONS)('%s transport', (name, create) => {
  beforeEach(async () => {
    proxy = await startCountingProxy(server.address.port);
    transport = create(proxy.port);
  });
  afterEach(async () => {
    await transport.close();
    await proxy.close();
  });

  test('a request is answered by the response to it', async () => {
    expect(await answerOf(3)).toMatchObject({ kind: 'response', requestId: 1 });
    expect(await answerOf(3)).toMatchObject({ kind: 'response', requestId: 2 });
  });

  test('requests in flight at once get each its own answer', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => answerOf(i % 2 === 0 ? 200 : 2)));
    expect(answers.map(({ kind, requestId }) => `${kind} ${requestId}`)).toEqual(
      answers.map((_, i) => `response ${i + 1}`),
    );
  });

  test('the bytes counted are those that crossed the link', async () => {
    await answerOf(2); // a WebSocket's opening handshake is in no count
    for (const size of [2, 10, 40, 200]) {
      const before = { sent: proxy.sent(), received: proxy.received() };
      const message = request(transport.nextRequestId(), size);
      const exchange = await transport.exchange(message);
      const link = { sent: proxy.sent() - before.sent, received: proxy.received() - before.received };
      if (transport.counted === 'link') {
        expect({ sent: exchange.bytesSent, received: exchange.bytesReceived }).toEqual(link);
      } else {
        expect(exchange.bytesSent).toBe(message.length);
        expect(exchange.bytesReceived).toBe(exchange.message.length);
        expect(exchange.bytesSent).toBeLessThan(link.sent);
        expect(exchange.bytesReceived).toBeLessThan(link.received);
      }
    }
  });

  test('an error message is an answer', async () => {
    const message = request(transport.nextRequestId(), 2);
    message[8] ^= 1; // another bundle
    const answer = parseMessage((await transport.exchange(message)).message);
    expect(answer).toMatchObject({ kind: 'error', requestId: 1, code: 'unknown-bundle', retryable: false });
  });

  test('no answer in time fails with timeout, and later requests succeed', async () => {
    const slow = request(transport.nextRequestId(), 700);
    expect(await codeOf(transport.exchange(slow, { timeoutMs: 20 }))).toBe('timeout');
    expect(await answerOf(3)).toMatchObject({ kind: 'response', requestId: 2 });
  });

  test('the signal ends an exchange, also when it was raised before', async () => {
    const controller = new AbortController();
    const slow = request(transport.nextRequestId(), 500);
    const exchange = codeOf(transport.exchange(slow, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    expect(await exchange).toBe('aborted');
    const late = request(transport.nextRequestId(), 2);
    expect(await codeOf(transport.exchange(late, { signal: controller.signal }))).toBe('aborted');
    expect(await answerOf(3)).toMatchObject({ kind: 'response' });
  });

  test('a connection cut while the answer is awaited fails with connection-lost, and the next exchange connects', async () => {
    await answerOf(2);
    const exchange = transport.exchange(request(transport.nextRequestId(), 700));
    setTimeout(() => proxy.cut(), 50);
    const error = await exchange.catch((reason) => reason);
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: 'connection-lost', retryable: true });
    expect(error.message).not.toContain('\n');
    expect(await answerOf(3)).toMatchObject({ kind: 'response' });
  });

  test('no server gives a retryable error, and none is left over', async () => {
    const gone = create(await freePort());
    const exchange = gone.exchange(request(gone.nextRequestId(), 2));
    const error = await exchange.catch((reason) => reason);
    expect(error).toMatchObject({ name: 'TransportError', retryable: true });
    // fetch does not tell a refused connection from a lost one
    expect(error.code).toBe(name === 'fetch' ? 'connection-lost' : 'connect-failed');
    await gone.close();
  });

  test('close fails what is in flight and what comes after, and may be called again', async () => {
    await answerOf(2);
    const exchange = codeOf(transport.exchange(request(transport.nextRequestId(), 300)));
    await transport.close();
    expect(await exchange).toBe('closed');
    await transport.close();
    expect(await codeOf(transport.exchange(request(transport.nextRequestId(), 2)))).toBe('closed');
  });

  test('a transport that was never used closes', async () => {
    await create(proxy.port).close();
  });
});

describe('a reply that is not one', () => {
  test.each(IMPLEMENTATIONS.slice(0, 2))(
    '%s: a page instead of a message is bad-reply',
    async (_, create) => {
      const page = createServer((_request, response) => response.end('<html>hello</html>'));
      await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
      const wrong = create((page.address() as AddressInfo).port);
      expect(await codeOf(wrong.exchange(request(1, 2)))).toBe('bad-reply');
      await wrong.close();
      page.close();
    },
  );

  test.each<[string, string | Uint8Array]>([
    ['text', 'hello'],
    ['other bytes', Uint8Array.of(1, 2, 3)],
    ['an error to an unreadable request', Uint8Array.of(0x46, 0x4d, 1, 4, 0, 0, 0, 0, 1, 0, 0x3f)],
  ])('websocket: %s is bad-reply', async (_, reply) => {
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    sockets.on('connection', (socket) => socket.on('message', () => socket.send(reply)));
    await new Promise((resolve) => sockets.once('listening', resolve));
    const wrong = IMPLEMENTATIONS[2][1]((sockets.address() as AddressInfo).port);
    expect(await codeOf(wrong.exchange(request(wrong.nextRequestId(), 2)))).toBe('bad-reply');
    await wrong.close();
    sockets.close();
  });

  test('a reply over the limit is refused', async () => {
    const url = server.url;
    for (const small of [
      createHttpTransport({ url, maxReplyBytes: 50 }),
      createFetchTransport({ url, maxReplyBytes: 50 }),
      createWebSocketTransport({ url: server.streamUrl, WebSocket, maxReplyBytes: 50 }),
    ]) {
      expect(await codeOf(small.exchange(request(small.nextRequestId(), 2)))).toBe('reply-too-large');
      await small.close();
    }
  });
});

test('an http transport refuses an address whose bytes it could not count', () => {
  expect(() => createHttpTransport({ url: 'https://127.0.0.1:1' })).toThrow(RangeError);
});

test('a request id that is in flight, or none, is refused on a websocket', async () => {
  const socket = createWebSocketTransport({ url: server.streamUrl, WebSocket });
  const first = socket.exchange(request(5, 2));
  await expect(socket.exchange(request(5, 2))).rejects.toThrow(RangeError);
  await expect(socket.exchange(new Uint8Array(20))).rejects.toThrow(RangeError);
  await first;
  await socket.close();
});

test.each([
  [0, 6, 2],
  [125, 6, 2],
  [126, 8, 4],
  [65_535, 8, 4],
  [65_536, 14, 10],
])('a websocket frame of %d bytes has headers of %d and %d bytes', (bytes, toServer, toClient) => {
  expect(webSocketHeaderBytes(bytes, 'to-server')).toBe(toServer);
  expect(webSocketHeaderBytes(bytes, 'to-client')).toBe(toClient);
});

async function freePort(): Promise<number> {
  const probe = await startCountingProxy(1);
  await probe.close();
  return probe.port;
}
