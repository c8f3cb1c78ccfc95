/** Giving a bundle on disk an exit, or taking it away. Networks and operating points do not change. */

import type { BundleExit } from '../manifest.js';
import { checkManifest } from '../parse-manifest.js';
import { contentFile } from './content-files.js';
import type { UnitPartSource } from './point-sources.js';
import { type NodeBundle, readManifest } from './read-bundle.js';
import { rewriteManifest } from './rewrite-manifest.js';

/** An exit whose network is not a file yet. */
export interface ExitSource extends UnitPartSource, Pick<BundleExit, 'threshold' | 'measured'> {}

/**
 * Writes an exit into a bundle, in the place of the one that it has, in one step.
 * @param source - null takes the exit away
 * @returns the bundle with its new manifest, digest and profiles
 * @throws {BundleError} as `readBundle`, but for models; `invalid-manifest` if the exit breaks a limit; `write-failed`. The
 *   bundle is then as it was.
 */
export async function setExit(directory: string, source: ExitSource | null): Promise<NodeBundle> {
  const bundle = await readManifest(directory);
  const { exit: _, ...rest } = bundle.manifest;
  if (!source) return rewriteManifest(bundle, checkManifest(rest), new Map());
  const { model, ...said } = source;
  const entry = await contentFile('exit', model);
  const manifest = checkManifest({ ...rest, exit: { ...entry, ...said } });
  return rewriteManifest(bundle, manifest, new Map([[entry.file, model]]));
}
