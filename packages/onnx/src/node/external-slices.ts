/** Slices of files: the weights of models that keep them outside. Slices are checked before they are read. */

import { type FileHandle, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { OnnxError } from '../errors.js';
import type { TensorProto } from '../proto/onnx_pb.js';
import { externalReference } from '../weights.js';

/** Bytes moved at a time. */
const CHUNK_BYTES = 1 << 22;

/** Where the bytes of an external weight are on disk. */
export interface ExternalSlice {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Finds an external weight's bytes.
 * @param directory - of the model
 * @throws {OnnxError} `external-data` if the location leaves the directory, or the file is missing or too short
 */
export async function locateSlice(weight: TensorProto, directory: string): Promise<ExternalSlice> {
  const { location, offset, length } = externalReference(weight);
  const file = path.resolve(directory, location);
  const inside = path.relative(path.resolve(directory), file);
  if (path.isAbsolute(location) || inside.split(path.sep)[0] === '..' || path.isAbsolute(inside)) {
    throw new OnnxError(
      'external-data',
      `weight '${weight.name}' expected a file in the model's directory, got '${location}'`,
    );
  }
  const size = await sizeOf(file, weight);
  const end = length === undefined ? size : offset + length;
  if (end > size || offset > size) {
    throw new OnnxError(
      'external-data',
      `weight '${weight.name}' expected ${end} bytes in '${location}', got ${size}`,
    );
  }
  return { file, offset, length: end - offset };
}

/** Reads a slice into memory. */
export async function readSlice({ file, offset, length }: ExternalSlice): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  await eachChunk({ file, offset, length }, async (chunk) => {
    bytes.set(chunk, filled);
    filled += chunk.byteLength;
  });
  return bytes;
}

/** Appends a slice to an open file, a chunk at a time. */
export async function copySlice(slice: ExternalSlice, target: FileHandle): Promise<void> {
  await eachChunk(slice, async (chunk) => {
    await writeFully(target, chunk);
  });
}

/** Writes all of `bytes` at the file's current position. */
export async function writeFully(target: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.byteLength; ) {
    const end = Math.min(written + CHUNK_BYTES, bytes.byteLength);
    written += (await target.write(bytes.subarray(written, end))).bytesWritten;
  }
}

async function eachChunk(
  { file, offset, length }: ExternalSlice,
  use: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const source = await open(file, 'r');
  try {
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, length));
    for (let done = 0; done < length; ) {
      const wanted = Math.min(buffer.byteLength, length - done);
      const { bytesRead } = await source.read(buffer, 0, wanted, offset + done);
      if (bytesRead === 0) throw new OnnxError('external-data', `file '${file}' ended while it was read`);
      await use(buffer.subarray(0, bytesRead));
      done += bytesRead;
    }
  } finally {
    await source.close();
  }
}

async function sizeOf(file: string, weight: TensorProto): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    throw new OnnxError('external-data', `weight '${weight.name}' expected file '${file}', got none`, {
      cause,
    });
  }
}
