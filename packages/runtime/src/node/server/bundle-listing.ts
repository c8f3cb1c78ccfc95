/** What clients are told of the bundles that are served. */

import type { BundleManifest } from '@featherwire/bundle';

/** A bundle, wherever its tail is run. */
export interface BundleListing {
  readonly digest: string;
  readonly manifest: BundleManifest;
}

/** Tells which bundles are served. */
export interface BundleDirectory {
  list(): Promise<readonly BundleListing[]>;
  /**
   * Bundles that were served before and that nobody serves now, so that who asks for one may ask again; as of the last
   * `list`. Without it what is not listed is not known.
   */
  listFormer?(): readonly BundleListing[];
}
