/** When a service reads its bundles again: at SIGHUP, and when their manifests change, if it is told to watch them. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_FILE } from '@featherwire/bundle';

/** Files are looked at this often: events of file systems miss what is mounted or exchanged as a whole. */
const INTERVAL_MS = 2000;

/** The manifests of a service as they were when the watch was opened. */
export interface BundleWatch {
  /**
   * Calls `changed` when a manifest is another than before; one that is gone is none: it is being exchanged.
   * @returns a function that ends the watch
   */
  begin(changed: () => void): () => void;
}

/** To be opened before the bundles are read, so that no change after that is missed. */
export async function openBundleWatch(directories: readonly string[]): Promise<BundleWatch> {
  const known = new Map<string, string | undefined>();
  for (const directory of directories) {
    const file = join(directory, MANIFEST_FILE);
    known.set(file, await versionOf(file));
  }
  return {
    begin(changed) {
      const look = async (): Promise<void> => {
        let isChanged = false;
        for (const [file, before] of known) {
          const now = await versionOf(file);
          if (now === undefined || now === before) continue;
          known.set(file, now);
          isChanged = true;
        }
        if (isChanged) changed();
      };
      const timer = setInterval(() => void look(), INTERVAL_MS);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

/** What tells a file from the one that was there before; undefined if there is none. */
async function versionOf(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found && `${found.mtimeMs} ${found.ino} ${found.size}`;
}
