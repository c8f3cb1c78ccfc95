/** Running ONNX networks: the session interface, its errors, the check of inputs, profiles. Browser-safe. */

export { checkFeeds, checkValues, type ValueMap } from './feeds.js';
export {
  checkModelProfile,
  type MeasuringMachine,
  type ModelProfile,
  PROFILE_FORMAT,
  PROFILE_VERSION,
  type StepProfile,
} from './model-profile.js';
export { type Quantiles, quantiles } from './quantiles.js';
export {
  InferenceError,
  type InferenceErrorCode,
  type ModelSession,
  type RunResult,
  type SessionOptions,
  type TensorMap,
  type ValueSpec,
} from './session.js';
export { buffersOf, copyTensors } from './transfer.js';
