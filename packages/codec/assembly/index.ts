export { codeIndices, initializeContextModel } from './context-model';
export { dequantize8, dequantize16, measureRange, quantize8, quantize16 } from './quantizer';
export { countSymbols, decodeRans12, decodeRansFine, encodeRans, initialize } from './rans';
