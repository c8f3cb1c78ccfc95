/** The specification as a backend: plain TypeScript on every engine, and the oracle of the others. */

import { decodeBins, encodeBins } from '../entropy/binary/context-model.js';
import { decodeWithModel, encodeWithModel } from '../entropy/contexts/context-rans.js';
import { decodeRans, encodeRans } from '../entropy/rans.js';
import { dequantizeIndices, quantizeValues } from '../quantizer/affine.js';
import { lookUpLevels, quantizeByThresholds } from '../quantizer/level-table.js';
import { measureRange } from '../quantizer/range.js';
import type { Backend } from './backend.js';

/** Plain TypeScript; needs nothing of its engine. */
export const referenceBackend: Backend = Object.freeze({
  name: 'reference',
  measureRange,
  quantize: quantizeValues,
  dequantize: dequantizeIndices,
  quantizeByThresholds,
  lookUpLevels,
  countSymbols(symbols: Uint8Array, alphabetSize: number): Uint32Array {
    const counts = new Uint32Array(alphabetSize);
    for (let i = 0; i < symbols.length; i++) counts[symbols[i]]++;
    return counts;
  },
  encodeRans,
  decodeRans,
  encodeBins,
  decodeBins,
  encodeContexts: encodeWithModel,
  decodeContexts: decodeWithModel,
});
