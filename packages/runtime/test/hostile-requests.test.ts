/** What a tail server does with frames that do not fit, damaged requests and bytes that are none. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import { createRandom, tensor } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createTailServer, type TailServer } from '../src/node/server/tail-server.js';
import { parseMessage, serializeMessage } from '../src/protocol/index.js';
import { expectAlive, featureRequest, frameOf, post, statusAndCode, transportTo } from './clients.js';
import { squareFeatures, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-hostile-'));
let square: NodeBundle;
let server: TailServer;

beforeAll(async () => {
  square = await writeSquareBundle(root);
  server = await createTailServer({ bundles: [square] });
});
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
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
    expect(await statusAndCode(post(server, featureRequest(square, frames))), expected).toBe(expected);
  }
  await expectAlive(server, square);
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
  expect(await statusAndCode(post(server, featureRequest(square, [bomb, shift])))).toBe('422 input-mismatch');
});

test('garbage over HTTP is answered and survived', async () => {
  const random = createRandom(23);
  const good = featureRequest(square, [Uint8Array.of(1)]);
  const newer = good.slice();
  newer[2] = 9;
  expect(await statusAndCode(post(server, new Uint8Array(0)))).toBe('400 malformed-message');
  expect(await statusAndCode(post(server, newer))).toBe('400 unsupported-version');
  expect(await statusAndCode(post(server, good, { type: 'application/json' }))).toBe('400 malformed-message');
  const response = serializeMessage({
    kind: 'error',
    requestId: 1,
    code: 'internal',
    retryable: false,
    text: '',
  });
  expect(await statusAndCode(post(server, response))).toBe('400 malformed-message');
  for (let run = 0; run < 40; run++) {
    const bytes = Uint8Array.from({ length: random.nextInteger(400) }, () => random.nextInteger(256));
    if (run % 2) bytes.set(good.subarray(0, 4 + random.nextInteger(14)).subarray(0, bytes.length));
    expect((await post(server, bytes)).status, `run ${run}`).toBeGreaterThanOrEqual(400);
  }
  expect((await post(server, good, { method: 'PUT' })).status).toBe(404);
  await expectAlive(server, square);
});

test('garbage over WebSockets is answered and survived', async () => {
  const random = createRandom(29);
  const socket = new WebSocket(server.streamUrl);
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
  await expectAlive(server, square);
});

test('a good request cut short or with flipped bits is answered, whatever it says then', async () => {
  const random = createRandom(37);
  const features = squareFeatures(3, 1);
  const good = featureRequest(
    square,
    square.manifest.cut.map(({ name }) => frameOf(features[name])),
    77,
  );
  const transport = transportTo(server, 'websocket');
  for (let run = 0; run < 150; run++) {
    const bytes = good.slice(0, run % 3 === 0 ? 8 + random.nextInteger(good.length - 8) : good.length);
    // The head stays, so that the answer can be told apart; what is wrong with heads is tested above.
    if (run % 3 !== 0) bytes[8 + random.nextInteger(bytes.length - 8)] ^= 1 << random.nextInteger(8);
    const answer = parseMessage((await transport.exchange(bytes, { timeoutMs: 5000 })).message);
    expect(answer, `run ${run}`).toMatchObject({ kind: 'error', requestId: 77 });
  }
  await transport.close();
  await expectAlive(server, square);
});

test('garbage and half-open connections over TCP are survived', async () => {
  const { port } = server.address;
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
  await expectAlive(server, square);
  for (const socket of sockets) socket.resetAndDestroy();
  await expectAlive(server, square);
});

test('a refused upgrade whose client stays does not keep its connection, nor the server from ending', async () => {
  const own = await createTailServer({ bundles: [square] });
  const socket = connect({ port: own.address.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  const answered = once(socket, 'data');
  socket.write('GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  expect(String(await answered)).toContain('404 Not Found');
  await own.close(); // though the client's side is still open
  await expect(own.replaceBundles([square])).rejects.toThrow('the server has ended');
  socket.destroy();
});

/** What answers a body of which only a start comes, and ends its connection. */
async function startBody({ address }: TailServer, claimedBytes: number, start = ''): Promise<string> {
  const socket = connect({ port: address.port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.write(
    `POST /v1/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: ${claimedBytes}\r\n\r\n`,
  );
  socket.write(start, 'latin1');
  const [answer] = await once(socket, 'data');
  await once(socket, 'close');
  return String(answer);
}

const statusOf = (answer: string): string => answer.split('\r\n')[0];

test('a body that does not begin as a message is refused before the rest of it comes', async () => {
  for (const [start, text] of [
    ['\0\0\0\0\0\0\0\0', 'magic expected'],
    ['FM\x63\x01\x01\0\0\0', 'version expected'],
    ['FM\x01\x7f\x01\0\0\0', 'kind'],
  ]) {
    const answer = await startBody(server, 2 ** 24, start);
    expect(statusOf(answer), text).toBe('HTTP/1.1 400 Bad Request');
    expect(answer).toContain(text);
  }
  await vi.waitFor(() => expect(server.stats().bufferedBytes).toBe(0));
  await expectAlive(server, square);
});

test('a body for which there is no room is refused by its claimed length, before any of it comes', async () => {
  const own = await createTailServer({ bundles: [square], limits: { maxBufferedBytes: 10_000 } });
  const claim = async (bytes: number): Promise<string> => statusOf(await startBody(own, bytes));
  expect(await claim(5001)).toBe('HTTP/1.1 503 Service Unavailable'); // half of the budget is for one client
  expect(await claim(2 ** 24 + 1)).toBe('HTTP/1.1 413 Payload Too Large');
  expect(own.stats().bufferedBytes).toBe(0);
  await expectAlive(own, square);
  await own.close();
});
