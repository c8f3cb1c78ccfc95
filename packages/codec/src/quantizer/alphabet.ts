/** What a quantizer tells the entropy coder: how many indices there are and which one stands for 0. */

import type { Quantizer } from '../stages.js';
import { quantizeValue } from './affine.js';

/** Quantizers that leave indices to code. */
export type IndexingQuantizer = Exclude<Quantizer, { kind: 'none' | 'constant' }>;

/** Index alphabet of a quantizer. */
export function alphabetOfQuantizer(quantizer: IndexingQuantizer): {
  levelCount: number;
  background: number;
} {
  if (quantizer.kind === 'integer') return { levelCount: quantizer.levelCount, background: 0 };
  return { levelCount: quantizer.affine.levelCount, background: quantizeValue(0, quantizer.affine) };
}
