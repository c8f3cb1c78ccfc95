/** Running ONNX networks: the session interface, its errors and the check of inputs. Browser-safe. */

export { checkFeeds } from './feeds.js';
export {
  InferenceError,
  type InferenceErrorCode,
  type ModelSession,
  type RunResult,
  type SessionOptions,
  type TensorMap,
  type ValueSpec,
} from './session.js';
