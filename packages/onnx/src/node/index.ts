/** ONNX model files: reading and writing, with weights inside the model or beside it. */

export {
  DEFAULT_EXTERNAL_ABOVE_BYTES,
  readModel,
  type WriteModelOptions,
  type WrittenModel,
  writeModel,
} from './model-file.js';
