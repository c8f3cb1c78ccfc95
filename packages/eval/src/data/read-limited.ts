/** Reading of whole files with a limit on their size. */

import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DataSetError } from './data-set.js';

/**
 * Reads a whole file after looking at its size.
 * @throws {DataSetError} `not-found` if it does not exist or is no file, `over-limit` if it is too large
 */
export async function readLimited(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new DataSetError('not-found', `${path} expected a file, got something else`);
    if (status.size > maxBytes) {
      throw new DataSetError('over-limit', `${path} expected at most ${maxBytes} bytes, got ${status.size}`);
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof DataSetError) throw cause;
    throw new DataSetError('not-found', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Reads a file; one whose name ends in `.gz` is unpacked.
 * @param maxBytes - of the file and of what it unpacks to
 * @throws {DataSetError} as `readLimited`; `invalid-data` if it does not unpack, or to more
 */
export async function readUnpacked(path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await readLimited(path, maxBytes);
  if (!path.endsWith('.gz')) return bytes;
  try {
    return await promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(gunzip)(bytes, {
      maxOutputLength: maxBytes,
    });
  } catch (cause) {
    throw new DataSetError('invalid-data', `${basename(path)}: ${(cause as Error).message}`, { cause });
  }
}
