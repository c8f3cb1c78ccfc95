/**
 * Adding operating points to a bundle on disk: new profiles are written first, the manifest is then rewritten in one
 * step, and profiles that it names no more are removed last. Models do not change.
 */

import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../digest.js';
import { BundleError } from '../errors.js';
import { type BundleManifest, MANIFEST_FILE, type OperatingPoint } from '../manifest.js';
import { filesOfManifest } from '../manifest-files.js';
import { checkManifest, serializeManifest } from '../parse-manifest.js';
import { loadProfiles } from '../point-profiles.js';
import { syncDirectory, writeDurably } from './file-system.js';
import { type OperatingPointSource, removeFiles, storePoints, writeTables } from './point-sources.js';
import { type NodeBundle, nodeBundle, readFileOfBundle, readManifest } from './read-bundle.js';

/** How the names of unfinished manifests start; an interrupted rewrite may leave one. */
export const TEMPORARY_MANIFEST_PREFIX = `.${MANIFEST_FILE}.tmp-`;

/** Options of `addOperatingPoints`. */
export interface AddOperatingPointsOptions {
  /**
   * `'none'`, the default, refuses an id that the bundle already has; with `'same-id'` the new point takes the old one's
   * place; with `'all'` the new points are all that the bundle has.
   */
  readonly replace?: 'none' | 'same-id' | 'all';
}

/**
 * Appends operating points to a bundle's manifest. The digest of the bundle changes. A reader sees the old
 * manifest or the new one; one that has read the old one may find a replaced profile missing. The caller keeps two
 * writers of one bundle apart.
 * @returns the bundle with its new manifest, digest and profiles
 * @throws {BundleError} as `readBundle`, but for models; `invalid-manifest` if the points do not fit the bundle or an id
 *   is taken; `invalid-profile`; `write-failed`. The bundle is then as it was.
 */
export async function addOperatingPoints(
  directory: string,
  sources: readonly OperatingPointSource[],
  options: AddOperatingPointsOptions = {},
): Promise<NodeBundle> {
  const bundle = await readManifest(directory);
  const { points, tables } = await storePoints(sources, bundle.manifest.cut);
  const operatingPoints = joinPoints(bundle.manifest.operatingPoints, points, options.replace ?? 'none');
  const manifest = checkManifest({ ...bundle.manifest, operatingPoints });
  const profiles = await loadProfiles(
    manifest,
    async (entry) => tables.get(entry.file) ?? readFileOfBundle(bundle.directory, entry),
  );
  const bytes = new TextEncoder().encode(serializeManifest(manifest));
  await asWriteFailure(async () => {
    const removeTables = await writeTables(bundle.directory, tables);
    try {
      await replaceManifest(bundle.directory, bytes);
    } catch (error) {
      await removeTables();
      throw error;
    }
  });
  await removeFiles(bundle.directory, filesLeftOut(bundle.manifest, manifest));
  return nodeBundle(bundle.directory, { manifest, digest: await sha256Hex(bytes), profiles });
}

function joinPoints(
  old: readonly OperatingPoint[],
  points: readonly OperatingPoint[],
  replace: NonNullable<AddOperatingPointsOptions['replace']>,
): OperatingPoint[] {
  const joined = replace === 'all' ? [] : [...old];
  for (const point of points) {
    const at = replace === 'same-id' ? joined.findIndex(({ id }) => id === point.id) : -1;
    if (at < 0) joined.push(point);
    else joined[at] = point;
  }
  return joined;
}

function filesLeftOut(before: BundleManifest, after: BundleManifest): string[] {
  const kept = new Set([...filesOfManifest(after)].map(({ entry }) => entry.file));
  return [...filesOfManifest(before)].map(({ entry }) => entry.file).filter((file) => !kept.has(file));
}

async function replaceManifest(directory: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(directory, `${TEMPORARY_MANIFEST_PREFIX}${randomUUID()}`);
  try {
    await writeDurably(temporary, bytes);
    await rename(temporary, join(directory, MANIFEST_FILE));
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function asWriteFailure(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (cause) {
    const message = `operating points cannot be written: ${(cause as Error).message}`;
    throw new BundleError('write-failed', message, { cause });
  }
}
