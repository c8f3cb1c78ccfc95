/** What a tail server does with good requests, bad ones, too many, and its own end. */

import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { NodeBundle } from '@featherwire/bundle/node';
import { encodeFrame, referenceBackend } from '@featherwire/codec';
import { createRandom, type Tensor, tensor } from '@featherwire/tensor';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { EdgeClient } from '../src/client/edge-client.js';
import type { Transport } from '../src/client/transport.js';
import { createWebSocketTransport } from '../src/client/websocket-transport.js';
import { createHttpTransport } from '../src/node/http-transport.js';
import { createTailServer, type TailServer, type TailServerOptions } from '../src/node/server/tail-server.js';
import { digestPrefix, parseMessage, serializeMessage } from '../src/protocol/index.js';
import { remoteCode, singleTryClient } from './clients.js';
import { squareFeatures, squareOutputs, writePictureBundle, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-server-'));
const NONE = { kind: 'none' } as const;
const LOSSLESS = { double: NONE, shift: NONE };
/** A size at which the square bundle's tail takes a good fraction of a second. */
const SLOW = 700;

let square: NodeBundle;
let picture: NodeBundle;
let server: TailServer | undefined;
/** Serves every test that changes nothing about it. */
let shared: TailServer;
const transports: Transport[] = [];

beforeAll(async () => {
  square = await writeSquareBundle(root);
  picture = await writePictureBundle(path.join(root, 'picture'));
  shared = await createTailServer({ bundles: [square, picture] });
});
afterAll(async () => {
  await shared.close();
  rmSync(root, { recursive: true, force: true });
});
afterEach(async () => {
  for (const transport of transports.splice(0)) await transport.close();
  if (server !== shared) await server?.close({ drainTimeoutMs: 0 });
  server = undefined;
  vi.restoreAllMocks();
});

async function start(options: Partial<TailServerOptions> = {}): Promise<TailServer> {
  server = await createTailServer({ bundles: [square], ...options });
  return server;
}

/** A client without retries. */
function clientOf(bundle: NodeBundle, kind: 'http' | 'websocket', digest = bundle.digest): EdgeClient {
  const { url, streamUrl } = server!;
  const transport =
    kind === 'http' ? createHttpTransport({ url }) : createWebSocketTransport({ url: streamUrl, WebSocket });
  transports.push(transport);
  return singleTryClient({ manifest: bundle.manifest, digest }, transport);
}

async function expectAlive(): Promise<void> {
  for (const kind of ['http', 'websocket'] as const) {
    const { outputs } = await clientOf(square, kind).inferFeature(squareFeatures(3, 1), { coding: LOSSLESS });
    expect(outputs).toEqual(squareOutputs(3, 1));
  }
}

function frameOf(value: Tensor): Uint8Array {
  return encodeFrame(value, { quantizer: NONE, backend: referenceBackend });
}

function featureRequest(frames: readonly Uint8Array[], requestId = 1): Uint8Array {
  return serializeMessage({
    kind: 'feature-request',
    requestId,
    bundlePrefix: digestPrefix(square.digest),
    frames,
  });
}

interface HttpReply {
  readonly status: number;
  readonly body: Uint8Array;
}

/** One HTTP exchange with full control over what is sent. */
function post(
  body: Uint8Array,
  { route = '/v1/infer', method = 'POST', type = 'application/octet-stream' } = {},
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': body.length };
    const request = httpRequest(`${server!.url}${route}`, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function statusAndCode(reply: Promise<HttpReply>): Promise<string> {
  const { status, body } = await reply;
  const message = parseMessage(body);
  return `${status} ${message.kind === 'error' ? message.code : message.kind}`;
}

describe('a running server', () => {
  beforeEach(() => {
    server = shared;
  });

  test('tells its health, bundles and limits', async () => {
    expect(await (await fetch(`${server!.url}/healthz`)).json()).toEqual({ status: 'ok' });
    const listed = await (await fetch(`${server!.url}/v1/bundles`)).json();
    expect(listed.bundles.map(({ digest }: { digest: string }) => digest)).toEqual([
      square.digest,
      picture.digest,
    ]);
    expect(listed.bundles[0].manifest).toEqual(square.manifest);
    expect(listed.limits.maxQueuedRequests).toBe(64);
    expect((await fetch(`${server!.url}/v2`)).status).toBe(404);
  });

  test.each(['http', 'websocket'] as const)(
    'gives over %s what the tail gives, with the time of each stage',
    async (kind) => {
      const client = clientOf(square, kind);
      const { answered } = server!.stats().requests;
      for (const size of [1, 5, 200]) {
        const { outputs, times } = await client.inferFeature(squareFeatures(size, 2), { coding: LOSSLESS });
        expect(outputs).toEqual(squareOutputs(size, 2));
        const { linkMs, queueMs, decodeMs, tailMs, respondMs, readMs, totalMs } = times;
        for (const stage of [linkMs, queueMs, decodeMs, tailMs, respondMs, readMs])
          expect(stage).toBeGreaterThanOrEqual(0);
        expect(tailMs).toBeGreaterThan(0);
        expect(linkMs + queueMs + decodeMs + tailMs + respondMs + readMs).toBeLessThanOrEqual(totalMs);
      }
      expect(server!.stats().requests).toMatchObject({ inFlight: 0, answered: answered + 3 });
    },
  );

  test('a bundle without a whole model takes no pictures', async () => {
    const code = await remoteCode(clientOf(square, 'http').sendPicture(Uint8Array.of(1)));
    expect(code).toBe('RemoteError picture-unsupported final');
  });

  test('a digest of no bundle here is unknown-bundle', async () => {
    const client = clientOf(square, 'websocket', '12'.repeat(32));
    const code = await remoteCode(client.inferFeature(squareFeatures(2, 0), { coding: LOSSLESS }));
    expect(code).toBe('RemoteError unknown-bundle final');
  });

  test('frames that do not fit the cut are input-mismatch, damaged ones bad-frame', async () => {
    const double = frameOf(tensor('float32', [2, 2], new Float32Array(4)));
    const shift = frameOf(tensor('float32', [1], new Float32Array(1)));
    const broken = shift.slice();
    broken[broken.length - 1] ^= 1;
    const cases: [string, readonly Uint8Array[]][] = [
      ['200 response', [double, shift]],
      ['422 input-mismatch', [double]],
      ['422 input-mismatch', [double, shift, shift]],
      ['422 input-mismatch', [shift, double]],
      ['422 input-mismatch', [double, frameOf(tensor('float32', [2], new Float32Array(2)))]],
      ['422 input-mismatch', [double, frameOf(tensor('float32', [1, 1], new Float32Array(1)))]],
      ['422 input-mismatch', [double, frameOf(tensor('float64', [1], new Float64Array(1)))]],
      ['422 bad-frame', [double, broken]],
      ['422 bad-frame', [Uint8Array.of(1, 2, 3), shift]],
      ['422 bad-frame', [double, shift.subarray(0, 7)]],
      // Both symbolic dimensions are free, but the tail multiplies a square.
      ['500 run-failed', [frameOf(tensor('float32', [2, 3], new Float32Array(6))), shift]],
    ];
    for (const [expected, frames] of cases) {
      expect(await statusAndCode(post(featureRequest(frames))), expected).toBe(expected);
    }
    await expectAlive();
  });

  test('a small frame that claims a huge tensor is refused before it is decoded', async () => {
    // magic, version, float32, rank 2 with quantizer "constant", 2^16 x 2^16, value, checksum
    const dimension = [0x80, 0x80, 0x04];
    const bomb = Uint8Array.of(
      0xf5,
      0x46,
      0x57,
      1,
      0,
      0x12,
      ...dimension,
      ...dimension,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    );
    const shift = frameOf(tensor('float32', [1], new Float32Array(1)));
    expect(await statusAndCode(post(featureRequest([bomb, shift])))).toBe('422 input-mismatch');
  });

  test('garbage over HTTP is answered and survived', async () => {
    const random = createRandom(23);
    const good = featureRequest([Uint8Array.of(1)]);
    const newer = good.slice();
    newer[2] = 9;
    expect(await statusAndCode(post(new Uint8Array(0)))).toBe('400 malformed-message');
    expect(await statusAndCode(post(newer))).toBe('400 unsupported-version');
    expect(await statusAndCode(post(good, { type: 'application/json' }))).toBe('400 malformed-message');
    const response = serializeMessage({
      kind: 'error',
      requestId: 1,
      code: 'internal',
      retryable: false,
      text: '',
    });
    expect(await statusAndCode(post(response))).toBe('400 malformed-message');
    for (let run = 0; run < 40; run++) {
      const bytes = Uint8Array.from({ length: random.nextInteger(400) }, () => random.nextInteger(256));
      if (run % 2) bytes.set(good.subarray(0, 4 + random.nextInteger(14)).subarray(0, bytes.length));
      expect((await post(bytes)).status, `run ${run}`).toBeGreaterThanOrEqual(400);
    }
    expect((await post(good, { method: 'PUT' })).status).toBe(404);
    await expectAlive();
  });

  test('garbage over WebSockets is answered and survived', async () => {
    const random = createRandom(29);
    const socket = new WebSocket(server!.streamUrl);
    const replies: Uint8Array[] = [];
    socket.on('message', (reply) => replies.push(reply as Buffer));
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send('hello');
    for (let run = 0; run < 40; run++) {
      socket.send(Uint8Array.from({ length: random.nextInteger(400) }, () => random.nextInteger(256)));
    }
    await vi.waitFor(() => expect(replies.length).toBe(41));
    for (const reply of replies) {
      expect(parseMessage(reply)).toMatchObject({ kind: 'error', requestId: 0, code: 'malformed-message' });
    }
    // A frame that is against RFC 6455: reserved bits set, unmasked.
    (socket as unknown as { _socket: Socket })._socket.write(Buffer.from([0xff, 0xff, 0xff]));
    await new Promise((resolve) => socket.once('close', resolve));
    await expectAlive();
  });

  test('a good request cut short or with flipped bits is answered, whatever it says then', async () => {
    const random = createRandom(37);
    const features = squareFeatures(3, 1);
    const good = featureRequest(
      square.manifest.cut.map(({ name }) => frameOf(features[name])),
      77,
    );
    const transport = createWebSocketTransport({ url: server!.streamUrl, WebSocket });
    transports.push(transport);
    for (let run = 0; run < 150; run++) {
      const bytes = good.slice(0, run % 3 === 0 ? 8 + random.nextInteger(good.length - 8) : good.length);
      // The head stays, so that the answer can be told apart; what is wrong with heads is tested above.
      if (run % 3 !== 0) bytes[8 + random.nextInteger(bytes.length - 8)] ^= 1 << random.nextInteger(8);
      const answer = parseMessage((await transport.exchange(bytes, { timeoutMs: 5000 })).message);
      expect(answer, `run ${run}`).toMatchObject({ kind: 'error', requestId: 77 });
    }
    await expectAlive();
  });

  test('the event loop stays free while a tail runs', async () => {
    const slow = clientOf(square, 'http').inferFeature(squareFeatures(SLOW, 0), { coding: 'two-levels' });
    await vi.waitFor(() => expect(server!.stats().bundles[0].running).toBe(1));
    expect((await fetch(`${server!.url}/healthz`)).status).toBe(200);
    expect(server!.stats().bundles[0].running).toBe(1);
    await slow;
  });

  test('garbage and half-open connections over TCP are survived', async () => {
    const { port } = server!.address;
    const random = createRandom(31);
    const upgrade = 'GET /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    const writes: (string | Uint8Array)[] = [
      Uint8Array.from({ length: 2000 }, () => random.nextInteger(256)),
      'GET / HTTP/9.9\r\n\r\n',
      'POST /v1/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 99\r\n\r\nab',
      'POST /v1/infer HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
      'POST /v1/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      `${upgrade}\r\n`,
      `${upgrade}Sec-WebSocket-Version: 1\r\nSec-WebSocket-Key: x\r\n\r\n`,
      upgrade.replace('/v1/stream', '/elsewhere').concat('\r\n'),
      '',
    ];
    const sockets = writes.map((bytes, i) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined);
      if (i % 2) socket.end(bytes);
      else socket.write(bytes);
      return socket;
    });
    await expectAlive();
    for (const socket of sockets) socket.resetAndDestroy();
    await expectAlive();
  });
});

describe('limits', () => {
  test('an oversized message is message-too-large, and final', async () => {
    await start({ limits: { maxMessageBytes: 1000 } });
    expect(await statusAndCode(post(new Uint8Array(1001)))).toBe('413 message-too-large');
    expect(await statusAndCode(post(new Uint8Array(1000)))).toBe('400 malformed-message');
    const features = squareFeatures(300, 0); // 360 kB: over what fits the buffers of a connection that ends early
    const http = await remoteCode(clientOf(square, 'http').inferFeature(features, { coding: LOSSLESS }));
    expect(http).toBe('RemoteError message-too-large final');
    const socket = await remoteCode(
      clientOf(square, 'websocket').inferFeature(features, { coding: LOSSLESS }),
    );
    expect(socket).toBe('TransportError message-too-large final');
    await expectAlive();
  });

  test('a tensor over the limit for open shapes is input-mismatch, one at the limit is taken', async () => {
    await start({ limits: { maxElementsPerTensor: 9 } });
    const client = clientOf(square, 'http');
    const code = (size: number) =>
      remoteCode(client.inferFeature(squareFeatures(size, 0), { coding: LOSSLESS }));
    expect(await code(3)).toBe('no error');
    expect(await code(4)).toBe('RemoteError input-mismatch final');
  });

  test('requests over the queue are overloaded, those in it are answered', async () => {
    await start({ limits: { maxQueuedRequests: 2 } });
    const client = clientOf(square, 'http');
    const codes = await Promise.all(
      Array.from({ length: 8 }, () =>
        remoteCode(client.inferFeature(squareFeatures(SLOW, 0), { coding: 'two-levels' })),
      ),
    );
    expect(codes.filter((code) => code === 'no error').length).toBeGreaterThanOrEqual(3);
    expect(codes.filter((code) => code === 'RemoteError overloaded retryable').length).toBeGreaterThanOrEqual(
      1,
    );
    expect(server!.stats().requests.inFlight).toBe(0);
    await expectAlive();
  });

  test('one WebSocket has a bounded number of unanswered requests', async () => {
    await start({ limits: { maxRequestsPerConnection: 2 } });
    const client = clientOf(square, 'websocket');
    const infer = () => remoteCode(client.inferFeature(squareFeatures(SLOW, 0), { coding: 'two-levels' }));
    const codes = await Promise.all([infer(), infer(), infer()]);
    expect(codes).toEqual(['no error', 'no error', 'RemoteError overloaded retryable']);
  });

  test('a client that sends and never reads is cut, and the others are served', async () => {
    await start({ limits: { maxRequestsPerConnection: 1 } });
    const socket = new WebSocket(server!.streamUrl);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.pause();
    const closed = vi.fn();
    socket.on('error', closed);
    const send = () => {
      for (let i = 0; i < 2000; i++) socket.send('flood');
    };
    await vi.waitFor(
      () => {
        send();
        expect(server!.stats().streams).toBe(0);
      },
      { timeout: 10_000 },
    );
    socket.terminate();
    await expectAlive();
  });

  test('a request over its time is answered timeout, and the server goes on', async () => {
    await start({ limits: { requestTimeoutMs: 20 } });
    const client = clientOf(square, 'http');
    const code = await remoteCode(client.inferFeature(squareFeatures(SLOW, 0), { coding: 'two-levels' }));
    expect(code).toBe('RemoteError timeout retryable');
    await vi.waitFor(() => expect(server!.stats().bundles[0].running).toBe(0), { timeout: 10_000 });
    await expectAlive();
  });

  test('connections over the limit are dropped, the others served', async () => {
    await start({ limits: { maxConnections: 1 } });
    const [first, second] = [clientOf(square, 'websocket'), clientOf(square, 'websocket')];
    const code = (client: EdgeClient) =>
      remoteCode(client.inferFeature(squareFeatures(2, 0), { coding: LOSSLESS }));
    expect(await code(first)).toBe('no error');
    expect(await code(second)).toBe('TransportError connect-failed retryable');
    expect(await code(first)).toBe('no error');
  });

  test('settings out of range are refused', async () => {
    for (const bad of [
      { limits: { maxMessageBytes: 0 } },
      { limits: { maxConnections: 1.5 } },
      { workersPerBundle: 0 },
      { threadsPerWorker: -1 },
      { bundles: [] },
      { bundles: [square, square] },
    ]) {
      await expect(createTailServer({ bundles: [square], ...bad })).rejects.toThrow(RangeError);
    }
  });

  test('a server that cannot start says why and leaves nothing running', async () => {
    const { port } = (await start()).address;
    await expect(createTailServer({ bundles: [square], port })).rejects.toMatchObject({
      name: 'ServerStartError',
    });
    const broken = { ...square, partPath: () => path.join(root, 'absent.onnx') };
    await expect(createTailServer({ bundles: [broken] })).rejects.toThrow(
      /^a tail worker cannot start: .*absent/,
    );
  });
});

describe('a lost worker', () => {
  test('fails its request with a retryable error and is replaced', async () => {
    // A message that is none makes the thread throw before it comes to the job sent after it. Ending a thread
    // from outside is no way to test this: onnxruntime aborts the process if it is in the middle of a run.
    const post = Worker.prototype.postMessage;
    let poisoned = 0;
    await start();
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...all) {
      if (poisoned++ === 0) post.call(this, null);
      post.apply(this, all as Parameters<typeof post>);
    });
    const client = clientOf(square, 'websocket');
    const infer = (size: number) =>
      remoteCode(client.inferFeature(squareFeatures(size, 0), { coding: 'two-levels' }));
    const lost = infer(2);
    await vi.waitFor(() => expect(poisoned).toBe(1));
    const waiting = infer(3);
    expect(await lost).toBe('RemoteError worker-lost retryable');
    expect(await waiting).toBe('no error');
    expect(server!.stats().bundles[0]).toMatchObject({ workers: 1, restarts: 1 });
    await expectAlive();
  });
});

describe('close', () => {
  test.each(['http', 'websocket'] as const)(
    'finishes what is in flight over %s and takes nothing new',
    async (kind) => {
      await start();
      const client = clientOf(square, kind);
      const options = { coding: 'two-levels' };
      await client.inferFeature(squareFeatures(2, 0), options);
      const inFlight = [0, 1].map(() => client.inferFeature(squareFeatures(SLOW, 0), options));
      await vi.waitFor(() => expect(server!.stats().requests.inFlight).toBe(2));
      const closing = server!.close();
      expect(server!.close()).toBe(closing);
      const late = await remoteCode(client.inferFeature(squareFeatures(2, 0), options));
      // An HTTP client needs another connection for it, and there is none to get any more.
      const refused = kind === 'http' ? 'TransportError connect-failed' : 'RemoteError shutting-down';
      expect(late).toBe(`${refused} retryable`);
      for (const { outputs } of await Promise.all(inFlight)) expect(outputs).toEqual(squareOutputs(SLOW, 0));
      await closing;
      const code = await remoteCode(client.inferFeature(squareFeatures(2, 0), options));
      expect(code).toBe('TransportError connect-failed retryable');
    },
  );

  test('cuts what is still in flight when the time is over', async () => {
    await start();
    const client = clientOf(square, 'http');
    const inFlight = remoteCode(client.inferFeature(squareFeatures(SLOW, 0), { coding: 'two-levels' }));
    await vi.waitFor(() => expect(server!.stats().requests.inFlight).toBe(1));
    await server!.close({ drainTimeoutMs: 0 });
    expect(['no error', 'TransportError connection-lost retryable']).toContain(await inFlight);
  });

  test('is not held up by connections that say nothing', async () => {
    const { port } = (await start()).address;
    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => undefined);
    await new Promise((resolve) => silent.once('connect', resolve));
    const socket = new WebSocket(server!.streamUrl);
    await new Promise((resolve) => socket.once('open', resolve));
    const started = performance.now();
    await server!.close();
    expect(performance.now() - started).toBeLessThan(3000);
    silent.destroy();
    socket.terminate();
  });
});
