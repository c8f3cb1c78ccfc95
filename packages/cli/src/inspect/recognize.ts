/** What a path holds, found by content: names and extensions are not looked at. */

import { stat } from 'node:fs/promises';

/** Kinds that `inspect` knows. `'other'` may be an ONNX model: protobuf has no magic bytes. */
export type ContentKind = 'directory' | 'frame' | 'profile' | 'npy' | 'npz' | 'other';

const MAGIC_BYTES: readonly (readonly [ContentKind, readonly number[]])[] = [
  ['frame', [0xf5, 0x46, 0x57]],
  ['frame', [0xf6]], // a short one
  ['profile', [0xf5, 0x46, 0x50]],
  ['npy', [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]],
  ['npz', [0x50, 0x4b, 0x03, 0x04]],
  ['npz', [0x50, 0x4b, 0x05, 0x06]],
];

/** True for a directory. @throws {Error} of the file system if there is nothing */
export async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory();
}

/** Kind of a file by its first bytes. */
export function kindOfBytes(bytes: Uint8Array): ContentKind {
  const found = MAGIC_BYTES.find(([, magic]) => magic.every((byte, i) => bytes[i] === byte));
  return found ? found[0] : 'other';
}

/** Bytes as `F5 46 57 …`. @param limit - most bytes that are shown */
export function hexOf(bytes: Uint8Array, limit: number): string {
  const shown = Array.from(bytes.subarray(0, limit), (byte) =>
    byte.toString(16).toUpperCase().padStart(2, '0'),
  );
  return shown.join(' ') + (bytes.length > limit ? ' …' : '');
}
