/** Evaluation in Node: data sets, task metrics with intervals, and the baselines that a split must beat. */

export { ToolError } from './baselines/features/external-tools.js';
export type { CodedFeatures, Feature, FeatureCoder, LevelRange } from './baselines/features/feature-coder.js';
export { createPictureCoder, type PictureCoderOptions } from './baselines/features/feature-pictures.js';
export {
  createVideoCoder,
  missingVideoCoder,
  type VideoCoderOptions,
} from './baselines/features/feature-video.js';
export {
  createFrameCoder,
  createPaperACoder,
  createPaperBCoder,
  createProfileCoder,
  type ProfileCoderOptions,
} from './baselines/features/frame-coders.js';
export {
  createPlaneCoder,
  type LosslessPlaneCodec,
  missingPlaneCoder,
  type PlaneCoderOptions,
} from './baselines/features/lossless-planes.js';
export {
  createPlainCoder,
  GENERAL_COMPRESSORS,
  type GeneralCompressor,
  type PlainCoderOptions,
  type PlainElements,
} from './baselines/features/plain-coders.js';
export {
  findQualityAtMatchedMetric,
  type MatchedMetricResult,
  type MatchedMetricSearch,
  type QualityMeasurement,
  type QualityPoint,
} from './baselines/matched-metric.js';
export {
  type DecodedPicture,
  decodePicture,
  type EncodedPicture,
  encodePicture,
  type LossyPictureCodec,
  type PictureCoding,
} from './baselines/picture-codecs.js';
export {
  type BjontegaardOptions,
  bjontegaardQuality,
  bjontegaardRate,
  type RatePoint,
  rateEnvelope,
} from './curves/bjontegaard.js';
export type { PiecewiseMethod } from './curves/hermite-curve.js';
export { type ArrayFileOptions, openArrayFile } from './data/array-file.js';
export {
  type DataSet,
  DataSetError,
  type DataSetErrorCode,
  type Label,
  type Sample,
  type SampleInput,
} from './data/data-set.js';
export { LABELS_FILE, openImageFolder } from './data/image-folder.js';
export { readNpz } from './data/npz.js';
export { openDataSet } from './data/open-data-set.js';
export { pixelsOfInput, tensorOfInput } from './data/preparation.js';
export { type Interval, LINE_HEIGHT, LINE_WIDTH, type TextDifficulty } from './data/text/line-picture.js';
export type { TextSplit } from './data/text/prose.js';
export { createTextLines, DEFAULT_TEXT_DIFFICULTY, type TextLinesOptions } from './data/text/text-lines.js';
export { DEFAULT_ZIP_LIMITS, readZip, type ZipLimits } from './data/zip.js';
export { mapOnWorkers } from './map-on-workers.js';
export { answerAgreement, topClassAgreement, topKHits } from './metrics/accuracy.js';
export {
  type BootstrapOptions,
  bootstrapDifference,
  bootstrapRatio,
  type Estimate,
} from './metrics/bootstrap.js';
export { type CharacterErrorOptions, characterErrors, editDistance } from './metrics/character-errors.js';
export { CTC_BLANK, decodeCtcIndices, decodeCtcOutput, indexOfLargest } from './metrics/ctc.js';
export {
  type Box,
  COCO_OVERLAPS,
  DEFAULT_OVERLAP,
  type Detection,
  detectionMatches,
  type ExpectedBox,
  intersectionOverUnion,
  meanAveragePrecision,
  type PictureBoxes,
  suppressOverlaps,
} from './metrics/detection.js';
export { pooledRatio, type Ratio } from './metrics/ratio.js';
export {
  type AgreementMetric,
  agreementOfTask,
  type BetterDirection,
  type LabeledSample,
  metricOfTask,
  type TaskMetric,
} from './metrics/task-metric.js';
export {
  findPpOcrFiles,
  PP_OCR_INPUT,
  type PpOcrFiles,
  ppOcrPreprocessing,
  readPpOcrAlphabet,
} from './models/pp-ocr.js';
export {
  type CodecSpeedOptions,
  measureCodecSpeed,
  type Rate,
  type SpeedRow,
  syntheticFeature,
} from './speed/codec-speed.js';
export { type BatchRun, batchRunOf, runSingly } from './split/batch-run.js';
export { closeAll, type Network, type NetworkParts, openNetwork, openParts } from './split/network.js';
export { type InputRecipe, type PreparedInput, prepareInput, recipeOf } from './split/sample-feeds.js';
export { scoreOfTask, type TaskScore } from './split/task-score.js';
export {
  type BaselineSettings,
  baselineMethods,
  DEFAULT_BASELINE_SETTINGS,
} from './sweep/baseline-methods.js';
export { type Journal, JournalError, openJournal } from './sweep/journal.js';
export { type SweepOptions, type SweepOutcome, type SweepProgress, sweep } from './sweep/sweep.js';
export type { SkippedMethod, SweepRow } from './sweep/sweep-row.js';
export type { CutFeatures, SweepMethod, SweepSubject } from './sweep/sweep-subject.js';
