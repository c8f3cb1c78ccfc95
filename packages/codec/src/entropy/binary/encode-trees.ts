/** Encoding by trees of adaptive bins (`bin-trees.ts`). With kernels nothing of it is loaded. */

import type { FeatureGeometry, IndexAlphabet } from '../../stages.js';
import { codeLane, laneBounds } from './bin-trees.js';
import { WordEncoder } from './word-range-encoder.js';

/** `EntropyKernels.encodeTrees`. */
export function encodeTrees(
  indices: Uint8Array,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  laneCount: number,
): Uint8Array[] {
  const bounds = laneBounds(indices.length, laneCount);
  return Array.from({ length: laneCount }, (_, lane) => {
    const encoder = new WordEncoder();
    codeLane(encoder, indices.slice(bounds[lane], bounds[lane + 1]), geometry.columns, alphabet);
    return encoder.finish();
  });
}
