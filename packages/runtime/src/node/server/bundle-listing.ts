/** What clients are told of the bundles that are served. */

import type { BundleManifest } from '@featherwire/bundle';

/** A bundle, wherever its tail is run. */
export interface BundleListing {
  readonly digest: string;
  readonly manifest: BundleManifest;
}
