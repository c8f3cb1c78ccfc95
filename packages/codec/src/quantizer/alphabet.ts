/** What a quantizer tells the entropy coder: how many indices there are and which one stands for 0. */

import type { AffineQuantizer, IndexAlphabet, Quantizer } from '../stages.js';
import { quantizeValue } from './affine.js';
import { affineOfBlocks } from './block-transform.js';
import { affineOfGroup } from './channel-groups.js';
import { backgroundOfLevels } from './level-table.js';
import { affineOfSpectral } from './spectral.js';

/** Quantizers that leave indices to code. */
export type IndexingQuantizer = Exclude<Quantizer, { kind: 'none' | 'constant' | 'planes' }>;

/** Those with one affine quantizer for all that they quantize. */
export type UniformQuantizer = Extract<Quantizer, { kind: 'affine' | 'blocks' | 'spectral' }>;

/** True if a quantizer leaves indices to code. */
export function isIndexing(quantizer: Quantizer): quantizer is IndexingQuantizer {
  return quantizer.kind !== 'none' && quantizer.kind !== 'constant' && quantizer.kind !== 'planes';
}

/** Index alphabet of a quantizer. */
export function alphabetOfQuantizer(quantizer: IndexingQuantizer): IndexAlphabet {
  switch (quantizer.kind) {
    case 'integer':
      return { levelCount: quantizer.levelCount, background: 0 };
    case 'levels':
      return { levelCount: quantizer.levels.length, background: backgroundOfLevels(quantizer.levels) };
    case 'grouped':
      return alphabetOfAffine(affineOfGroup(quantizer.grouped, 0));
    default:
      return alphabetOfAffine(affineOf(quantizer));
  }
}

function alphabetOfAffine(affine: AffineQuantizer): IndexAlphabet {
  return { levelCount: affine.levelCount, background: quantizeValue(0, affine) };
}

/** The affine quantizer of elements, or of coefficients where those are quantized. */
export function affineOf(quantizer: UniformQuantizer): AffineQuantizer {
  switch (quantizer.kind) {
    case 'affine':
      return quantizer.affine;
    case 'blocks':
      return affineOfBlocks(quantizer.blocks);
    case 'spectral':
      return affineOfSpectral(quantizer.spectral);
    default:
      return quantizer satisfies never;
  }
}
