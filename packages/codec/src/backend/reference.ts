/** The specification as a backend: plain TypeScript on every engine, and the oracle of the others. */

import { crc32 } from '../bitstream/crc32.js';
import { decodeTrees } from '../entropy/binary/bin-trees.js';
import { decodeBins } from '../entropy/binary/context-model.js';
import { encodeBins } from '../entropy/binary/encode-bins.js';
import { encodeTrees } from '../entropy/binary/encode-trees.js';
import { countContexts, decodeWithModel, encodeWithModel } from '../entropy/contexts/context-rans.js';
import { decodeRans, encodeRans } from '../entropy/rans.js';
import { measureRange } from '../quantizer/range.js';
import {
  dequantizeIndices,
  lookUpLevels,
  quantizeByThresholds,
  quantizeValues,
} from '../quantizer/reference-loops.js';
import type { Backend } from './backend.js';
import { countSymbols, decodeValues, encodeValues } from './value-stages.js';

/** Plain TypeScript; needs nothing of its engine. */
export const referenceBackend: Backend = Object.freeze<Backend>({
  name: 'reference',
  measureRange,
  quantize: quantizeValues,
  dequantize: dequantizeIndices,
  quantizeByThresholds,
  lookUpLevels,
  encodeValues: (values, coding, lanes) => encodeValues({ encodeRans, decodeRans }, values, coding, lanes),
  decodeValues: (payload, decoding, target) =>
    decodeValues({ encodeRans, decodeRans }, payload, decoding, target),
  crc32,
  countSymbols,
  encodeRans,
  decodeRans,
  encodeBins,
  decodeBins,
  encodeTrees,
  decodeTrees,
  encodeContexts: encodeWithModel,
  decodeContexts: decodeWithModel,
  countContexts,
});
