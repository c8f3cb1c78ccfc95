import { initializeContextModel } from './context-model';
import { initializeContexts } from './contexts';
import { initializeCrc32 } from './crc32';
import { initializeRans } from './rans';

export { decodeTrees, encodeTrees } from './bin-trees';
export { codeIndices } from './context-model';
export { setContexts } from './contexts';
export { decodeContexts } from './contexts-decoder';
export { encodeContexts } from './contexts-encoder';
export { countContexts, decodeFineContexts, encodeFineContexts } from './contexts-fine';
export { crc32 } from './crc32';
export { expandSymbols, packSymbols } from './packed-symbols';
export {
  countThresholds,
  dequantize8,
  dequantize16,
  lookUp,
  measureRange,
  quantize8,
  quantize16,
  searchThresholds,
} from './quantizer';
export { countSymbols, decodeRans12, decodeRansFine, encodeRans, fillSlots12 } from './rans';
export { endsTreeLane, finishTreeLane, startTreeLane } from './tree-lanes';

/** Fills the tables that all kernels share. Call once, when the points of the logistic function stand at `SQUASH`. */
export function initialize(): void {
  initializeRans();
  initializeContextModel();
  initializeContexts();
  initializeCrc32();
}
