/** The rules of the transport interface, for every implementation, in Node and in a browser, against a real server. */

import type { Bundle } from '@featherwire/bundle';
import { encodeFrame, referenceBackend } from '@featherwire/codec';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TransportError } from '../src/client/errors.js';
import type { Transport } from '../src/client/transport.js';
import { digestPrefix, type Message, parseMessage, serializeMessage } from '../src/protocol/index.js';
import { squareFeatures } from './square-tensors.js';

/** What the rules need on the other side of the link; a browser asks for it from afar. */
export interface TransportLab {
  /** The square bundle, which the server serves. */
  readonly bundle: Pick<Bundle, 'manifest' | 'digest'>;
  /** A proxy before the server. */
  startProxy(): Promise<LabProxy>;
  /** Something that is no tail server, and answers everything in one way. */
  startStranger(answer: StrangerAnswer): Promise<LabPort>;
  /** A port where nothing listens. */
  freePort(): Promise<number>;
}

/** A page over HTTP, or over WebSockets text, other bytes, or an error to a request that it could not read. */
export type StrangerAnswer = 'page' | 'text' | 'bytes' | 'unreadable';

/** Something that listens. */
export interface LabPort {
  readonly port: number;
  close(): Promise<void>;
}

/** A proxy that counts bytes. */
export interface LabProxy extends LabPort {
  /** Bytes from and to clients so far. */
  counts(): Promise<{ readonly sent: number; readonly received: number }>;
  /** While it is out, the connections that are open are cut, without a word, and so are those that come. */
  setOut(isOut: boolean): Promise<void>;
}

/** Makes a transport to a port of 127.0.0.1. */
export type TransportMaker = (port: number, options?: { readonly maxReplyBytes?: number }) => Transport;

/** Messages are not split below this, as far as is known, and a frame's header is not longer than that. */
const SPLIT_BYTES = 65_536;
const FRAME_HEADER_BYTES = 14;

/**
 * Declares the tests of one implementation.
 * @param name - `fetch`, whose engine tells little of a lost connection, `http` or `websocket`
 * @param splitsMessages - whether the engine may send a message of 64 KiB or more as several frames, as browsers do
 */
export function transportRules(
  name: 'http' | 'fetch' | 'websocket',
  create: TransportMaker,
  lab: TransportLab,
  { splitsMessages = false } = {},
): void {
  describe(`${name} transport`, () => declareRules(name, create, { lab, splitsMessages }));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error) => (error instanceof TransportError ? error.code : String(error)),
  );
}

function declareRules(
  name: string,
  create: TransportMaker,
  { lab, splitsMessages }: { readonly lab: TransportLab; readonly splitsMessages: boolean },
): void {
  let proxy: LabProxy;
  let transport: Transport;

  /** A request whose tail takes time with the cube of `size`. */
  function request(requestId: number, size: number): Uint8Array {
    const { manifest, digest } = lab.bundle;
    const features = squareFeatures(size, 1);
    const frames = manifest.cut.map((spec) =>
      encodeFrame(features[spec.name], { quantizer: { kind: 'none' }, backend: referenceBackend }),
    );
    return serializeMessage({
      kind: 'feature-request',
      requestId,
      bundlePrefix: digestPrefix(digest),
      frames,
    });
  }

  async function answerOf(size: number): Promise<Message> {
    const { message } = await transport.exchange(request(transport.nextRequestId(), size));
    return parseMessage(message);
  }

  beforeEach(async () => {
    proxy = await lab.startProxy();
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
      const before = await proxy.counts();
      const message = request(transport.nextRequestId(), size);
      const exchange = await transport.exchange(message);
      const after = await proxy.counts();
      const link = { sent: after.sent - before.sent, received: after.received - before.received };
      if (transport.counted === 'link') {
        expect(exchange.bytesReceived).toBe(link.received);
        const uncounted = splitsMessages ? FRAME_HEADER_BYTES * Math.floor(message.length / SPLIT_BYTES) : 0;
        expect(link.sent - exchange.bytesSent).toBeGreaterThanOrEqual(0);
        expect(link.sent - exchange.bytesSent).toBeLessThanOrEqual(uncounted);
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
    const { sent } = await proxy.counts();
    const exchange = transport.exchange(request(transport.nextRequestId(), 1200)).catch((reason) => reason);
    while ((await proxy.counts()).sent === sent) await new Promise((resolve) => setTimeout(resolve, 5));
    // Not for a moment: browsers send a request again by themselves when a connection that they had used before is lost.
    await proxy.setOut(true);
    const error = await exchange;
    await proxy.setOut(false);
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: 'connection-lost', retryable: true });
    expect(error.message).not.toContain('\n');
    expect(await answerOf(3)).toMatchObject({ kind: 'response' });
  });

  test('no server gives a retryable error, and none is left over', async () => {
    const gone = create(await lab.freePort());
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

  test('an answer of something that is no tail server is bad-reply', async () => {
    const answers = name === 'websocket' ? (['text', 'bytes', 'unreadable'] as const) : (['page'] as const);
    for (const answer of answers) {
      const stranger = await lab.startStranger(answer);
      const wrong = create(stranger.port);
      expect(await codeOf(wrong.exchange(request(wrong.nextRequestId(), 2))), answer).toBe('bad-reply');
      await wrong.close();
      await stranger.close();
    }
  });

  test('a reply over the limit is refused', async () => {
    const small = create(proxy.port, { maxReplyBytes: 50 });
    expect(await codeOf(small.exchange(request(small.nextRequestId(), 2)))).toBe('reply-too-large');
    await small.close();
  });

  if (name === 'websocket') {
    test('a request id that is in flight, or none, is refused', async () => {
      const first = transport.exchange(request(5, 2));
      await expect(transport.exchange(request(5, 2))).rejects.toThrow(RangeError);
      await expect(transport.exchange(new Uint8Array(20))).rejects.toThrow(RangeError);
      await first;
    });
  }
}
