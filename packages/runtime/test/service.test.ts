/** A tail server as its operator wants it: who is let in, how much, for how long, and how bundles are exchanged. */

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { tensor } from '@featherwire/tensor';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Transport } from '../src/client/transport.js';
import { createHttpTransport } from '../src/node/http-transport.js';
import { parseTokens } from '../src/node/server/authentication.js';
import { createTailServer, type TailServer, type TailServerOptions } from '../src/node/server/tail-server.js';
import { digestPrefix, parseMessage, serializeMessage } from '../src/protocol/index.js';
import {
  expectAlive,
  featureRequest,
  frameOf,
  LOSSLESS,
  post,
  remoteCode,
  singleTryClient,
  statusAndCode,
  transportTo,
} from './clients.js';
import {
  ROW_COLUMNS,
  squareFeatures,
  squareOutputs,
  writeRowsBundle,
  writeSquareBundle,
} from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-service-'));
/** A size at which the square bundle's tail takes a good fraction of a second. */
const SLOW = 700;
const TOKEN = 'correct-horse-battery';

let square: NodeBundle;
let rows: NodeBundle;
let server: TailServer;
const transports: Transport[] = [];

beforeAll(async () => {
  square = await writeSquareBundle(root);
  rows = await writeRowsBundle(path.join(root, 'rows'));
});
afterEach(async () => {
  for (const transport of transports.splice(0)) await transport.close();
  await server.close({ drainTimeoutMs: 0 });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function start(options: Partial<TailServerOptions> = {}): Promise<TailServer> {
  server = await createTailServer({ bundles: [square], ...options });
  return server;
}

/** Asks for the square bundle's tail without retries. */
function asking(transport: Transport, size: number, bundle = square): Promise<unknown> {
  transports.push(transport);
  const client = singleTryClient(bundle, transport);
  return client.inferFeature(squareFeatures(size, 0), { coding: LOSSLESS });
}

const status = async (route: string, headers = {}): Promise<number> =>
  (await fetch(`${server.url}${route}`, { headers })).status;

describe('tokens', () => {
  const tokens = parseTokens(`# clients\nkiosk ${TOKEN}\n`);

  test('let in who has one, over HTTP and WebSocket, and nobody else', async () => {
    await start({ tokens });
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect(await status('/v1/bundles')).toBe(401);
    expect(await status('/metrics', bearer('correct-horse-batterx'))).toBe(401);
    expect(await status('/v1/bundles', bearer(TOKEN))).toBe(200);
    expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 200]);
    expect(await statusAndCode(post(server, new Uint8Array(9)))).toBe('401 unauthorized');
    expect(await remoteCode(asking(createHttpTransport({ url: server.url, token: TOKEN }), 2))).toBe(
      'no error',
    );
    const handshake = (protocols: string[], headers = {}) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(server.streamUrl, protocols, { headers });
        socket.on('open', () => resolve(`open ${socket.protocol}`));
        socket.on('error', ({ message }) => resolve(message));
        transports.push({ close: async () => socket.terminate() } as Transport);
      });
    expect(await handshake([])).toContain('401');
    expect(await handshake([], bearer(TOKEN))).toBe('open ');
    expect(await handshake(['featherwire', `bearer.${TOKEN}`])).toBe('open featherwire');
    expect(server.stats().requests.failed).toEqual({ unauthorized: 1 });
  });

  test('are read from lines, as they are or as digests, and no error tells one', () => {
    const digest = [...tokens.keys()][0];
    expect(parseTokens(`kiosk sha256:${digest}`)).toEqual(tokens);
    for (const bad of ['', 'kiosk', 'kiosk short', `kiosk ${TOKEN} more`, `a/b ${TOKEN}`]) {
      expect(() => parseTokens(bad)).toThrow(RangeError);
      expect(() => parseTokens(bad)).not.toThrow(TOKEN);
    }
  });
});

describe('limits', () => {
  test('more requests in a second than allowed are rate-limited, with the time to wait', async () => {
    await start({ limits: { maxRequestsPerSecond: 1 } });
    const request = featureRequest(square, [Uint8Array.of(1)]);
    const replies = await Promise.all([1, 2, 3, 4].map(() => post(server, request)));
    const codes = await Promise.all(replies.map((reply) => statusAndCode(Promise.resolve(reply))));
    expect(codes).toContain('422 bad-frame');
    const limited = replies[codes.indexOf('429 rate-limited')];
    expect(limited.retryAfter).toBe('1');
    const message = parseMessage(limited.body);
    expect(message).toMatchObject({ kind: 'error', code: 'rate-limited', retryable: true });
    expect((message as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
  });

  test('bytes over the budget are refused as they come, and all of it is given back', async () => {
    await start({ limits: { maxBufferedBytes: 40_000 } });
    const half = new Uint8Array(20_000);
    expect(await statusAndCode(post(server, half))).toBe('400 malformed-message');
    expect(await statusAndCode(post(server, new Uint8Array(20_001)))).toBe('503 overloaded');
    const socket = new WebSocket(server.streamUrl);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(new Uint8Array(30_000));
    await new Promise((resolve) => socket.once('close', resolve));
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0));
    await expectAlive(server, square);
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0));
  });

  test('bytes of pipelined requests are given back when their connection is', async () => {
    await start();
    const { double, shift } = squareFeatures(SLOW, 0);
    const body = featureRequest(square, [frameOf(double), frameOf(shift)]);
    const head = [
      'POST /v1/infer HTTP/1.1',
      'Host: x',
      'Content-Type: application/octet-stream',
      `Content-Length: ${body.length}`,
    ];
    const socket = connect({ port: server.address.port, host: '127.0.0.1' });
    const request = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
    for (let i = 0; i < 3; i++) socket.write(request);
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(3 * body.length));
    socket.destroy();
    await vi.waitFor(() => expect(server.stats().requests.inFlight).toBe(0), { timeout: 20_000 });
    await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0));
    await expectAlive(server, square);
  });

  test('a message that does not come to its end is cut, over both kinds of connection', async () => {
    await start({ limits: { receiveTimeoutMs: 500 } });
    const socket = new WebSocket(server.streamUrl);
    await new Promise((resolve) => socket.once('open', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    (socket as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket.write(
      Uint8Array.of(0x82, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5), // a masked frame of 4096 bytes, one of them there
    );
    await closed;
    await vi.waitFor(() => expect(server.stats()).toMatchObject({ bufferedBytes: 0, streams: 0 }));
    await expectAlive(server, square);
  });

  test('an address has a bounded number of connections, and others are let in', async () => {
    await start({ limits: { maxConnectionsPerAddress: 1 } });
    expect(await remoteCode(asking(transportTo(server, 'websocket'), 2))).toBe('no error');
    expect(await remoteCode(asking(transportTo(server, 'websocket'), 2))).toBe(
      'TransportError connect-failed retryable',
    );
    const elsewhere = class extends WebSocket {
      constructor(url: string) {
        super(url, { localAddress: '127.0.0.2' });
      }
    };
    const socket = new elsewhere(server.streamUrl);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.terminate();
  });
});

describe('deadlines', () => {
  test('a request that is late when a worker is free is not run', async () => {
    await start();
    const transport = transportTo(server, 'websocket');
    transports.push(transport);
    const frames = square.manifest.cut.map(({ name }) => frameOf(squareFeatures(2, 0)[name]));
    const slow = asking(transportTo(server, 'websocket'), SLOW);
    await vi.waitFor(() => expect(server.stats().bundles[0].running).toBe(1));
    const [requestId, bundlePrefix] = [transport.nextRequestId(), digestPrefix(square.digest)];
    const urgent = serializeMessage({
      kind: 'feature-request',
      requestId,
      bundlePrefix,
      deadlineMs: 5,
      frames,
    });
    const { message } = await transport.exchange(urgent);
    expect(parseMessage(message)).toMatchObject({ code: 'deadline-passed', retryable: false });
    await slow;
  });
});

describe('metrics and readiness', () => {
  test('tell what was answered, by bundle, point and outcome', async () => {
    await start({ bundles: [rows, square] });
    const frame = frameOf(tensor('float32', [1, ROW_COLUMNS], new Float32Array(ROW_COLUMNS)));
    for (let i = 0; i < 3; i++) await post(server, featureRequest(rows, [frame]));
    await post(server, featureRequest(rows, [frame, frame]));
    await post(server, new Uint8Array(3));
    const scrape = await fetch(`${server.url}/metrics`);
    expect(scrape.headers.get('content-type')).toContain('text/plain');
    const text = await scrape.text();
    for (const line of [
      'featherwire_requests_total{bundle="rows",outcome="ok"} 3',
      'featherwire_requests_total{bundle="rows",outcome="input-mismatch"} 1',
      'featherwire_requests_total{bundle="",outcome="malformed-message"} 1',
      'featherwire_point_requests_total{bundle="rows",point="described"} 3',
      'featherwire_stage_seconds_count{bundle="rows",stage="tail"} 3',
      'featherwire_run_size_sum{bundle="rows"} 3',
      'featherwire_workers{bundle="square"} 1',
      'featherwire_buffered_bytes 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  test('a server that is about to end says so first, and answers until then', async () => {
    await start();
    expect(await status('/readyz')).toBe(200);
    const closing = server.close({ unreadyMs: 300 });
    expect(await status('/readyz')).toBe(503);
    expect(await status('/healthz')).toBe(200);
    await expectAlive(server, square);
    await closing;
  });
});

describe('exchanging bundles', () => {
  test('requests in flight are answered by the bundle that is left out, later ones by the new', async () => {
    await start();
    const slow = [0, 1].map(() => asking(transportTo(server, 'websocket'), SLOW));
    await vi.waitFor(() => expect(server.stats().bundles[0]).toMatchObject({ running: 1, queued: 1 }));
    const { added, removed } = await server.replaceBundles([rows]);
    expect([added, removed]).toEqual([[rows], [square]]);
    expect(server.stats().bundles.map(({ name }) => name)).toEqual(['rows']);
    const late = asking(transportTo(server, 'websocket'), 2);
    expect(await remoteCode(late)).toBe('RemoteError unknown-bundle final');
    for (const { outputs } of (await Promise.all(slow)) as { outputs: unknown }[]) {
      expect(outputs).toEqual(squareOutputs(SLOW, 0));
    }
  });

  test('one that cannot be loaded changes nothing', async () => {
    await start();
    const broken = { ...rows, partPath: () => path.join(root, 'absent.onnx') };
    await expect(server.replaceBundles([square, broken])).rejects.toThrow(/^a tail worker cannot start/);
    await expect(server.replaceBundles([])).rejects.toThrow(RangeError);
    expect(server.stats().bundles.map(({ name }) => name)).toEqual(['square']);
    await expectAlive(server, square);
  });
});
