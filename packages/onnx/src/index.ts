/**
 * ONNX models: reading and writing, splitting in two, listing cuts, shapes, cost, and proof that a split is right.
 * Browser-safe; files are read and written by `@featherwire/onnx/node`.
 */

export { type ArgMaxOptions, appendArgMax } from './append-arg-max.js';
export { type Cost, type ModelCost, modelCost, type NodeCost } from './cost.js';
export {
  type CutSet,
  type CutSetList,
  type CutTensor,
  DEFAULT_MAX_TENSORS,
  type ListCutSetsOptions,
  listCutSets,
  type RefusedTensor,
} from './cuts/cut-sets.js';
export {
  type Criterion,
  HEAD_WORK_AND_BYTES,
  lastOfEqualSets,
  unbeatenSets,
  WORK_AND_BYTES,
} from './cuts/dominance.js';
export { type Cut, type ListCutsOptions, listCuts } from './cuts/single-cuts.js';
export { declaredInputs, declaredOutputs, declaredShapes } from './declarations.js';
export { OnnxError, type OnnxErrorCode, type OnnxErrorDetails } from './errors.js';
export { type GraphIndex, indexGraph } from './graph.js';
export { type InferShapesOptions, inferShapes } from './infer-shapes.js';
export { type ControlFlow, controlFlowOf, inlineBranches } from './inline-branches.js';
export { type InputShapes, withInputShapes } from './input-shapes.js';
export { type InputValues, withInputValues } from './input-values.js';
export { type ExitOutputs, type ExitPooling, exitFeatures, linearExit } from './linear-exit.js';
export { type LinearMap, type PoolingOptions, withLinearOutput, withPooledOutput } from './linear-probe.js';
export { graphOf, MAX_MODEL_BYTES, opsetVersion, parseModel, serializeModel, withFields } from './model.js';
export type { GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from './proto/onnx_pb.js';
export {
  type AttributeRecord,
  type AttributeValue,
  type GraphRecord,
  modelOfRecord,
  type NodeRecord,
  recordOfNode,
} from './records.js';
export type { SessionFactory } from './sessions.js';
export { type SplitModel, type SplitOptions, splitModel } from './split.js';
export {
  type Dimension,
  fillRanks,
  isStatic,
  type ShapeTable,
  staticBytes,
  staticElementCount,
  type TensorInfo,
  tensorInfoOf,
  valueInfoOf,
} from './value-info.js';
export {
  DEFAULT_TOLERANCE,
  type ModelSource,
  type OutputError,
  outputError,
  type VerifyOptions,
  type VerifyReport,
  verifySplit,
} from './verify.js';
export { type ExternalData, elementTypeOf, tensorFromProto, tensorToProto } from './weights.js';
