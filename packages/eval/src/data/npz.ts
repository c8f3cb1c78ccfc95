/** NumPy's `.npz`: a zip archive of `.npy` files. */

import { NpyError, readNpy, type Tensor } from '@featherwire/tensor';
import { DataSetError } from './data-set.js';
import { readZip, type ZipLimits } from './zip.js';

const MEMBER_SUFFIX = '.npy';

/**
 * Reads all arrays of an archive.
 * @param bytes - the whole file; not kept
 * @returns tensors by member name without `.npy`
 * @throws {DataSetError} as `readZip`; `invalid-data` on anything but `.npy` files in it
 */
export function readNpz(bytes: Uint8Array, limits: Partial<ZipLimits> = {}): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [member, content] of readZip(bytes, limits)) {
    if (!member.endsWith(MEMBER_SUFFIX)) {
      const message = `npz: member expected a name in ${MEMBER_SUFFIX}, got ${JSON.stringify(member)}`;
      throw new DataSetError('invalid-data', message);
    }
    tensors.set(member.slice(0, -MEMBER_SUFFIX.length), readArray(member, content));
  }
  return tensors;
}

function readArray(member: string, content: Uint8Array): Tensor {
  try {
    return readNpy(content);
  } catch (cause) {
    if (!(cause instanceof NpyError)) throw cause;
    throw new DataSetError('invalid-data', `npz: ${member}: ${cause.message}`, { cause });
  }
}
