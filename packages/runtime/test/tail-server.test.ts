/** What a tail server does with good requests, too many or too large ones, lost workers, and its own end. */

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { NodeBundle } from '@featherwire/bundle/node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { EdgeClient } from '../src/client/edge-client.js';
import type { Transport } from '../src/client/transport.js';
import { createTailServer, type TailServer, type TailServerOptions } from '../src/node/server/tail-server.js';
import {
  type ConnectionKind,
  expectAlive,
  LOSSLESS,
  post,
  remoteCode,
  singleTryClient,
  statusAndCode,
  transportTo,
} from './clients.js';
import { squareFeatures, squareOutputs, writePictureBundle, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-server-'));
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
function clientOf(bundle: NodeBundle, kind: ConnectionKind, digest = bundle.digest): EdgeClient {
  const transport = transportTo(server!, kind);
  transports.push(transport);
  return singleTryClient({ ...bundle, digest }, transport);
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
    expect((await fetch(`${server!.url}/v3`)).status).toBe(404);
  });

  test.each<ConnectionKind>(['http', 'websocket'])(
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

  test('the event loop stays free while a tail runs', async () => {
    const slow = clientOf(square, 'http').inferFeature(squareFeatures(SLOW, 0), { coding: 'two-levels' });
    await vi.waitFor(() => expect(server!.stats().bundles[0].running).toBe(1));
    expect((await fetch(`${server!.url}/healthz`)).status).toBe(200);
    expect(server!.stats().bundles[0].running).toBe(1);
    await slow;
  });
});

describe('limits', () => {
  test('an oversized message is message-too-large, and final', async () => {
    await start({ limits: { maxMessageBytes: 1000 } });
    expect(await statusAndCode(post(server!, new Uint8Array(1001)))).toBe('413 message-too-large');
    expect(await statusAndCode(post(server!, new Uint8Array(1000)))).toBe('400 malformed-message');
    const features = squareFeatures(300, 0); // 360 kB: over what fits the buffers of a connection that ends early
    const http = await remoteCode(clientOf(square, 'http').inferFeature(features, { coding: LOSSLESS }));
    expect(http).toBe('RemoteError message-too-large final');
    const socket = await remoteCode(
      clientOf(square, 'websocket').inferFeature(features, { coding: LOSSLESS }),
    );
    expect(socket).toBe('TransportError message-too-large final');
    await expectAlive(server!, square);
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
    await expectAlive(server!, square);
  });

  test('one WebSocket has a bounded number of unanswered requests; it is not read meanwhile', async () => {
    await start({ limits: { maxRequestsPerConnection: 2 } });
    const client = clientOf(square, 'websocket');
    const infer = () => remoteCode(client.inferFeature(squareFeatures(SLOW, 0), { coding: 'two-levels' }));
    const inFlight = (): number => server!.stats().requests.inFlight;
    const first = [infer(), infer()];
    await vi.waitFor(() => expect(inFlight()).toBe(2));
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, inFlight());
    }, 1);
    const codes = await Promise.all([...first, infer(), infer(), infer()]);
    clearInterval(watch);
    expect(codes).toEqual(new Array(5).fill('no error'));
    expect(most).toBe(2);
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
    await expectAlive(server!, square);
  });

  test('a request over its time is answered timeout, and the server goes on', async () => {
    await start({ limits: { requestTimeoutMs: 20 } });
    const client = clientOf(square, 'http');
    const code = await remoteCode(client.inferFeature(squareFeatures(SLOW, 0), { coding: 'two-levels' }));
    expect(code).toBe('RemoteError timeout retryable');
    await vi.waitFor(() => expect(server!.stats().bundles[0].running).toBe(0), { timeout: 10_000 });
    // On a busy machine a request of the smallest network may take longer, too.
    await vi.waitFor(() => expectAlive(server!, square), { timeout: 10_000 });
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
    await expectAlive(server!, square);
  });
});

describe('close', () => {
  test.each<ConnectionKind>(['http', 'websocket'])(
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
