/** Adding operating points to a bundle on disk: the manifest is rewritten in one step, no other file changes. */

import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../digest.js';
import { BundleError } from '../errors.js';
import { MANIFEST_FILE, type OperatingPoint } from '../manifest.js';
import { checkManifest, serializeManifest } from '../parse-manifest.js';
import { syncDirectory, writeDurably } from './file-system.js';
import { type NodeBundle, nodeBundle, readManifest } from './read-bundle.js';

/** How the names of unfinished manifests start; an interrupted rewrite may leave one. */
export const TEMPORARY_MANIFEST_PREFIX = `.${MANIFEST_FILE}.tmp-`;

/** Options of `addOperatingPoints`. */
export interface AddOperatingPointsOptions {
  /** A point with an id that the bundle already has takes its place; refused by default. */
  readonly replace?: boolean;
}

/**
 * Appends operating points to a bundle's manifest. The digest of the bundle changes. A reader sees the old
 * manifest or the new one; of two writers at the same time the later one wins.
 * @returns the bundle with its new manifest and digest
 * @throws {BundleError} as `readManifest`; `invalid-manifest` if the points do not fit the bundle or an id
 *   is taken; `write-failed`
 */
export async function addOperatingPoints(
  directory: string,
  points: readonly OperatingPoint[],
  options: AddOperatingPointsOptions = {},
): Promise<NodeBundle> {
  const bundle = await readManifest(directory);
  const operatingPoints = [...bundle.manifest.operatingPoints];
  for (const point of points) {
    const at = options.replace ? operatingPoints.findIndex(({ id }) => id === point.id) : -1;
    if (at < 0) operatingPoints.push(point);
    else operatingPoints[at] = point;
  }
  const manifest = checkManifest({ ...bundle.manifest, operatingPoints });
  const bytes = new TextEncoder().encode(serializeManifest(manifest));
  await replaceManifest(bundle.directory, bytes);
  return nodeBundle(bundle.directory, { manifest, digest: await sha256Hex(bytes) });
}

async function replaceManifest(directory: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(directory, `${TEMPORARY_MANIFEST_PREFIX}${randomUUID()}`);
  try {
    await writeDurably(temporary, bytes);
    await rename(temporary, join(directory, MANIFEST_FILE));
    await syncDirectory(directory);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new BundleError('write-failed', `${MANIFEST_FILE} cannot be written: ${(cause as Error).message}`, {
      cause,
    });
  }
}
