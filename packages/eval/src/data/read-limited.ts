/** Reading of whole files with a limit on their size. */

import { readFile, stat } from 'node:fs/promises';
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
