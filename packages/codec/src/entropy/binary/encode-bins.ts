/** Encoding by mixed contexts (`context-model.ts`). With kernels nothing of it is loaded. */

import type { FeatureGeometry, IndexAlphabet, Indices } from '../../stages.js';
import { codeIndices } from './context-model.js';
import { BinEncoder } from './range-encoder.js';

/** Adaptive binary code of indices; the reference of every backend. @param indices - not modified */
export function encodeBins(indices: Indices, geometry: FeatureGeometry, alphabet: IndexAlphabet): Uint8Array {
  const encoder = new BinEncoder();
  codeIndices(encoder, indices.slice(), geometry, alphabet);
  return encoder.finish();
}
