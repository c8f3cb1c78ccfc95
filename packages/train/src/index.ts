/**
 * Training over ONNX graphs: importing a network, reverse-mode differentiation that emits ONNX operators, bottleneck
 * units, losses, the training step. Browser-safe; files and threads are in `@featherwire/train/node`.
 */

export { gradient } from './autodiff/gradient.js';
export type { GradientRule, Pullback } from './autodiff/rule.js';
export { GRADIENT_RULES } from './autodiff/rules.js';
export { TrainError, type TrainErrorCode } from './errors.js';
export { Graph, OPSET, type Operation, type OutputSpec, type Value } from './graph/graph.js';
export { createGraph, type ImportOptions, importModel, outputsOf } from './graph/import-model.js';
