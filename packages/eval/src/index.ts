/** Evaluation in Node: data sets, task metrics with intervals, and the baselines that a split must beat. */

export { type ProgramTimes, ToolError } from './baselines/features/external-tools.js';
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
  type CodedIndexPlanes,
  codeIndexPlanes,
  type LosslessPlaneCodec,
  missingPlaneCoder,
} from './baselines/features/index-planes.js';
export { createPlaneCoder, type PlaneCoderOptions } from './baselines/features/lossless-planes.js';
export {
  createPlainCoder,
  type PlainCoderOptions,
  type PlainElements,
} from './baselines/features/plain-coders.js';
export {
  GENERAL_COMPRESSORS,
  type GeneralCompressor,
  missingCompressor,
} from './baselines/general-compression.js';
export {
  type CodedInputPictures,
  codeInputPictures,
  type InputPictureCoding,
  missingInputPictureCoder,
} from './baselines/input-pictures.js';
export { type CodedInputTensors, codeInputTensors } from './baselines/input-tensors.js';
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
  type ClassMap,
  type DataSet,
  DataSetError,
  type DataSetErrorCode,
  IGNORED_CLASS,
  type Label,
  type LabelUse,
  NO_LABEL,
  type Sample,
  type SampleInput,
} from './data/data-set.js';
export {
  FASHION_MNIST_DIRECTORY,
  type IdxPicturesOptions,
  openFashionMnist,
  openIdxPictures,
} from './data/idx-pictures.js';
export { LABELS_FILE, openImageFolder, openMaskedPictures } from './data/image-folder.js';
export { readNpz } from './data/npz.js';
export { openDataSet } from './data/open-data-set.js';
export { pixelsOfInput, tensorOfInput } from './data/preparation.js';
export { openRawPictures, type RawPicturesOptions } from './data/raw-pictures.js';
export { type Interval, LINE_HEIGHT, LINE_WIDTH, type TextDifficulty } from './data/text/line-picture.js';
export type { TextSplit } from './data/text/prose.js';
export { createTextLines, DEFAULT_TEXT_DIFFICULTY, type TextLinesOptions } from './data/text/text-lines.js';
export { createTurnedLines } from './data/text/turned-lines.js';
export { DEFAULT_ZIP_LIMITS, readZip, type ZipLimits } from './data/zip.js';
export { mapOnWorkers } from './map-on-workers.js';
export { answerAgreement, topClassAgreement, topKHits } from './metrics/accuracy.js';
export { probabilityOfAtMost } from './metrics/binomial.js';
export {
  type BootstrapOptions,
  bootstrapDifference,
  bootstrapRatio,
  type Estimate,
} from './metrics/bootstrap.js';
export { type CharacterErrorOptions, characterErrors, editDistance } from './metrics/character-errors.js';
export { type DetectionTask, detectedBoxes } from './metrics/detected-boxes.js';
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
export { areHits, compareHits, type PairedHits } from './metrics/mcnemar.js';
export {
  bitsPerElement,
  bitsPerPixel,
  bytesOfElementRate,
  bytesOfPixelRate,
  factorOverFloat32,
} from './metrics/rate-units.js';
export { type ClassOverlap, flawlessRatio, pooledRatio, type Ratio } from './metrics/ratio.js';
export { segmentationOverlap } from './metrics/segmentation.js';
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
export { picturedFeatures, privacyMethods } from './privacy/bundle-privacy.js';
export {
  fitInversion,
  type Inversion,
  type InversionOptions,
  type PicturedFeature,
} from './privacy/inversion.js';
export { peakSignalToNoise, structuralSimilarity } from './privacy/picture-quality.js';
export { pictureSheet } from './privacy/picture-sheet.js';
export {
  type FitInversion,
  type FittedInversion,
  measurePrivacy,
  type PrivacyMethod,
  type PrivacyOptions,
  type PrivacyReport,
  type PrivacyRow,
  type RebuiltQuality,
} from './privacy/privacy.js';
export {
  fitLinearProbe,
  type LinearProbe,
  type LinearProbeOptions,
  type ProbeSample,
} from './probe/linear-probe.js';
export {
  type CodecSpeedOptions,
  measureCodecSpeed,
  type Rate,
  type SpeedRow,
  syntheticFeature,
} from './speed/codec-speed.js';
export { type BatchRun, batchRunOf, runSingly } from './split/batch-run.js';
export { type OpenExit, openExit, ratiosWithExit, type ScoredExitAnswer } from './split/exit.js';
export { copyInput, type InputCopy } from './split/input-copy.js';
export { closeAll, type Network, type NetworkParts, openNetwork, openParts } from './split/network.js';
export { type InputRecipe, type PreparedInput, prepareInput, recipeOf } from './split/sample-feeds.js';
export { scoreOfTask, type TaskScore } from './split/task-score.js';
export {
  arrayMethods,
  type BaselineSettings,
  baselineMethods,
  DEFAULT_BASELINE_SETTINGS,
  PICTURE_FAMILY,
  pictureMethods,
  sendsInput,
} from './sweep/baseline-methods.js';
export {
  type BundleSubject,
  type BundleSubjectOptions,
  type DataPart,
  openBundleSubject,
  type PartTimes,
} from './sweep/bundle-subject.js';
export { type FeatureSummary, summarizeTensor } from './sweep/feature-summary.js';
export { type Journal, JournalError, openJournal } from './sweep/journal.js';
export {
  codingMethods,
  DEFAULT_OWN_SETTINGS,
  type NamedCoding,
  OWN_FAMILY,
  type OwnSettings,
  ownMethods,
} from './sweep/own-methods.js';
export { type SweepOptions, type SweepOutcome, type SweepProgress, sweep } from './sweep/sweep.js';
export type { RowExit, SkippedMethod, SweepRow } from './sweep/sweep-row.js';
export type {
  ArrayCoder,
  CodedCut,
  CutCoder,
  CutFeatures,
  Missing,
  PictureCoder,
  SubjectArrays,
  SubjectPictures,
  SweepMethod,
  SweepSubject,
} from './sweep/sweep-subject.js';
