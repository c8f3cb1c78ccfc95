/** The short way from a payload to float32 values, without indices in between. */

import type { ValueDecoding } from '../backend/backend.js';
import type { IndexSection } from '../indices/index-section.js';
import { levelsOfQuantizer } from '../quantizer/affine.js';
import { alphabetOfQuantizer, type IndexingQuantizer } from '../quantizer/alphabet.js';
import type { RansPayload } from '../stages.js';

/** Most levels that indices of 8 bits tell apart. */
const MAX_LEVELS_OF_BYTES = 256;

/**
 * How a section decodes to values, if there is a short way: rANS of indices or packed symbols, of levels that all
 * elements share.
 */
export function valueDecodingOf(
  section: IndexSection,
  quantizer: IndexingQuantizer,
): { readonly payload: RansPayload; readonly decoding: ValueDecoding } | undefined {
  const levels = levelsOf(quantizer);
  const coder = section.kind === 'static' ? section.coder : section;
  if (!levels || !('payload' in section) || (coder.kind !== 'rans' && coder.kind !== 'rans-packed'))
    return undefined;
  const { kind, table } = coder;
  const { background } = alphabetOfQuantizer(quantizer);
  return { payload: section.payload, decoding: { kind, table, levels, background } };
}

function levelsOf(quantizer: IndexingQuantizer): Float32Array | undefined {
  if (quantizer.kind === 'levels') return quantizer.levels;
  const isShort = quantizer.kind === 'affine' && quantizer.affine.levelCount <= MAX_LEVELS_OF_BYTES;
  return isShort ? levelsOfQuantizer(quantizer.affine) : undefined;
}
