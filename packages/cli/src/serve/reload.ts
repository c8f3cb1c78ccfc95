/** When a service reads its bundles again: at SIGHUP, and when their manifests change, if it is told to watch them. */

import { unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST_FILE } from '@featherwire/bundle';

/** Files are looked at this often: events of file systems miss what is mounted or exchanged as a whole. */
const INTERVAL_MS = 2000;

/**
 * Calls `changed` when a manifest has changed; one that is gone has not: it is being exchanged.
 * @returns a function that ends the watch
 */
export function watchBundles(directories: readonly string[], changed: () => void): () => void {
  const files = directories.map((directory) => join(directory, MANIFEST_FILE));
  for (const file of files) {
    watchFile(file, { interval: INTERVAL_MS, persistent: false }, ({ mtimeMs }, { mtimeMs: before }) => {
      if (mtimeMs !== 0 && mtimeMs !== before) changed();
    });
  }
  return () => {
    for (const file of files) unwatchFile(file);
  };
}
