/**
 * Files of a bundle that are named by their content, so that a new one never takes the place of one that a manifest in
 * force names: profiles, units and exits.
 */

import { randomUUID } from 'node:crypto';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sha256Hex } from '../digest.js';
import type { BundleFile } from '../manifest.js';
import { syncDirectory, writeDurably } from './file-system.js';

/** Folder and ending of each kind of file. */
const KINDS = {
  profile: { folder: 'tables', ending: 'bin' },
  unit: { folder: 'units', ending: 'onnx' },
  exit: { folder: 'exits', ending: 'onnx' },
} as const;

/** Letters of its digest by which a file is named. */
const NAME_LETTERS = 16;
/** Files that no manifest names yet or any more, or that are half written. */
const LEFTOVER_PATTERNS = Object.values(KINDS).map(
  ({ folder, ending }) =>
    new RegExp(`^${folder}/(?:[0-9a-f]{${NAME_LETTERS}}\\.${ending}|\\.[0-9a-f]+\\.${ending}\\.tmp-.*)$`),
);

/** Contents by file name. */
export type ContentFiles = ReadonlyMap<string, Uint8Array>;

/** The entry of a file with this content. */
export async function contentFile(kind: keyof typeof KINDS, content: Uint8Array): Promise<BundleFile> {
  const { folder, ending } = KINDS[kind];
  const sha256 = await sha256Hex(content);
  return {
    file: `${folder}/${sha256.slice(0, NAME_LETTERS)}.${ending}`,
    sha256,
    bytes: content.byteLength,
  };
}

/** True if a file of a bundle's directory that its manifest does not name is what an interrupted write left. */
export function isLeftoverFile(file: string): boolean {
  return LEFTOVER_PATTERNS.some((pattern) => pattern.test(file));
}

/**
 * Writes files into a bundle that is in use, each in one step.
 * @returns a function that removes again those that were not there before
 * @throws what the file system does, after removing what was written
 */
export async function writeContentFiles(
  directory: string,
  files: ContentFiles,
): Promise<() => Promise<void>> {
  const added: string[] = [];
  const undo = () => removeFiles(directory, added);
  try {
    for (const [file, bytes] of files) {
      if (await writeContentFile(join(directory, ...file.split('/')), bytes)) added.push(file);
    }
    return undo;
  } catch (error) {
    await undo();
    throw error;
  }
}

/** @returns true if there was no such file; what was there is replaced, since an interrupted write may have cut it short */
async function writeContentFile(path: string, bytes: Uint8Array): Promise<boolean> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const isNew = await lstat(path).then(
    () => false,
    () => true,
  );
  const temporary = join(folder, `.${basename(path)}.tmp-${randomUUID()}`);
  try {
    await writeDurably(temporary, bytes);
    await rename(temporary, path);
    await syncDirectory(folder);
    return isNew;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Removes files of a bundle; those that are gone already are no error. */
export async function removeFiles(directory: string, files: readonly string[]): Promise<void> {
  for (const file of files) await rm(join(directory, ...file.split('/')), { force: true });
}
