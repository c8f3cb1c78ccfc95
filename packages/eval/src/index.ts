/** Evaluation in Node: data sets, task metrics with intervals, and the baselines that a split must beat. */

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
export { DEFAULT_NPZ_LIMITS, type NpzLimits, readNpz } from './data/npz.js';
export { openDataSet } from './data/open-data-set.js';
export { pixelsOfInput, tensorOfInput } from './data/preparation.js';
export { type Interval, LINE_HEIGHT, LINE_WIDTH, type TextDifficulty } from './data/text/line-picture.js';
export type { TextSplit } from './data/text/prose.js';
export { createTextLines, DEFAULT_TEXT_DIFFICULTY, type TextLinesOptions } from './data/text/text-lines.js';
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
export { pooledRatio, type Ratio } from './metrics/ratio.js';
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
