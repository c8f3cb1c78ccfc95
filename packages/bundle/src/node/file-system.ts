/** Small file operations that both reading and writing of bundles need; all work in a directory given by path. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a file's bytes came to. */
export interface FileDigest {
  readonly bytes: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/** True if `error` is the operating system's, with one of these codes. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** Length and SHA-256 of a file, read in pieces. */
export async function digestOfFile(path: string): Promise<FileDigest> {
  return digestOfChunks(createReadStream(path));
}

/**
 * Writes a new file from memory or from a stream and makes it durable.
 * @param content - bytes, or a function that opens the stream; it is called when the file is ready to be
 *   written, because a stream that fails while nobody reads it takes the process down
 * @returns length and SHA-256 of what was written
 * @throws if the file exists or cannot be written
 */
export async function writeDurably(
  path: string,
  content: Uint8Array | (() => AsyncIterable<Uint8Array>),
): Promise<FileDigest> {
  const handle = await open(path, 'wx');
  try {
    const chunks = content instanceof Uint8Array ? [content] : content();
    const digest = await digestOfChunks(chunks, (chunk) => writeAll(handle, chunk));
    await handle.sync();
    return digest;
  } finally {
    await handle.close();
  }
}

/** Makes the entries of a directory durable, where the operating system can. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!hasErrorCode(error, 'EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP')) throw error;
  }
}

/**
 * Creates a directory and its parents.
 * @returns a function that removes again those that were created here and are still empty
 */
export async function createParents(path: string): Promise<() => Promise<void>> {
  const first = await mkdir(path, { recursive: true });
  return async () => {
    if (first === undefined) return;
    const stop = dirname(first);
    for (let folder = path; folder !== stop && folder !== dirname(folder); folder = dirname(folder)) {
      try {
        await rmdir(folder);
      } catch {
        return; // someone put a file there: it is no longer ours
      }
    }
  };
}

/** Digests chunks one after another, handing each to `consume` before the next is read. */
async function digestOfChunks(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  consume?: (chunk: Uint8Array) => Promise<void>,
): Promise<FileDigest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.byteLength;
    await consume?.(chunk);
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(chunk, written);
    written += bytesWritten;
  }
}
