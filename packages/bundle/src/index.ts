/**
 * Bundles: the manifest that both ends of a link load, its schema, digests, and the preprocessing it states.
 * Nothing here touches a file system; `@featherwire/bundle/node` reads and writes bundle directories.
 */

export type { QuantizerChoice, RangeChoice } from '@featherwire/codec';
export { codedTensors, unitOfPoint } from './coded-tensors.js';
export { CTC_BLANK, decodeCtcIndices, decodeCtcOutput, indexOfLargest } from './ctc.js';
export { checkFileBytes, sha256Hex } from './digest.js';
export { BundleError, type BundleErrorCode } from './errors.js';
export { type FetchBundleOptions, type FetchedBundle, fetchBundle } from './fetch-bundle.js';
export {
  type Bundle,
  type BundleExit,
  type BundleFile,
  type BundleManifest,
  type BundleUnit,
  type ByteQuantiles,
  type ChannelOrder,
  type DescribedPoint,
  EXIT_CONFIDENCE,
  type ExitMeasurement,
  type ImagePreprocessing,
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  MANIFEST_VERSION,
  type MeasuredLoss,
  type Measurement,
  type ModelIdentity,
  type ModelPart,
  type OperatingPoint,
  type PartName,
  type ProfiledPoint,
  type ShareBand,
  type Task,
  type TensorBand,
  type TensorCoding,
  type TensorSpec,
  type UnitPart,
  type UnitPartName,
  type Verification,
} from './manifest.js';
export { edgeFilesOfManifest } from './manifest-files.js';
export { MANIFEST_LIMITS } from './manifest-limits.js';
export { checkManifest, parseManifest, serializeManifest } from './parse-manifest.js';
export { DEFAULT_PICTURE_LIMITS, type PictureLimits } from './picture-limits.js';
export { type Pixels, pixelsToTensor } from './pixels.js';
export { loadProfiles, parseProfile, profileOfPoint } from './point-profiles.js';
export { quantizerSchema } from './quantizer-schema.js';
export { concatenate, readResponseBody } from './response-body.js';
