/** docs/protocol.md against the code: its examples are messages, and its tables are those of the code. */

import { readFileSync } from 'node:fs';
import { decodeFrame, referenceBackend } from '@featherwire/codec';
import { tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { webSocketHeaderBytes } from '../src/client/websocket-transport.js';
import { DEFAULT_SERVER_LIMITS } from '../src/node/server/limits.js';
import { type Message, parseMessage, REMOTE_ERRORS, serializeMessage } from '../src/protocol/index.js';

const text = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');

/** The bytes at the start of each line of a hex block; what follows two spaces is a note. */
const examples = [...text.matchAll(/```hex\n([\s\S]*?)```/g)].map(([, block]) => {
  const digits = block.split('\n').flatMap((line) => line.split('  ')[0].split(' ').filter(Boolean));
  return Uint8Array.from(digits, (byte) => Number.parseInt(byte, 16));
});

test('the examples are the messages that they say they are', () => {
  const bundlePrefix = Uint8Array.of(0x9f, 0x86, 0xd0, 0x81, 0x88, 0x4c, 0x7d, 0x65);
  const [request, response, error, picture, observed, urgent] = examples.map(parseMessage);
  const firstTensor = (message: Message) => {
    if (!('frames' in message)) throw new Error(`frames expected, got ${message.kind}`);
    return decodeFrame(message.frames[0], { backend: referenceBackend });
  };
  expect(request).toMatchObject({ kind: 'feature-request', requestId: 1, bundlePrefix });
  expect(firstTensor(request)).toEqual(tensor('uint8', [4], Uint8Array.of(7, 7, 7, 7)));
  const times = { queueMs: 0.5, decodeMs: 0.25, tailMs: 4, respondMs: 0.125, totalMs: 5 };
  expect(response).toMatchObject({ kind: 'response', requestId: 1, times });
  expect(firstTensor(response)).toEqual(tensor('float32', [2], Float32Array.of(0.25, 0.75)));
  expect(error).toEqual({ kind: 'error', requestId: 1, code: 'overloaded', retryable: true, text: 'busy' });
  const image = Uint8Array.of(0xff, 0xd8, 0xff, 0xd9);
  expect(picture).toEqual({ kind: 'picture-request', requestId: 2, bundlePrefix, image });
  const statistics = [{ saturatedShare: 0, backgroundShare: 16384 / 65535, low: 0, high: 7 }];
  expect(observed).toEqual({ ...request, requestId: 3, statistics });
  expect(urgent).toEqual({ ...request, requestId: 4, deadlineMs: 150 });
  for (const bytes of examples) expect(serializeMessage(parseMessage(bytes))).toEqual(bytes);
});

test('the table of error codes is that of the code', () => {
  const rows = [...text.matchAll(/^\| (\d+) \| `([a-z-]+)` \| (\d+) \| (yes|no) \|/gm)];
  const documented = rows.map(([, byte, code, status, retryable]) => [
    code,
    { byte: Number(byte), httpStatus: Number(status), retryable: retryable === 'yes' },
  ]);
  expect(Object.fromEntries(documented)).toEqual(REMOTE_ERRORS);
});

test('the default limits and frame header sizes are those of the code', () => {
  expect(DEFAULT_SERVER_LIMITS).toEqual({
    maxMessageBytes: 16 * 2 ** 20,
    maxJsonBytes: 2 ** 20,
    maxElementsPerTensor: 2 ** 24,
    maxImagePixels: 2 ** 25,
    maxQueuedRequests: 64,
    requestTimeoutMs: 30_000,
    receiveTimeoutMs: 30_000,
    maxConnections: 1024,
    maxConnectionsPerAddress: 256,
    maxRequestsPerSecond: 1000,
    maxBufferedBytes: 256 * 2 ** 20,
    maxRequestsPerConnection: 64,
  });
  const rows = [...text.matchAll(/^\| ([\d,]+) (?:… [\d,]+|and more) \| (\d+) \| (\d+) \|$/gm)];
  expect(rows.length).toBe(3);
  for (const [, from, toServer, toClient] of rows) {
    const bytes = Number(from.replaceAll(',', ''));
    expect(webSocketHeaderBytes(bytes, 'to-server')).toBe(Number(toServer));
    expect(webSocketHeaderBytes(bytes, 'to-client')).toBe(Number(toClient));
  }
});
