/**
 * Bodies of inference requests and responses of the Open Inference Protocol, version 2, HTTP form: a JSON object, and behind
 * it the bytes of the tensors whose `binary_data_size` says so (binary tensor data extension). Requests and responses hold
 * tensors in the same form, so that a server and a client share this file.
 */

import type { Tensor } from '@featherwire/tensor';
import { bytesOfTensor } from './binary-data.js';
import { datatypeOf } from './datatypes.js';
import { jsonOfTensor } from './json-data.js';
import { WireError } from './wire-error.js';

/** Header with the length of the JSON object where bytes follow it. */
export const HEADER_LENGTH_FIELD = 'inference-header-content-length';

/** What servers that take the binary form say among their extensions. */
export const BINARY_EXTENSION = 'binary_tensor_data';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A tensor of a body, not read yet. */
export interface WireTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly content:
    | { readonly kind: 'json'; readonly data: unknown }
    /** A view on the body. */
    | { readonly kind: 'binary'; readonly bytes: Uint8Array };
}

/** A body taken apart. */
export interface InferenceBody {
  readonly json: JsonObject;
  readonly tensors: readonly WireTensor[];
}

/** A tensor to be written. */
export interface TensorToWrite {
  readonly name: string;
  readonly tensor: Tensor;
  readonly isBinary: boolean;
}

/** A written body. */
export interface WrittenBody {
  readonly bytes: Uint8Array;
  /** Value of `Inference-Header-Content-Length`; undefined if no bytes follow the JSON object. */
  readonly headerLength: number | undefined;
}

/** Under which a body is read. */
export interface BodyOptions {
  /** Where the tensors are. */
  readonly list: 'inputs' | 'outputs';
  /** Value of `Inference-Header-Content-Length`, if there is one. */
  readonly headerLength: string | undefined;
  /** Longest JSON object that is parsed: what it makes is some ten times as large. */
  readonly maxJsonBytes: number;
}

const MAX_TENSORS = 255;
const MAX_RANK = 32;

/**
 * Takes a body apart. Elements are not looked at; lengths are compared with what is there.
 * @throws {WireError} if it is not of the protocol's form
 */
export function parseBody(
  bytes: Uint8Array,
  { list, headerLength, maxJsonBytes }: BodyOptions,
): InferenceBody {
  const jsonBytes = lengthOfHeader(bytes, headerLength);
  if (jsonBytes > maxJsonBytes) {
    throw new WireError(`JSON expected at most ${maxJsonBytes} bytes, got ${jsonBytes}`);
  }
  const json = parseJson(bytes.subarray(0, jsonBytes));
  return { json, tensors: readTensors(json[list], list, bytes.subarray(jsonBytes)) };
}

/**
 * Writes a body.
 * @param fields - of the JSON object beside the tensors
 * @throws {WireError} if a tensor that is to be JSON has infinities or NaN
 */
export function writeBody(
  fields: JsonObject,
  list: BodyOptions['list'],
  tensors: readonly TensorToWrite[],
): WrittenBody {
  const entries = tensors.map(entryOf);
  const head = JSON.stringify(fields).slice(0, -1);
  const json = Buffer.from(`${head}${head.length > 1 ? ',' : ''}"${list}":[${entries.join(',')}]}`);
  const blocks = tensors.filter(({ isBinary }) => isBinary).map(({ tensor }) => bytesOfTensor(tensor));
  if (blocks.length === 0) return { bytes: json, headerLength: undefined };
  return { bytes: Buffer.concat([json, ...blocks]), headerLength: json.length };
}

/** Looks a value up as an object. @throws {WireError} if it is something else; absent is empty */
export function objectOf(what: string, value: unknown): JsonObject {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new WireError(`${what} expected an object, got something else`);
}

/** Looks a value up as text. @throws {WireError} if it is something else */
export function textOf(what: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new WireError(`${what} expected a string, got ${typeof value}`);
}

function entryOf({ name, tensor, isBinary }: TensorToWrite): string {
  const common = { name, shape: tensor.shape, datatype: datatypeOf(tensor.dtype) };
  if (isBinary) {
    return JSON.stringify({ ...common, parameters: { binary_data_size: bytesOfTensor(tensor).length } });
  }
  // Its numbers are written by hand: JSON.stringify has no 64-bit integers.
  return `${JSON.stringify(common).slice(0, -1)},"data":${jsonOfTensor(`'${name}'`, tensor)}}`;
}

function lengthOfHeader(bytes: Uint8Array, headerLength: string | undefined): number {
  if (headerLength === undefined) return bytes.length;
  const length = /^\d{1,15}$/.test(headerLength) ? Number(headerLength) : Number.NaN;
  if (length <= bytes.length) return length;
  throw new WireError(
    `Inference-Header-Content-Length expected at most the ${bytes.length} bytes of the body, got '${headerLength}'`,
  );
}

function parseJson(bytes: Uint8Array): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new WireError('body expected JSON, got something else'); // its bytes are nothing for a log
  }
  if (json === undefined || json === null) throw new WireError('body expected an object, got something else');
  return objectOf('body', json);
}

function readTensors(entries: unknown, list: string, binary: Uint8Array): WireTensor[] {
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > MAX_TENSORS) {
    throw new WireError(`${list} expected 1 to ${MAX_TENSORS} tensors, got something else`);
  }
  let offset = 0;
  const tensors = entries.map((entry: unknown, i): WireTensor => {
    const where = `${list}[${i}]`;
    const fields = objectOf(where, entry);
    const name = textOf(`${where}.name`, fields.name);
    const common = {
      name,
      shape: shapeOf(`'${name}'`, fields.shape),
      datatype: textOf(`${where}.datatype`, fields.datatype),
    };
    const size = objectOf(`${where}.parameters`, fields.parameters).binary_data_size;
    if (size === undefined) return { ...common, content: { kind: 'json', data: fields.data } };
    if (fields.data !== undefined) throw new WireError(`'${name}' expected data or bytes, got both`);
    const bytes = takeBytes(`'${name}'`, binary, offset, size);
    offset += bytes.length;
    return { ...common, content: { kind: 'binary', bytes } };
  });
  if (offset === binary.length) return tensors;
  throw new WireError(`tensors expected ${offset} bytes behind the JSON, got ${binary.length}`);
}

function takeBytes(what: string, binary: Uint8Array, offset: number, size: unknown): Uint8Array {
  const left = binary.length - offset;
  if (Number.isSafeInteger(size) && (size as number) >= 0 && (size as number) <= left) {
    return binary.subarray(offset, offset + (size as number));
  }
  throw new WireError(`${what} expected a binary_data_size of at most ${left}, got ${JSON.stringify(size)}`);
}

function shapeOf(what: string, value: unknown): number[] {
  const isDimension = (size: unknown): boolean => Number.isSafeInteger(size) && (size as number) >= 0;
  const isShape = Array.isArray(value) && value.length <= MAX_RANK && value.every(isDimension);
  if (!isShape) throw new WireError(`${what} expected a shape of non-negative integers, got something else`);
  const elements = value.reduce((product: number, size: number) => product * size, 1);
  if (Number.isSafeInteger(elements)) return value;
  throw new WireError(`${what} expected a shape of at most 2^53 - 1 elements, got more`);
}
