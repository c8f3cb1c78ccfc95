/** Sessions on onnxruntime-web, for browsers. */

export {
  createGpuSession,
  type GpuRunResult,
  type GpuSession,
  type GpuSessionOptions,
  type GpuValue,
  type GpuValueMap,
  isOnGpu,
  readValues,
} from './gpu-session.js';
export {
  loadWebEngine,
  type OrtModule,
  WEB_ENGINE_FILES,
  type WebEngine,
  type WebEngineOptions,
  type WebProvider,
} from './web-engine.js';
export { createWebSession, type WebSessionOptions } from './web-session.js';
