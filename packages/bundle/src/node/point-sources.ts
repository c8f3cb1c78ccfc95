/** Operating points as they are handed in, with the bytes of their profiles, and the files that these become. */

import { randomUUID } from 'node:crypto';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sha256Hex } from '../digest.js';
import type { DescribedPoint, OperatingPoint, ProfiledPoint, TensorSpec } from '../manifest.js';
import { parseProfile } from '../point-profiles.js';
import { syncDirectory, writeDurably } from './file-system.js';

/** A point to store. */
export type OperatingPointSource = DescribedPoint | ProfiledPointSource;

/** A profiled point whose profile is not a file yet. */
export interface ProfiledPointSource extends Omit<ProfiledPoint, 'profile'> {
  /** The bytes of the codec's `writeProfile`, with one entry for each tensor of the cut, in its order. */
  readonly profile: Uint8Array;
}

/** Points as the manifest has them, and the files that they name. */
export interface StoredPoints {
  readonly points: readonly OperatingPoint[];
  /** Bytes of profiles by file name. */
  readonly tables: ReadonlyMap<string, Uint8Array>;
}

const TABLE_FOLDER = 'tables';
/** Letters of its digest by which a profile is named. */
const NAME_LETTERS = 16;
/** A profile that no manifest names yet or any more, or one that is half written. */
const LEFTOVER_PATTERN = new RegExp(
  `^${TABLE_FOLDER}/(?:[0-9a-f]{${NAME_LETTERS}}\\.bin|\\.[0-9a-f]+\\.bin\\.tmp-.*)$`,
);

/**
 * Finds the files of points. A profile is named by its content, so that a new one never takes the place of one that a
 * manifest in force names.
 * @throws {BundleError} `invalid-profile` if a profile is none of the cut's tensors
 */
export async function storePoints(
  sources: readonly OperatingPointSource[],
  cut: readonly TensorSpec[],
): Promise<StoredPoints> {
  const tables = new Map<string, Uint8Array>();
  const points: OperatingPoint[] = [];
  for (const source of sources) {
    if (source.kind === 'described') {
      points.push(source);
      continue;
    }
    parseProfile(source.profile, cut, `the profile of operating point '${source.id}'`);
    const sha256 = await sha256Hex(source.profile);
    const file = `${TABLE_FOLDER}/${sha256.slice(0, NAME_LETTERS)}.bin`;
    tables.set(file, source.profile);
    points.push({ ...source, profile: { file, sha256, bytes: source.profile.byteLength } });
  }
  return { points, tables };
}

/** True if a file of a bundle's directory that its manifest does not name is what an interrupted write left. */
export function isLeftoverTable(file: string): boolean {
  return LEFTOVER_PATTERN.test(file);
}

/**
 * Writes profiles into a bundle that is in use, each in one step.
 * @returns a function that removes again those that were not there before
 * @throws what the file system does, after removing what was written
 */
export async function writeTables(
  directory: string,
  tables: StoredPoints['tables'],
): Promise<() => Promise<void>> {
  const added: string[] = [];
  const undo = () => removeFiles(directory, added);
  try {
    for (const [file, bytes] of tables) {
      if (await writeTable(join(directory, ...file.split('/')), bytes)) added.push(file);
    }
    return undo;
  } catch (error) {
    await undo();
    throw error;
  }
}

/** @returns true if there was no such file; what was there is replaced, since an interrupted write may have cut it short */
async function writeTable(path: string, bytes: Uint8Array): Promise<boolean> {
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
