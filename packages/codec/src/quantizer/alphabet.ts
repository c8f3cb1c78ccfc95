/** What a quantizer tells the entropy coder: how many indices there are and which one stands for 0. */

import type { IndexAlphabet, Quantizer } from '../stages.js';
import { quantizeValue } from './affine.js';
import { affineOfGroup } from './channel-groups.js';
import { backgroundOfLevels } from './level-table.js';

/** Quantizers that leave indices to code. */
export type IndexingQuantizer = Exclude<Quantizer, { kind: 'none' | 'constant' | 'planes' }>;

/** True if a quantizer leaves indices to code. */
export function isIndexing(quantizer: Quantizer): quantizer is IndexingQuantizer {
  return quantizer.kind !== 'none' && quantizer.kind !== 'constant' && quantizer.kind !== 'planes';
}

/** Index alphabet of a quantizer. */
export function alphabetOfQuantizer(quantizer: IndexingQuantizer): IndexAlphabet {
  switch (quantizer.kind) {
    case 'affine':
      return { levelCount: quantizer.affine.levelCount, background: quantizeValue(0, quantizer.affine) };
    case 'integer':
      return { levelCount: quantizer.levelCount, background: 0 };
    case 'levels':
      return { levelCount: quantizer.levels.length, background: backgroundOfLevels(quantizer.levels) };
    case 'grouped': {
      const first = affineOfGroup(quantizer.grouped, 0);
      return { levelCount: first.levelCount, background: quantizeValue(0, first) };
    }
    case 'blocks': {
      const { levelCount } = quantizer.blocks;
      return { levelCount, background: (levelCount - 1) / 2 };
    }
    case 'spectral': {
      const { levelCount } = quantizer.spectral;
      return { levelCount, background: (levelCount - 1) / 2 };
    }
    default:
      return quantizer satisfies never;
  }
}
