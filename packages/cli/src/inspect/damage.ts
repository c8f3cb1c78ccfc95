/** Checks whose failure is shown and does not end the inspection. */

import { BundleError } from '@featherwire/bundle';

/** What a check found; undefined if all is as it should be. Other errors than a bundle's are thrown. */
export async function damageOf(check: () => Promise<void>): Promise<BundleError | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof BundleError) return error;
    throw error;
  }
}
