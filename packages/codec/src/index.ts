/**
 * Featherwire's codec: feature tensors to frames and back. A frame is specified in `docs/bitstream.md`; its
 * decoder ends in a tensor or a `BitstreamError` on any bytes.
 */

export type { Backend, LaneChoice, ValueCoding, ValueDecoding } from './backend/backend.js';
export { type BackendPreference, loadBackend } from './backend/load.js';
export { referenceBackend } from './backend/reference.js';
export { loadWasmBackend } from './backend/wasm/wasm-backend.js';
export type { FrameField } from './bitstream/byte-reader.js';
export { DEFAULT_DECODE_LIMITS, type DecodeLimits, type FrameHeader } from './container/header.js';
export {
  type CellDesign,
  designCells,
  type NeighborhoodShape,
  shapeForSize,
  shapeForSpeed,
} from './entropy/contexts/cell-design.js';
export { refineCells } from './entropy/contexts/cell-refinement.js';
export { parseContextModel, serializeContextModel } from './entropy/contexts/context-model.js';
export { chooseContextLanes, decodeWithModel, encodeWithModel } from './entropy/contexts/context-rans.js';
export {
  addContexts,
  addNeighborhoods,
  addNeighbors,
  type ChannelShape,
  type ContextStatistics,
  createContextStatistics,
  createNeighborhoodStatistics,
  createNeighborStatistics,
  mergeCounts,
  type NeighborhoodStatistics,
  type NeighborStatistics,
} from './entropy/contexts/context-statistics.js';
export {
  type ContextDesignOptions,
  type ContextPreference,
  contextModelOf,
  designContextModel,
  estimateContextBits,
  type IndexedFeature,
} from './entropy/contexts/design-context-model.js';
export type { CoderChoice } from './entropy/encode-indices.js';
export { type DesignedTable, designTable, estimateSymbolBits } from './entropy/table-design.js';
export {
  BackendUnavailableError,
  BitstreamError,
  type BitstreamErrorCode,
  type FrameSection,
} from './errors.js';
export type { FixedChoice } from './feature/fixed-quantizer.js';
export {
  BudgetError,
  type BudgetedFrame,
  type BudgetOptions,
  bytesOfRate,
  encodeWithinBytes,
} from './frame/budget.js';
export {
  type ChunkJob,
  type ChunkPool,
  type ChunkResult,
  type DecodeChunkJob,
  type EncodeChunkJob,
  runChunkJob,
} from './frame/chunk-jobs.js';
export {
  type ChunkIndices,
  type DecodeOptions,
  decodeChunk,
  decodeFrame,
  decodeFrameInto,
  decodeTensors,
  joinChunks,
} from './frame/frame-decoder.js';
export {
  type BundledOptions,
  type EncodeOptions,
  encodeBundledFrame,
  encodeFrame,
  encodeTensors,
  type FrameExtras,
  type GroupRangeChoice,
  type MeasuredRangeChoice,
  type QuantizerChoice,
  type RangeChoice,
  type TensorCodingOptions,
  type TensorToCode,
} from './frame/frame-encoder.js';
export {
  type FrameDescription,
  inspectFrame,
  isBundledFrame,
  measureTensors,
  type ParseOptions,
  type TensorDescription,
} from './frame/frame-parser.js';
export {
  decodeFrameInParallel,
  encodeBundledFrameInParallel,
  encodeFrameInParallel,
} from './frame/parallel-coder.js';
export type { LayoutChoice } from './indices/layout-choice.js';
export { type CompressedRows, compressRows, expandRows } from './layout/csr.js';
export {
  bestReshape,
  columnCountCandidates,
  findKeptEntries,
  type KeptEntries,
  type KeptStatistics,
  modelReshapeBits,
  type Reshape,
  reshapeBits,
  searchColumnCount,
  type TableSharing,
} from './layout/reshape.js';
export { mapSignificance, type SignificanceMap, unmapSignificance } from './layout/significance.js';
export {
  type CodingProfile,
  readProfile,
  type TensorProfile,
  writeProfile,
} from './profile/coding-profile.js';
export {
  createCodingProfile,
  designTensorProfile,
  type TensorProfileOptions,
  withFineContexts,
} from './profile/design-profile.js';
export { type FeatureSummary, summarizeFeature } from './profile/feature-summary.js';
export {
  type ActivationModel,
  bestHighOfModel,
  bestLimitsOfModel,
  clipFactor,
  clipLimitFromPositiveMean,
  distributionOfModel,
  fitActivationModel,
  type ModelShape,
  momentsOfModel,
  type SampleMoments,
} from './quantizer/activation-model.js';
export {
  asymmetricQuantizer,
  decisionThresholds,
  levelOfIndex,
  quantizeValue,
  uniformQuantizer,
} from './quantizer/affine.js';
export {
  addChannelMoments,
  type BasisOptions,
  type ChannelMoments,
  channelMomentsOf,
  createChannelMoments,
  designChannelBasis,
} from './quantizer/basis-design.js';
export { type BlockSize, coefficientsOfValues } from './quantizer/block-transform.js';
export { type GroupLimits, groupedQuantizer } from './quantizer/channel-groups.js';
export {
  addChannelValues,
  createChannelStatistics,
  groupChannels,
} from './quantizer/channel-statistics.js';
export { distributionOfValues, type ValueDistribution } from './quantizer/distribution.js';
export {
  designLevels,
  type LevelDesign,
  type LevelDesignOptions,
  measureLevels,
} from './quantizer/entropy-constrained.js';
export { designRange, type RangeDesign, type RangeDesignOptions } from './quantizer/range-design.js';
export type { ActivationKind } from './quantizer/range-search.js';
export { dequantizeIndices, quantizeValues } from './quantizer/reference-loops.js';
export { MAX_SPECTRAL_WEIGHT, type SpectralSettings } from './quantizer/spectral.js';
export {
  addValues,
  createStatistics,
  distributionOfStatistics,
  type FeatureStatistics,
  mergeStatistics,
  positiveMeanOf,
  quantileOf,
  statisticsOf,
  varianceOf,
  zeroShareOf,
} from './quantizer/statistics.js';
export {
  type SplitError,
  type UniformLevels,
  uniformError,
  uniformRate,
} from './quantizer/uniform-error.js';
export type {
  AffineQuantizer,
  ChannelBasis,
  ContextModel,
  EntropyKernels,
  FeatureGeometry,
  FrequencyTable,
  IndexAlphabet,
  Indices,
  Layout,
  NeighborCells,
  Quantizer,
  RansPayload,
  SparseLayout,
  SpectralQuantizer,
  StaticCoder,
  SymbolAlphabet,
  TableCurve,
  TableDescription,
  TableTree,
  ValueRange,
} from './stages.js';
