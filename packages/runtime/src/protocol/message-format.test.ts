import type { FeatureSummary } from '@featherwire/codec';
import { createRandom } from '@featherwire/tensor';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestPrefix, type FeatureRequest, type Message } from './message.js';
import { parseMessage, peekRequestId, serializeMessage } from './message-format.js';
import { ProtocolError } from './protocol-error.js';
import { REMOTE_ERRORS, type RemoteErrorCode } from './remote-error-codes.js';
import { MAX_VARINT, readVarint, varintBytes, writeVarint } from './varint.js';

const requestId = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const bundlePrefix = fc.uint8Array({ minLength: 8, maxLength: 8 });
const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 5 });
const time = fc.float({ min: 0, max: 1e9, noNaN: true, noDefaultInfinity: true }).map(Math.abs);
const times = fc.record({ queueMs: time, decodeMs: time, tailMs: time, respondMs: time, totalMs: time });
const share = fc.integer({ min: 0, max: 0xffff }).map((part) => part / 0xffff);
const extreme = fc.float({ noNaN: true, noDefaultInfinity: true });
const statistics = fc.array(
  fc.tuple(share, share, extreme, extreme).map(([saturatedShare, backgroundShare, a, b]) => ({
    ...{ saturatedShare, backgroundShare },
    ...(a <= b ? { low: a, high: b } : { low: b, high: a }),
  })),
  { minLength: 1, maxLength: 5 },
);
const withFlags = <T extends object>(request: fc.Arbitrary<T>) =>
  fc.oneof(
    request,
    fc.tuple(request, fc.nat(2 ** 32 - 1)).map(([rest, deadlineMs]) => ({ ...rest, deadlineMs })),
    request.map((rest) => ({ ...rest, compactOutputs: true as const })),
    request.map((rest) => ({ ...rest, compactOutputs: true as const, deadlineMs: 300 })),
  );
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  withFlags(
    fc.record({ kind: fc.constant('feature-request' as const), requestId, bundlePrefix, frames, statistics }),
  ),
  withFlags(fc.record({ kind: fc.constant('feature-request' as const), requestId, bundlePrefix, frames })),
  withFlags(
    fc.record({
      kind: fc.constant('picture-request' as const),
      requestId,
      bundlePrefix,
      image: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    }),
  ),
  fc.record({ kind: fc.constant('response' as const), requestId, times, frames }),
  fc.record({
    kind: fc.constant('error' as const),
    requestId: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    code: fc.constantFrom(...(Object.keys(REMOTE_ERRORS) as RemoteErrorCode[])),
    retryable: fc.boolean(),
    text: fc.string({ unit: 'grapheme', maxLength: 60 }),
  }),
  fc.record({
    kind: fc.constant('error' as const),
    requestId,
    code: fc.constant('overloaded' as const),
    retryable: fc.constant(true),
    retryAfterMs: fc.nat(2 ** 32 - 1),
    text: fc.string({ unit: 'grapheme', maxLength: 60 }),
  }),
);

/** What parsing gives: a message, or the code of its ProtocolError; any other error fails the test. */
function outcome(bytes: Uint8Array): Message | string {
  try {
    return parseMessage(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

const sample = serializeMessage({
  kind: 'feature-request',
  requestId: 7,
  bundlePrefix: digestPrefix('00112233445566778899aabbccddeeff'.repeat(2)),
  frames: [Uint8Array.of(1, 2, 3), new Uint8Array(200).fill(9)],
});

/** The sample with some bytes replaced. */
function changed(changes: Record<number, number>): Uint8Array {
  const bytes = sample.slice();
  for (const [offset, value] of Object.entries(changes)) bytes[Number(offset)] = value;
  return bytes;
}

/** The head of a request with statistics, their count, and as many bytes more: zeros, but for some by position. */
function observed(count: number, bytes: number, changes: Record<number, number> = {}): Uint8Array {
  const tail = new Uint8Array(bytes);
  for (const [offset, value] of Object.entries(changes)) tail[Number(offset)] = value;
  return Uint8Array.of(...changed({ 3: 5 }).subarray(0, 16), count, ...tail);
}

test('statistics that cannot be written are refused, and infinite extremes become the largest numbers', () => {
  const good = { saturatedShare: 0.5, backgroundShare: 1, low: Number.NEGATIVE_INFINITY, high: 1 };
  const request = (...list: FeatureSummary[]) =>
    serializeMessage({ ...(parseMessage(sample) as FeatureRequest), statistics: list });
  const [written] = (parseMessage(request(good)) as FeatureRequest).statistics!;
  expect(written).toEqual({ ...good, saturatedShare: 32768 / 65535, low: -Math.fround(3.4028234e38) });
  expect(() => request()).toThrow('statistics expected 1 to 255, got 0');
  expect(() => request({ ...good, saturatedShare: 1.1 })).toThrow('share expected 0 to 1, got 1.1');
  expect(() => request({ ...good, high: Number.NaN })).toThrow('low up to high');
});

describe('message format', () => {
  test('what is serialized parses back to the same, from any offset of a larger buffer', () => {
    fc.assert(
      fc.property(anyMessage, fc.integer({ min: 0, max: 9 }), (message, shift) => {
        const bytes = serializeMessage(message);
        const shifted = new Uint8Array(bytes.length + 20).fill(0xff);
        shifted.set(bytes, shift);
        const view = shifted.subarray(shift, shift + bytes.length);
        expect(parseMessage(view)).toEqual(message);
        expect(peekRequestId(view)).toBe(message.requestId);
        expect(serializeMessage(parseMessage(view))).toEqual(bytes);
      }),
    );
  });

  test('a request or response that is one byte short at any length is refused', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const bytes = serializeMessage(message);
        for (let length = 0; length < bytes.length; length++) {
          const result = outcome(bytes.subarray(0, length));
          // The last field of a picture request and of an error runs to the end, so shorter ones are messages too.
          const openEnded = message.kind === 'picture-request' || message.kind === 'error';
          if (typeof result === 'string') expect(['truncated', 'bad-value']).toContain(result);
          else expect(openEnded, `length ${length}`).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('flipped bits give a message or a ProtocolError, and a message serializes to the same bytes', () => {
    fc.assert(
      fc.property(anyMessage, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), (message, flips) => {
        const bytes = serializeMessage(message);
        for (const flip of flips) bytes[Math.floor(flip / 8) % bytes.length] ^= 1 << (flip % 8);
        const result = outcome(bytes);
        if (typeof result !== 'string') expect(serializeMessage(result)).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test('random bytes after a right head give a message or a ProtocolError', () => {
    const random = createRandom(11);
    for (let run = 0; run < 5000; run++) {
      const bytes = Uint8Array.from({ length: random.nextInteger(60) }, () => random.nextInteger(256));
      bytes.set([0x46, 0x4d, 1, 1 + random.nextInteger(4)].slice(0, bytes.length));
      outcome(bytes);
    }
  });

  test.each<[string, Uint8Array, string]>([
    ['no bytes', new Uint8Array(0), 'truncated'],
    ['a wrong magic', changed({ 0: 0x47 }), 'wrong-magic'],
    ['a newer version', changed({ 2: 2 }), 'unsupported-version'],
    ['version 0', changed({ 2: 0 }), 'unsupported-version'],
    ['kind 0', changed({ 3: 0 }), 'unknown-kind'],
    ['kind 6', changed({ 3: 6 }), 'unknown-kind'],
    ['a response with a deadline', changed({ 3: 0x43 }), 'unknown-kind'],
    ['a response with a form of its own', changed({ 3: 0x23 }), 'unknown-kind'],
    ['a deadline in a longer form', changed({ 3: 0x41, 16: 0x80, 17: 0 }), 'bad-length'],
    ['a deadline without a body', changed({ 3: 0x41 }).subarray(0, 17), 'truncated'],
    ['no statistics', observed(0, 1), 'bad-value'],
    ['statistics cut short', observed(1, 11), 'truncated'],
    ['statistics without frames', observed(1, 12), 'truncated'],
    ['a smallest element that is not a number', observed(1, 13, { 7: 0x7f, 6: 0xc0 }), 'bad-value'],
    ['a largest element that is infinite', observed(1, 13, { 11: 0x7f, 10: 0x80 }), 'bad-value'],
    ['a largest element below the smallest', observed(1, 13, { 11: 0xbf, 10: 0x80 }), 'bad-value'],
    ['request id 0', changed({ 4: 0 }), 'bad-value'],
    ['no tensors', changed({ 16: 0 }), 'bad-value'],
    ['fewer tensors than frames', changed({ 16: 1 }), 'trailing-bytes'],
    ['more tensors than frames', changed({ 16: 3 }), 'truncated'],
    ['an empty frame', changed({ 17: 0 }), 'bad-length'],
    ['a length of 4 GiB', changed({ 17: 0xff, 18: 0xff, 19: 0xff, 20: 0xff, 21: 0x0f }), 'truncated'],
    ['a length over 4 GiB', changed({ 17: 0xff, 18: 0xff, 19: 0xff, 20: 0xff, 21: 0x10 }), 'bad-length'],
    ['a length that never ends', changed({ 17: 0x80, 18: 0x80, 19: 0x80, 20: 0x80, 21: 0x80 }), 'bad-length'],
    ['a length in a longer form', changed({ 17: 0x83, 18: 0 }), 'bad-length'],
    ['bytes after the end', Uint8Array.from([...sample, 0]), 'trailing-bytes'],
    ['an unknown error code', Uint8Array.of(0x46, 0x4d, 1, 4, 0, 0, 0, 0, 200, 0), 'bad-value'],
    ['a final error with a time to wait', Uint8Array.of(0x46, 0x4d, 1, 4, 0, 0, 0, 0, 1, 2), 'bad-value'],
    ['reserved error flags', Uint8Array.of(0x46, 0x4d, 1, 4, 0, 0, 0, 0, 1, 4), 'bad-value'],
    ['a time to wait cut short', Uint8Array.of(0x46, 0x4d, 1, 4, 0, 0, 0, 0, 9, 3, 0x80), 'truncated'],
    ['an error text that is not UTF-8', Uint8Array.of(0x46, 0x4d, 1, 4, 0, 0, 0, 0, 1, 0, 0xff), 'bad-value'],
    [
      'an error text over 1024 bytes',
      Uint8Array.from([0x46, 0x4d, 1, 4, 0, 0, 0, 0, 1, 0, ...new Array(1025).fill(65)]),
      'bad-length',
    ],
    [
      'a stage time that is not a number',
      Uint8Array.from([0x46, 0x4d, 1, 3, 1, 0, 0, 0, 0, 0, 0xc0, 0x7f, ...new Array(16).fill(0), 1, 1, 1]),
      'bad-value',
    ],
    [
      'a negative stage time',
      Uint8Array.from([0x46, 0x4d, 1, 3, 1, 0, 0, 0, 0, 0, 0x80, 0xbf, ...new Array(16).fill(0), 1, 1, 1]),
      'bad-value',
    ],
  ])('%s is refused', (_, bytes, code) => {
    expect(outcome(bytes)).toBe(code);
  });

  test('a long error text is cut between characters to 1024 bytes', () => {
    const bytes = serializeMessage({
      kind: 'error',
      requestId: 0,
      code: 'internal',
      retryable: false,
      text: `a${'é'.repeat(1000)}`,
    });
    expect(bytes.length).toBe(10 + 1023);
    expect(parseMessage(bytes)).toMatchObject({ text: `a${'é'.repeat(511)}` });
  });

  test('fields outside their range are not serialized', () => {
    const prefix = new Uint8Array(8);
    const frame = Uint8Array.of(1);
    const request = { kind: 'feature-request' as const, requestId: 1, bundlePrefix: prefix, frames: [frame] };
    const zero = { queueMs: 0, decodeMs: 0, tailMs: 0, respondMs: 0, totalMs: 0 };
    const bad: Message[] = [
      { ...request, requestId: 0 },
      { ...request, requestId: 2 ** 32 },
      { ...request, requestId: 1.5 },
      { ...request, bundlePrefix: new Uint8Array(7) },
      { ...request, deadlineMs: -1 },
      { ...request, deadlineMs: 0.5 },
      { ...request, deadlineMs: 2 ** 32 },
      { ...request, frames: [] },
      { ...request, frames: new Array(256).fill(frame) },
      { ...request, frames: [new Uint8Array(0)] },
      { kind: 'picture-request', requestId: 1, bundlePrefix: prefix, image: new Uint8Array(0) },
      { kind: 'response', requestId: 1, times: { ...zero, tailMs: -1 }, frames: [frame] },
      { kind: 'response', requestId: 1, times: { ...zero, tailMs: 1e300 }, frames: [frame] },
    ];
    for (const message of bad) expect(() => serializeMessage(message)).toThrow(RangeError);
    expect(() => digestPrefix('00')).toThrow(RangeError);
  });

  test('every error code has its own byte', () => {
    const bytes = Object.values(REMOTE_ERRORS).map((row) => row.byte);
    expect(new Set(bytes).size).toBe(bytes.length);
  });
});

test('a varint takes the bytes it says and reads back', () => {
  for (const value of [0, 1, 127, 128, 16383, 16384, 2 ** 21 - 1, 2 ** 28, 2 ** 31, MAX_VARINT]) {
    const bytes = new Uint8Array(8);
    const end = writeVarint(bytes, 1, value);
    expect(end - 1, `value ${value}`).toBe(varintBytes(value));
    expect(readVarint(bytes, 1)).toEqual({ value, end });
    expect(() => readVarint(bytes.subarray(0, end - 1), 1)).toThrow(ProtocolError);
  }
});
