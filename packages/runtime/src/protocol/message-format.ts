/**
 * Messages as bytes, both ways (docs/protocol.md §3 to §6). Parsing makes views on the bytes it is given and
 * allocates nothing that a length in the message could make large.
 */

import { readStatistics, statisticsBytes, writeStatistics } from './feature-statistics.js';
import {
  DIGEST_PREFIX_BYTES,
  type ErrorMessage,
  type FeatureRequest,
  MAX_ERROR_TEXT_BYTES,
  MAX_TENSORS,
  type Message,
  type PictureRequest,
  type ResponseMessage,
  type StageTimes,
} from './message.js';
import { ProtocolError } from './protocol-error.js';
import { REMOTE_ERRORS, remoteErrorCode } from './remote-error-codes.js';
import { MAX_VARINT, readVarint, varintBytes, writeVarint } from './varint.js';

/** First bytes of every message: "FM". */
export const MESSAGE_MAGIC: readonly number[] = Object.freeze([0x46, 0x4d]);
/** The version that this code reads and writes. */
export const MESSAGE_VERSION = 1;

const KIND_BYTES = { 'feature-request': 1, 'picture-request': 2, response: 3, error: 4 } as const;
/** A feature request with statistics: the same record, so that requests without them take no byte for it. */
const OBSERVED_FEATURE_REQUEST = 5;
/** Added to the kind of a request that has a deadline: again so that requests without one take no byte for it. */
const DEADLINE_FLAG = 0x40;
/** Likewise of a request whose answer may hold lossless frames. */
const COMPACT_FLAG = 0x20;
const FLAGS = DEADLINE_FLAG | COMPACT_FLAG;
const REQUEST_KINDS: readonly number[] = [
  KIND_BYTES['feature-request'],
  KIND_BYTES['picture-request'],
  OBSERVED_FEATURE_REQUEST,
];
const KNOWN_KINDS: readonly number[] = [
  ...Object.values(KIND_BYTES),
  OBSERVED_FEATURE_REQUEST,
  ...[DEADLINE_FLAG, COMPACT_FLAG, FLAGS].flatMap((flag) => REQUEST_KINDS.map((kind) => kind | flag)),
];
const VERSION_OFFSET = 2;
const KIND_OFFSET = 3;
const REQUEST_ID_OFFSET = 4;
/** What every message begins with. */
export const HEAD_BYTES = 8;
/** Where the deadline or the body of a request begins. */
const AFTER_PREFIX_OFFSET = HEAD_BYTES + DIGEST_PREFIX_BYTES;
const TIME_COUNT = 5;
const RETRYABLE_FLAG = 1;
/** Only together with the one before. */
const RETRY_AFTER_FLAG = 2;
const MAX_REQUEST_ID = 2 ** 32 - 1;

/**
 * Writes a message.
 * @returns new bytes; the parts of the message are copied
 * @throws {RangeError} if a field is outside the range that its type states
 */
export function serializeMessage(message: Message): Uint8Array {
  switch (message.kind) {
    case 'feature-request':
      return serializeFeatureRequest(message);
    case 'picture-request': {
      if (message.image.length === 0) throw new RangeError('image expected at least 1 byte, got 0');
      const { target, bodyOffset } = startRequest(message, message.image.length);
      target.set(message.image, bodyOffset);
      return target;
    }
    case 'response': {
      const target = start(message, 4 * TIME_COUNT + framesBytes(message.frames));
      writeTimes(target, message.times);
      writeFrames(target, HEAD_BYTES + 4 * TIME_COUNT, message.frames);
      return target;
    }
    case 'error':
      return serializeError(message);
    default:
      return message satisfies never;
  }
}

function serializeFeatureRequest(message: FeatureRequest): Uint8Array {
  const { frames, statistics } = message;
  const extraBytes = statistics ? statisticsBytes(statistics) : 0;
  const { target, bodyOffset } = startRequest(message, extraBytes + framesBytes(frames));
  if (!statistics) {
    writeFrames(target, bodyOffset, frames);
    return target;
  }
  target[KIND_OFFSET] = OBSERVED_FEATURE_REQUEST | (target[KIND_OFFSET] & FLAGS);
  writeFrames(target, writeStatistics(target, bodyOffset, statistics), frames);
  return target;
}

/** Head, bundle and deadline of a request. */
function startRequest(
  message: FeatureRequest | PictureRequest,
  bodyBytes: number,
): { readonly target: Uint8Array; readonly bodyOffset: number } {
  const { bundlePrefix, deadlineMs, compactOutputs } = message;
  const deadlineBytes =
    deadlineMs === undefined ? 0 : varintBytes(checkMilliseconds('deadlineMs', deadlineMs));
  const target = start(message, DIGEST_PREFIX_BYTES + deadlineBytes + bodyBytes);
  target.set(checkPrefix(bundlePrefix), HEAD_BYTES);
  if (compactOutputs) target[KIND_OFFSET] |= COMPACT_FLAG;
  if (deadlineMs === undefined) return { target, bodyOffset: AFTER_PREFIX_OFFSET };
  target[KIND_OFFSET] |= DEADLINE_FLAG;
  return { target, bodyOffset: writeVarint(target, AFTER_PREFIX_OFFSET, deadlineMs) };
}

function checkMilliseconds(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= MAX_VARINT) return value;
  throw new RangeError(`${name} expected an integer from 0 to ${MAX_VARINT}, got ${value}`);
}

/**
 * Reads one message.
 * @param bytes - exactly one message; the parts of the result are views on it
 * @throws {ProtocolError} on anything else, whatever the bytes are
 */
export function parseMessage(bytes: Uint8Array): Message {
  checkHead(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const requestId = view.getUint32(REQUEST_ID_OFFSET, true);
  const kind = bytes[KIND_OFFSET];
  if (kind === KIND_BYTES.error) return parseError(bytes, requestId);
  if (requestId === 0)
    throw new ProtocolError('bad-value', REQUEST_ID_OFFSET, 'requestId expected 1 or more, got 0');
  if (kind === KIND_BYTES.response) return parseResponse(bytes, view, requestId);

  return parseRequest(bytes, requestId);
}

function parseRequest(bytes: Uint8Array, requestId: number): Message {
  if (bytes.length <= AFTER_PREFIX_OFFSET) {
    const message = `request expected over ${AFTER_PREFIX_OFFSET} bytes, got ${bytes.length}`;
    throw new ProtocolError('truncated', bytes.length, message);
  }
  const hasDeadline = (bytes[KIND_OFFSET] & DEADLINE_FLAG) !== 0;
  const { value: deadlineMs, end: bodyOffset } = hasDeadline
    ? readVarint(bytes, AFTER_PREFIX_OFFSET)
    : { value: 0, end: AFTER_PREFIX_OFFSET };
  if (bodyOffset === bytes.length)
    throw new ProtocolError('truncated', bodyOffset, 'request expected a body, got none');
  const common = {
    requestId,
    bundlePrefix: bytes.subarray(HEAD_BYTES, AFTER_PREFIX_OFFSET),
    ...(hasDeadline && { deadlineMs }),
    ...((bytes[KIND_OFFSET] & COMPACT_FLAG) !== 0 && { compactOutputs: true as const }),
  };
  const kind = bytes[KIND_OFFSET] & ~FLAGS;
  if (kind === KIND_BYTES['picture-request'])
    return { kind: 'picture-request', ...common, image: bytes.subarray(bodyOffset) };
  if (kind === KIND_BYTES['feature-request'])
    return { kind: 'feature-request', ...common, frames: parseFrames(bytes, bodyOffset) };
  const { statistics, end } = readStatistics(bytes, bodyOffset);
  if (end === bytes.length) throw new ProtocolError('truncated', end, 'request expected frames, got none');
  return { kind: 'feature-request', ...common, frames: parseFrames(bytes, end), statistics };
}

/** The request id of bytes that begin like a message of any version, or 0: for answering what cannot be read. */
export function peekRequestId(bytes: Uint8Array): number {
  if (bytes.length < HEAD_BYTES || MESSAGE_MAGIC.some((byte, i) => bytes[i] !== byte)) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(REQUEST_ID_OFFSET, true);
}

/**
 * Checks the first bytes of a message, of which more may be to come.
 * @param bytes - `HEAD_BYTES` at least
 * @throws {ProtocolError} if no message begins so
 */
export function checkHead(bytes: Uint8Array): void {
  if (bytes.length < HEAD_BYTES) {
    throw new ProtocolError('truncated', bytes.length, `message expected at least ${HEAD_BYTES} bytes`);
  }
  if (MESSAGE_MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new ProtocolError('wrong-magic', 0, "magic expected 'FM', got other bytes");
  }
  if (bytes[VERSION_OFFSET] !== MESSAGE_VERSION) {
    const message = `version expected ${MESSAGE_VERSION}, got ${bytes[VERSION_OFFSET]}`;
    throw new ProtocolError('unsupported-version', VERSION_OFFSET, message);
  }
  if (!KNOWN_KINDS.includes(bytes[KIND_OFFSET])) {
    throw new ProtocolError(
      'unknown-kind',
      KIND_OFFSET,
      `kind expected one of ${KNOWN_KINDS}, got ${bytes[KIND_OFFSET]}`,
    );
  }
}

function start(message: Message, bodyBytes: number): Uint8Array {
  const { kind, requestId } = message;
  const lowest = kind === 'error' ? 0 : 1;
  if (!Number.isInteger(requestId) || requestId < lowest || requestId > MAX_REQUEST_ID) {
    throw new RangeError(
      `requestId expected an integer from ${lowest} to ${MAX_REQUEST_ID}, got ${requestId}`,
    );
  }
  const target = new Uint8Array(HEAD_BYTES + bodyBytes);
  target.set(MESSAGE_MAGIC);
  target[VERSION_OFFSET] = MESSAGE_VERSION;
  target[KIND_OFFSET] = KIND_BYTES[kind];
  new DataView(target.buffer).setUint32(REQUEST_ID_OFFSET, requestId, true);
  return target;
}

function checkPrefix(prefix: Uint8Array): Uint8Array {
  if (prefix.length === DIGEST_PREFIX_BYTES) return prefix;
  throw new RangeError(`bundlePrefix expected ${DIGEST_PREFIX_BYTES} bytes, got ${prefix.length}`);
}

function framesBytes(frames: readonly Uint8Array[]): number {
  if (frames.length < 1 || frames.length > MAX_TENSORS) {
    throw new RangeError(`frames expected 1 to ${MAX_TENSORS}, got ${frames.length}`);
  }
  return frames.reduce((sum, { length }) => {
    if (length < 1 || length > MAX_VARINT)
      throw new RangeError(`frame expected 1 to ${MAX_VARINT} bytes, got ${length}`);
    return sum + varintBytes(length) + length;
  }, 1);
}

function writeFrames(target: Uint8Array, offset: number, frames: readonly Uint8Array[]): void {
  target[offset] = frames.length;
  let end = offset + 1;
  for (const frame of frames) {
    end = writeVarint(target, end, frame.length);
    target.set(frame, end);
    end += frame.length;
  }
}

/** A tensor count and that many length-prefixed frames, up to the end of the message. */
function parseFrames(bytes: Uint8Array, offset: number): Uint8Array[] {
  const count = bytes[offset];
  if (count === 0) throw new ProtocolError('bad-value', offset, 'tensor count expected 1 or more, got 0');
  const frames: Uint8Array[] = [];
  let position = offset + 1;
  for (let i = 0; i < count; i++) {
    const { value: length, end } = readVarint(bytes, position);
    if (length === 0)
      throw new ProtocolError('bad-length', position, `frame ${i} expected at least 1 byte, got 0`);
    if (length > bytes.length - end) {
      const message = `frame ${i} expected ${length} bytes, got ${bytes.length - end}`;
      throw new ProtocolError('truncated', position, message);
    }
    frames.push(bytes.subarray(end, end + length));
    position = end + length;
  }
  if (position !== bytes.length) {
    const message = `end of message expected, got ${bytes.length - position} more bytes`;
    throw new ProtocolError('trailing-bytes', position, message);
  }
  return frames;
}

function writeTimes(target: Uint8Array, times: StageTimes): void {
  const view = new DataView(target.buffer);
  const values = [times.queueMs, times.decodeMs, times.tailMs, times.respondMs, times.totalMs];
  values.forEach((value, i) => {
    if (!isTime(Math.fround(value)))
      throw new RangeError(`stage time expected finite and not negative, got ${value}`);
    view.setFloat32(HEAD_BYTES + 4 * i, value, true);
  });
}

function parseResponse(bytes: Uint8Array, view: DataView, requestId: number): ResponseMessage {
  const framesOffset = HEAD_BYTES + 4 * TIME_COUNT;
  if (bytes.length <= framesOffset) {
    const message = `response expected over ${framesOffset} bytes, got ${bytes.length}`;
    throw new ProtocolError('truncated', bytes.length, message);
  }
  const values = Array.from({ length: TIME_COUNT }, (_, i) => {
    const offset = HEAD_BYTES + 4 * i;
    const value = view.getFloat32(offset, true);
    if (isTime(value)) return value;
    throw new ProtocolError('bad-value', offset, `stage time expected finite and not negative, got ${value}`);
  });
  const [queueMs, decodeMs, tailMs, respondMs, totalMs] = values;
  const times = { queueMs, decodeMs, tailMs, respondMs, totalMs };
  return { kind: 'response', requestId, times, frames: parseFrames(bytes, framesOffset) };
}

function isTime(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

const AFTER_FLAGS_OFFSET = HEAD_BYTES + 2;

function serializeError(message: ErrorMessage): Uint8Array {
  const { retryable, retryAfterMs } = message;
  if (retryAfterMs !== undefined && !retryable) {
    throw new RangeError('retryAfterMs expected a retryable error, got a final one');
  }
  const text = truncatedUtf8(message.text, MAX_ERROR_TEXT_BYTES);
  const waitBytes =
    retryAfterMs === undefined ? 0 : varintBytes(checkMilliseconds('retryAfterMs', retryAfterMs));
  const target = start(message, 2 + waitBytes + text.length);
  target[HEAD_BYTES] = REMOTE_ERRORS[message.code].byte;
  target[HEAD_BYTES + 1] = retryable ? RETRYABLE_FLAG : 0;
  if (retryAfterMs !== undefined) {
    target[HEAD_BYTES + 1] |= RETRY_AFTER_FLAG;
    writeVarint(target, AFTER_FLAGS_OFFSET, retryAfterMs);
  }
  target.set(text, AFTER_FLAGS_OFFSET + waitBytes);
  return target;
}

function parseError(bytes: Uint8Array, requestId: number): ErrorMessage {
  if (bytes.length < AFTER_FLAGS_OFFSET) {
    throw new ProtocolError('truncated', bytes.length, `error expected at least ${AFTER_FLAGS_OFFSET} bytes`);
  }
  const code = remoteErrorCode(bytes[HEAD_BYTES]);
  if (!code) throw new ProtocolError('bad-value', HEAD_BYTES, `error code is unknown: ${bytes[HEAD_BYTES]}`);
  const flags = bytes[HEAD_BYTES + 1];
  const isTimed = flags === (RETRYABLE_FLAG | RETRY_AFTER_FLAG);
  if (flags > RETRYABLE_FLAG && !isTimed) {
    throw new ProtocolError('bad-value', HEAD_BYTES + 1, `error flags expected 0, 1 or 3, got ${flags}`);
  }
  const wait = isTimed ? readVarint(bytes, AFTER_FLAGS_OFFSET) : undefined;
  const textOffset = wait?.end ?? AFTER_FLAGS_OFFSET;
  const text = bytes.subarray(textOffset);
  if (text.length > MAX_ERROR_TEXT_BYTES) {
    const message = `error text expected at most ${MAX_ERROR_TEXT_BYTES} bytes, got ${text.length}`;
    throw new ProtocolError('bad-length', textOffset, message);
  }
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
    const retry = { retryable: flags !== 0, ...(wait && { retryAfterMs: wait.value }) };
    return { kind: 'error', requestId, code, ...retry, text: decoded };
  } catch {
    throw new ProtocolError('bad-value', textOffset, 'error text expected UTF-8');
  }
}

/** At most `maxBytes` of UTF-8, cut between characters. */
function truncatedUtf8(text: string, maxBytes: number): Uint8Array {
  const target = new Uint8Array(maxBytes);
  const { written } = new TextEncoder().encodeInto(text, target);
  return target.subarray(0, written);
}
