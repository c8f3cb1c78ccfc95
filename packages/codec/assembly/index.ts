export { codeIndices, initializeContextModel } from './context-model';
export { decodeContexts, encodeContexts, initializeContexts, setContexts } from './contexts';
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
export { countSymbols, decodeRans12, decodeRansFine, encodeRans, initialize } from './rans';
