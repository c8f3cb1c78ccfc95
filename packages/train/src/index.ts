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
export type { DistortionKind } from './losses/distortion.js';
export {
  type CacheLayout,
  cacheLayoutOf,
  createFeatureCache,
  type FeatureCache,
} from './training/feature-cache.js';
export {
  initialState,
  runTraining,
  type StepReport,
  type TrainingData,
  type TrainingRun,
  type TrainingSettings,
  type TrainingState,
  trainedParameters,
} from './training/run-training.js';
export type { Schedule, StepSizeRange } from './training/schedule.js';
export {
  createTrainingStep,
  type DistortionTerm,
  type RateKind,
  STEP_INPUT,
  STEP_OUTPUT,
  type StepOptions,
  type TargetInput,
  type TrainingStep,
  targetName,
} from './training/step.js';
export { createTargetModel } from './training/target-model.js';
export { exportUnit, LATENT_NAME, type UnitModels } from './units/export-unit.js';
export { designLatentProfile, type LatentProfileOptions } from './units/latent-profile.js';
export { createLinearUnit, type LinearUnitOptions } from './units/linear-unit.js';
export type { ParameterSpec, Parameters } from './units/parameters.js';
export { createPooledUnit, type PooledUnitOptions } from './units/pooled-unit.js';
export { createPyramidUnit, type PyramidLevel, type PyramidUnitOptions } from './units/pyramid-unit.js';
export { createSeparableUnit, type SeparableUnitOptions } from './units/separable-unit.js';
export type { Unit } from './units/unit.js';
