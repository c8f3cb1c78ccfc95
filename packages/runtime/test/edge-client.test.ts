/** The edge client on a transport whose answers the test decides. */

import type { BundleManifest } from '@featherwire/bundle';
import { encodeFrame, referenceBackend } from '@featherwire/codec';
import { InferenceError } from '@featherwire/inference';
import { type Tensor, tensor } from '@featherwire/tensor';
import { describe, expect, test, vi } from 'vitest';
import {
  createEdgeClient,
  type EdgeClientOptions,
  type FeatureRequestOptions,
} from '../src/client/edge-client.js';
import { RemoteError, TransportError } from '../src/client/errors.js';
import type { Clock } from '../src/client/retry.js';
import {
  createRequestIds,
  type Exchange,
  type ExchangeOptions,
  type Transport,
} from '../src/client/transport.js';
import { type Message, parseMessage, serializeMessage } from '../src/protocol/index.js';

const DIGEST = '0123456789abcdef'.repeat(4);
const part = { file: 'x.onnx', sha256: DIGEST, bytes: 1, parameters: 0, macs: null };
const manifest: BundleManifest = {
  format: 'featherwire-bundle',
  version: 1,
  model: { name: 'test', sha256: DIGEST, bytes: 1 },
  inputs: [{ name: 'x', dtype: 'float32', shape: [2] }],
  cut: [
    { name: 'b', dtype: 'float32', shape: [1, 'W'] },
    { name: 'a', dtype: 'uint8', shape: [3] },
  ],
  outputs: [{ name: 'y', dtype: 'float32', shape: [2] }],
  head: part,
  tail: part,
  operatingPoints: [
    {
      id: 'low',
      kind: 'described',
      coding: [
        { tensor: 'a', quantizer: { kind: 'integer' } },
        { tensor: 'b', quantizer: { kind: 'uniform', levelCount: 4, range: { kind: 'minmax' } } },
      ],
    },
  ],
  verification: { runs: 1, maxRelativeError: 0, tolerance: 1e-5 },
};
const features = {
  b: tensor('float32', [1, 8], Float32Array.of(0, 1, 2, 3, 0, 1, 2, 3)),
  a: tensor('uint8', [3], Uint8Array.of(1, 2, 1)),
};
const y = tensor('float32', [2], Float32Array.of(5, 6));
const times = { queueMs: 1, decodeMs: 2, tailMs: 3, respondMs: 4, totalMs: 11 };
const NONE = { kind: 'none' } as const;

type Step = (request: Message, options: ExchangeOptions) => Message | Uint8Array | Error;

const respond =
  (output: Tensor = y): Step =>
  ({ requestId }) => ({
    kind: 'response',
    requestId,
    times,
    frames: [encodeFrame(output, { quantizer: NONE, backend: referenceBackend })],
  });
const fail =
  (code: TransportError['code']): Step =>
  () =>
    new TransportError(code, `it was ${code}`);
const refuse =
  (code: RemoteError['code'], retryable: boolean): Step =>
  ({ requestId }) => ({ kind: 'error', requestId, code, retryable, text: `it is ${code}` });

/** A client whose exchanges take 20 ms each on a clock of its own and go as the steps say. */
function clientOf(steps: readonly Step[], options: Partial<EdgeClientOptions> = {}) {
  let now = 1000;
  const sleeps: number[] = [];
  const requests: Message[] = [];
  const waiting = [...steps];
  const clock: Clock = {
    now: () => now,
    sleep: async (ms) => {
      sleeps.push(ms);
      now += ms;
    },
  };
  const exchange = vi.fn(
    async (message: Uint8Array, exchangeOptions: ExchangeOptions = {}): Promise<Exchange> => {
      now += 20;
      const request = parseMessage(message);
      requests.push(request);
      const step = waiting.shift();
      if (!step) throw new Error('the test expected no further exchange');
      const answer = step(request, exchangeOptions);
      if (answer instanceof Error) throw answer;
      const bytes = answer instanceof Uint8Array ? answer : serializeMessage(answer);
      return { message: bytes, bytesSent: message.length + 10, bytesReceived: bytes.length + 5 };
    },
  );
  const transport: Transport = {
    counted: 'link',
    nextRequestId: createRequestIds(),
    exchange,
    close: async () => undefined,
  };
  const bundle = { manifest, digest: DIGEST, profiles: new Map() };
  const client = createEdgeClient({
    bundle,
    transport,
    backend: referenceBackend,
    clock,
    random: () => 1,
    ...options,
  });
  return { client, requests, sleeps, exchange };
}

describe('edge client', () => {
  test('shows an observer what it codes, and says what coded it', async () => {
    const onCut = vi.fn();
    const { client } = clientOf([respond(), respond()], { onCut });
    const { codec } = await client.inferFeature(features, { coding: 'low' });
    expect(codec).toBe('reference');
    expect(onCut.mock.calls).toEqual([[{ features, coded: features }]]);
    expect((await client.sendPicture(Uint8Array.of(1))).codec).toBeUndefined();
  });

  test('an encoder takes the place of head and backend, for inputs alone', async () => {
    const frames = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
    const perTensor = [{ name: 'b', elements: 8, codedBytes: 3, bitsPerElement: 3 }];
    const coded = {
      frames,
      statistics: undefined,
      perTensor,
      codec: 'webgpu',
      headMs: 7,
      encodeMs: 2,
    } as const;
    const encode = vi.fn(async () => coded);
    const { client, requests } = clientOf([respond(), respond()], { encoder: { encode } });
    const { codec, bytes, times: stages } = await client.infer({ x: y }, { coding: 'low', verify: true });
    expect(codec).toBe('webgpu');
    expect(requests[0]).toMatchObject({ kind: 'feature-request', frames });
    expect(bytes).toMatchObject({ payload: 4, perTensor });
    expect(stages).toMatchObject({ headMs: 7, encodeMs: 2 });
    const settings = { coding: { kind: 'described' }, digest: true, statistics: false };
    expect(encode.mock.calls).toMatchObject([[{ x: y }, settings]]);
    await expect(client.infer({ x: y }, { coding: 'absent' })).rejects.toThrow(RangeError);
    expect((await client.inferFeature(features, { coding: 'low' })).codec).toBe('reference');
    expect(encode).toHaveBeenCalledTimes(1);
  });

  test('sends one frame for each cut tensor in manifest order and counts every byte and stage', async () => {
    const { client, requests } = clientOf([respond()]);
    const result = await client.inferFeature(features, { coding: 'low' });
    expect(result.outputs).toEqual({ y });
    const [request] = requests;
    if (request.kind !== 'feature-request') throw new Error(request.kind);
    const [b, a] = request.frames;
    expect(request.bundlePrefix).toEqual(Uint8Array.of(0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef));
    expect(result.bytes).toMatchObject({
      sent: 8 + 8 + 1 + (1 + b.length) + (1 + a.length) + 10,
      counted: 'link',
      payload: a.length + b.length,
      perTensor: [
        { name: 'b', elements: 8, codedBytes: b.length, bitsPerElement: b.length },
        { name: 'a', elements: 3, codedBytes: a.length, bitsPerElement: (8 * a.length) / 3 },
      ],
    });
    const { totalMs: _, ...serverTimes } = times;
    expect(result.times).toEqual({
      headMs: 0,
      encodeMs: 0,
      linkMs: 9,
      ...serverTimes,
      readMs: 0,
      totalMs: 20,
    });
    expect(result.attempts).toBe(1);
  });

  test('infer runs the head first', async () => {
    const run = vi.fn(async () => ({ outputs: features, runMs: 1 }));
    const head = { inputs: [], outputs: [], run, close: async () => undefined };
    const { client } = clientOf([respond()], { head });
    const inputs = { x: tensor('float32', [2], new Float32Array(2)) };
    expect((await client.infer(inputs, { coding: { a: NONE, b: NONE } })).outputs).toEqual({ y });
    expect(run).toHaveBeenCalledWith(inputs);
    await expect(clientOf([]).client.infer(inputs, { coding: 'low' })).rejects.toThrow('head expected');
    await expect(client.infer(inputs, { coding: 'high' })).rejects.toThrow(RangeError);
    expect(run).toHaveBeenCalledTimes(1);
  });

  test('a picture is sent as it is', async () => {
    const { client, requests } = clientOf([respond()]);
    const picture = Uint8Array.of(1, 2, 3);
    const result = await client.sendPicture(picture);
    expect(requests[0]).toMatchObject({ kind: 'picture-request', image: picture });
    expect(result.bytes).toMatchObject({ sent: 16 + 3 + 10, payload: 3, perTensor: [] });
  });

  test('features and codings that do not fit the bundle are refused before anything is sent', async () => {
    const { client, exchange } = clientOf([]);
    const bad = { ...features, a: tensor('uint8', [2], new Uint8Array(2)) };
    await expect(client.inferFeature(bad, { coding: 'low' })).rejects.toThrow(InferenceError);
    await expect(client.inferFeature({ b: features.b }, { coding: 'low' })).rejects.toThrow("'a'");
    const codings: FeatureRequestOptions['coding'][] = [
      'high',
      { a: NONE },
      { a: NONE, b: NONE, c: NONE },
      { a: NONE, constructor: NONE },
    ];
    for (const coding of codings) {
      await expect(client.inferFeature(features, { coding })).rejects.toThrow(RangeError);
    }
    expect(exchange).not.toHaveBeenCalled();
  });

  test('retryable failures are repeated with doubling waits, and the bytes of answered attempts add up', async () => {
    const steps = [
      fail('connection-lost'),
      refuse('overloaded', true),
      refuse('worker-lost', true),
      respond(),
    ];
    const { client, requests, sleeps } = clientOf(steps);
    const result = await client.inferFeature(features, { coding: 'low' });
    expect(result.attempts).toBe(4);
    expect(sleeps).toEqual([50, 100, 200]);
    expect(new Set(requests.map(({ requestId }) => requestId)).size).toBe(4);
    const one = clientOf([respond()]);
    const { bytes } = await one.client.inferFeature(features, { coding: 'low' });
    expect(result.bytes.sent).toBe(3 * bytes.sent);
    expect(result.times).toMatchObject({ linkMs: 9, totalMs: 4 * 20 + 350 });
  });

  test('waits are between 0 and their bound', async () => {
    const { client, sleeps } = clientOf([fail('timeout'), fail('timeout'), respond()], {
      random: () => 0.25,
    });
    await client.inferFeature(features, { coding: 'low' });
    expect(sleeps).toEqual([12.5, 25]);
  });

  test('a wait is never shorter than the server says', async () => {
    const busy: Step = ({ requestId }) => ({
      ...{ kind: 'error', requestId, code: 'overloaded', text: 'busy' },
      ...{ retryable: true, retryAfterMs: 300 },
    });
    const { client, sleeps } = clientOf([busy, respond()], { random: () => 0.5 });
    await client.inferFeature(features, { coding: 'low' });
    expect(sleeps).toEqual([325]);
  });

  test('a failure for good is not repeated', async () => {
    for (const step of [refuse('bad-frame', false), fail('bad-reply'), fail('aborted')]) {
      const { client, exchange } = clientOf([step]);
      const error = await client.inferFeature(features, { coding: 'low' }).catch((reason) => reason);
      expect([TransportError, RemoteError].some((type) => error instanceof type)).toBe(true);
      expect(exchange).toHaveBeenCalledTimes(1);
    }
  });

  test('the last failure says after how many attempts, in one line', async () => {
    const refused = new Array(3).fill(refuse('overloaded', true));
    const { client } = clientOf(refused, { retry: { maxAttempts: 3 } });
    const error = await client.inferFeature(features, { coding: 'low' }).catch((reason) => reason);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code: 'overloaded', message: 'it is overloaded (after 3 attempts)' });
  });

  test('no attempt begins after the deadline, and each gets the time that is left', async () => {
    const left: (number | undefined)[] = [];
    const step: Step = (_, { timeoutMs }) => {
      left.push(timeoutMs);
      return new TransportError('connection-lost', 'lost');
    };
    const { client } = clientOf(new Array(9).fill(step), { retry: { maxAttempts: 9 } });
    const started = client.inferFeature(features, { coding: 'low', timeoutMs: 250 });
    await expect(started).rejects.toThrow('lost (after 3 attempts)');
    expect(left).toEqual([250, 250 - 20 - 50, 250 - 40 - 150]);
    const late = client.inferFeature(features, { coding: 'low', timeoutMs: 250, elapsedMs: 100 });
    await expect(late).rejects.toThrow('lost (after 2 attempts)');
    expect(left.slice(3)).toEqual([150, 150 - 20 - 50]);
  });

  test('each attempt carries the time that is left for the server, and none by default', async () => {
    const steps = [fail('connection-lost'), respond(), respond()];
    const { client, requests } = clientOf(steps);
    const options = { coding: 'low', timeoutMs: 250, deadlineLinkMs: 30.5 };
    await client.inferFeature(features, options);
    await client.inferFeature(features, { coding: 'low', timeoutMs: 250 });
    const deadlines = requests.map((request) => 'deadlineMs' in request && request.deadlineMs);
    expect(deadlines).toEqual([219, 219 - 20 - 50, false]);
  });

  test('the signal ends the wait between attempts', async () => {
    const controller = new AbortController();
    const clock: Clock = { now: () => 0, sleep: async () => controller.abort() };
    const { client, exchange } = clientOf([fail('connection-lost')], { clock });
    const started = client.inferFeature(features, { coding: 'low', signal: controller.signal });
    await expect(started).rejects.toMatchObject({ code: 'aborted' });
    expect(exchange).toHaveBeenCalledTimes(1);
  });

  test.each<[string, Step]>([
    ['other bytes', () => Uint8Array.of(1, 2, 3)],
    ['a response to another request', (request) => respond()({ ...request, requestId: 99 }, {})],
    ['a request', (request) => request],
    ['too many outputs', (request) => twice(respond()(request, {}))],
    ['another element type', respond(tensor('int8', [2], new Int8Array(2)))],
    ['another shape', respond(tensor('float32', [1], new Float32Array(1)))],
    ['a larger shape', respond(tensor('float32', [3], new Float32Array(3)))],
    ['a damaged frame', (request) => damaged(respond()(request, {}))],
  ])('%s as reply is bad-reply', async (_, step) => {
    const { client } = clientOf([step]);
    const error = await client.inferFeature(features, { coding: 'low' }).catch((reason) => reason);
    expect(error).toMatchObject({ name: 'TransportError', code: 'bad-reply', retryable: false });
  });

  test('a policy or digest out of range is refused at once', () => {
    expect(() => clientOf([], { retry: { maxAttempts: 0 } })).toThrow(RangeError);
    expect(() => clientOf([], { retry: { baseDelayMs: -1 } })).toThrow(RangeError);
    expect(() => clientOf([], { bundle: { manifest, digest: 'abc', profiles: new Map() } })).toThrow(
      RangeError,
    );
  });
});

function twice(message: ReturnType<Step>): Message {
  if (!('kind' in message) || message.kind !== 'response') throw new Error('a response expected');
  return { ...message, frames: [...message.frames, ...message.frames] };
}

function damaged(message: ReturnType<Step>): Message {
  if (!('kind' in message) || message.kind !== 'response') throw new Error('a response expected');
  const frame = message.frames[0].slice();
  frame[frame.length - 6] ^= 1;
  return { ...message, frames: [frame] };
}
