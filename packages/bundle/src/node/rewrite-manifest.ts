/**
 * Changing a bundle on disk: new files are written first, the manifest is then rewritten in one step, and files that it names
 * no more are removed last. A reader sees the old manifest or the new one; one that has read the old one may find a file of it
 * missing.
 */

import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../digest.js';
import { BundleError } from '../errors.js';
import { type BundleManifest, MANIFEST_FILE } from '../manifest.js';
import { filesOfManifest } from '../manifest-files.js';
import { serializeManifest } from '../parse-manifest.js';
import { loadProfiles } from '../point-profiles.js';
import { type ContentFiles, removeFiles, writeContentFiles } from './content-files.js';
import { syncDirectory, writeDurably } from './file-system.js';
import { type NodeBundle, nodeBundle, readFileOfBundle } from './read-bundle.js';

/** How the names of unfinished manifests start; an interrupted rewrite may leave one. */
export const TEMPORARY_MANIFEST_PREFIX = `.${MANIFEST_FILE}.tmp-`;

/**
 * Puts a manifest in the place of a bundle's. The digest of the bundle changes. The caller keeps two writers of one bundle
 * apart.
 * @param manifest - checked
 * @param files - those that it names and the old one does not
 * @returns the bundle with its new manifest, digest and profiles
 * @throws {BundleError} `missing-file`, `digest-mismatch`, `invalid-profile` of profiles that are there; `write-failed`. The
 *   bundle is then as it was.
 */
export async function rewriteManifest(
  bundle: NodeBundle,
  manifest: BundleManifest,
  files: ContentFiles,
): Promise<NodeBundle> {
  const profiles = await loadProfiles(
    manifest,
    async (entry) => files.get(entry.file) ?? readFileOfBundle(bundle.directory, entry),
  );
  const bytes = new TextEncoder().encode(serializeManifest(manifest));
  await asWriteFailure(async () => {
    const removeAdded = await writeContentFiles(bundle.directory, files);
    try {
      await replaceManifest(bundle.directory, bytes);
    } catch (error) {
      await removeAdded();
      throw error;
    }
  });
  await removeFiles(bundle.directory, filesLeftOut(bundle.manifest, manifest));
  return nodeBundle(bundle.directory, { manifest, digest: await sha256Hex(bytes), profiles });
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
    const message = `bundle cannot be written: ${(cause as Error).message}`;
    throw new BundleError('write-failed', message, { cause });
  }
}
