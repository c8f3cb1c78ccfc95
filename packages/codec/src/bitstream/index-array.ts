/** Storage of indices: the narrowest type that holds all of them. */

import type { Indices } from '../stages.js';

/** Zeros for indices below `levelCount`: bytes up to 256 levels, else words. @param levelCount - up to 65,536 */
export function allocateIndices(length: number, levelCount: number): Indices {
  return levelCount <= 256 ? new Uint8Array(length) : new Uint16Array(length);
}
