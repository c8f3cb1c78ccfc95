/**
 * The codec on WebGPU: features in GPU buffers to frames and back, with the bytes and elements of `@featherwire/codec`.
 * `docs/webgpu.md` says how it is laid out and what it does not do.
 */

export type { SymbolKind } from './coding/symbol-tables.js';
export type { GpuDecodeOptions } from './decode/decode-frame.js';
export type { KernelTimer } from './device/gpu-context.js';
export { chooseContextDivision, chooseDivision, type GpuDivision } from './division.js';
export type {
  FrameTarget,
  GpuBundledOptions,
  GpuEncodeOptions,
  GpuQuantizerChoice,
} from './encode/frame-plan.js';
export { GpuError, type GpuErrorCode, UnsupportedError } from './errors.js';
export { createGpuCodec, type GpuCodec, type GpuCodecOptions } from './gpu-codec.js';
export type { GpuFeature } from './gpu-feature.js';
