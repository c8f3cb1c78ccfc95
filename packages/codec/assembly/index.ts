export { decodeTrees, encodeTrees } from './bin-trees';
export { codeIndices, initializeContextModel } from './context-model';
export { initializeContexts, setContexts } from './contexts';
export { decodeContexts } from './contexts-decoder';
export { encodeContexts } from './contexts-encoder';
export { countContexts, decodeFineContexts, encodeFineContexts } from './contexts-fine';
export { crc32, initializeCrc32 } from './crc32';
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
export { countSymbols, decodeRans12, decodeRansFine, encodeRans, fillSlots12, initialize } from './rans';
export { endsTreeLane, finishTreeLane, startTreeLane } from './tree-lanes';
