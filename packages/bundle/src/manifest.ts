/**
 * The manifest of a bundle as a plain record: what `featherwire.json` says. The rules that a type cannot
 * state (patterns, limits, references between fields) are in `manifest-schema.ts`.
 */

import type { CodingProfile, QuantizerChoice } from '@featherwire/codec';
import type { DType } from '@featherwire/tensor';

/** Name of the manifest file inside a bundle. */
export const MANIFEST_FILE = 'featherwire.json';

/** Name of the output of an exit that says how sure it is. */
export const EXIT_CONFIDENCE = 'exit_confidence';

/** Value of `format` in every manifest. */
export const MANIFEST_FORMAT = 'featherwire-bundle';

/** The one version of the manifest that this library reads and writes. */
export const MANIFEST_VERSION = 1;

/** Everything that both ends must agree on. */
export interface BundleManifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly version: typeof MANIFEST_VERSION;
  /** The network before it was cut. */
  readonly model: ModelIdentity;
  /** What the head takes. */
  readonly inputs: readonly TensorSpec[];
  /** What crosses the link: outputs of the head, inputs of the tail. */
  readonly cut: readonly TensorSpec[];
  /** What the tail returns. */
  readonly outputs: readonly TensorSpec[];
  readonly head: ModelPart;
  readonly tail: ModelPart;
  /** The uncut network, where the bundle carries it. */
  readonly whole?: ModelPart;
  readonly preprocessing?: ImagePreprocessing;
  readonly task?: Task;
  /** Bottleneck units, all over the same head and tail; absent if there is none. */
  readonly units?: readonly BundleUnit[];
  readonly exit?: BundleExit;
  /** Ways of coding the cut, in the order of their maker; ids are unique. */
  readonly operatingPoints: readonly OperatingPoint[];
  readonly verification: Verification;
}

/** Which network a bundle was made from. */
export interface ModelIdentity {
  /** A name for people. */
  readonly name: string;
  /** SHA-256 of the model file, 64 lower-case hex digits. */
  readonly sha256: string;
  /** Length of the model file. */
  readonly bytes: number;
}

/** A named tensor; a dimension is a number, or a name when it is known only at run time. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** A file of the bundle with its digest. */
export interface BundleFile {
  /** Relative name with `/` between folders; never leaves the bundle. */
  readonly file: string;
  /** SHA-256 of the file, 64 lower-case hex digits. */
  readonly sha256: string;
  readonly bytes: number;
}

/** One ONNX file of the bundle and what it costs to run. */
export interface ModelPart extends BundleFile {
  /** Number of weights. */
  readonly parameters: number;
  /** Multiply-accumulate operations for one sample, null where shapes leave them unknown. */
  readonly macs: number | null;
  /** Files with weights that the ONNX file refers to. */
  readonly externalData?: readonly BundleFile[];
}

/**
 * A bottleneck unit: a trained pair at the cut. It changes nothing of head and tail, so that any number of them share one
 * network.
 */
export interface BundleUnit {
  /** Unique among the bundle's units. */
  readonly id: string;
  /** What is coded in the place of the cut: outputs of the reduction, inputs of the restoration. */
  readonly latent: readonly TensorSpec[];
  /** From the cut tensors to the latent, on the device. */
  readonly reduction: UnitPart;
  /** From the decoded latent to tensors of the cut's names and shapes, on the server. */
  readonly restoration: UnitPart;
}

/** One half of a unit. */
export type UnitPart = Omit<ModelPart, 'externalData'>;

/** The halves of a unit. */
export type UnitPartName = 'reduction' | 'restoration';

/**
 * A small network on the device that answers in the place of the tail when it is sure: from tensors of the cut, under their
 * names and before they are coded, to the manifest's outputs and `EXIT_CONFIDENCE`, float32 of one element, in [0, 1].
 */
export interface BundleExit extends UnitPart {
  /** Least confidence with which its answer is taken, in [0, 1]. */
  readonly threshold: number;
  readonly measured?: ExitMeasurement;
}

/** What an exit does at its threshold, beside the network that the rest is sent to; never an estimate. */
export interface ExitMeasurement
  extends Pick<Measurement, 'metric' | 'data' | 'sampleCount' | 'reference' | 'loss'> {
  /** Of the samples, those that the exit answers, in [0, 1]. */
  readonly answeredShare: number;
}

/** The parts of a bundle that can be run. */
export type PartName = 'head' | 'tail' | 'whole';

/** Order of the channels that a network takes. */
export type ChannelOrder = 'RGB' | 'BGR' | 'gray';

/** How a picture becomes the input tensor: `value = (byte / 255 - mean) / std`, NCHW float32. */
export interface ImagePreprocessing {
  readonly kind: 'image';
  /** Name of the input that takes the picture. */
  readonly input: string;
  readonly channelOrder: ChannelOrder;
  /** Height of the input tensor in pixels. */
  readonly height: number;
  /** Width in pixels, or `'aspect'`: the width that keeps the picture's proportions. */
  readonly width: number | 'aspect';
  /**
   * `'stretch'` ignores proportions. `'center-crop'` keeps them: it resizes the picture so that it just covers the
   * target, or as `resizeShortSide` says, and cuts out the center.
   */
  readonly fit: 'stretch' | 'center-crop';
  /**
   * With `'center-crop'` and a width in pixels: the length in pixels that the picture's short side is resized to
   * before the center is cut out, at least `width` and `height`. A picture whose short side has that length is
   * not resampled.
   */
  readonly resizeShortSide?: number;
  /** One number per channel, in `channelOrder`. */
  readonly mean: readonly number[];
  /** One positive number per channel, in `channelOrder`. */
  readonly std: readonly number[];
}

/** What the network's output means. */
export type Task =
  | { readonly kind: 'classification'; readonly output: string; readonly classes?: readonly string[] }
  /** Text by connectionist temporal classification; index 0 of the alphabet is the blank. */
  | { readonly kind: 'ctc-text'; readonly output: string; readonly alphabet: readonly string[] }
  /** Scores [N, K, h, w] of a grid over all of the input, or classes of places [N, H, W]; pictures are not cropped. */
  | { readonly kind: 'segmentation'; readonly output: string; readonly classes?: readonly string[] }
  /** Candidates for boxes, of which the sure ones that no surer one of their class covers are the answer. */
  | {
      readonly kind: 'detection';
      /** Scores of classes, [N, candidates, K]. */
      readonly output: string;
      /** Left, top, right, bottom of each candidate in shares of the picture's width and height, [N, candidates, 4]. */
      readonly boxes: string;
      /** Score from which a candidate is sure. */
      readonly minScore: number;
      /** Intersection over union above which the less sure of two boxes goes, 0 to 1. */
      readonly maxOverlap: number;
      /** Number of the class that is no object; none by default. */
      readonly background?: number;
      readonly classes?: readonly string[];
    };

/** How one tensor of the cut is coded. */
export interface TensorCoding {
  /** Name of the cut tensor. */
  readonly tensor: string;
  readonly quantizer: QuantizerChoice;
}

/** One way of coding the whole cut, with what was measured of it. */
export type OperatingPoint = DescribedPoint | ProfiledPoint;

/** What every operating point has. */
interface NamedPoint {
  /** Unique among the bundle's points. */
  readonly id: string;
  readonly measured?: Measurement;
}

/** A point by quantizers alone: ranges and tables are found for each tensor and travel in its frame. */
export interface DescribedPoint extends NamedPoint {
  readonly kind: 'described';
  /** One entry for each tensor of the cut. */
  readonly coding: readonly TensorCoding[];
}

/**
 * A point whose quantizers and static tables both ends hold: all tensors of the cut, or of a unit's latent, travel in one
 * bundled frame (bitstream.md §16.2) whose number is the position of this point among the bundle's, from 0.
 */
export interface ProfiledPoint extends NamedPoint {
  readonly kind: 'profiled';
  /** Id of the unit whose latent is coded; without one the cut itself is. */
  readonly unit?: string;
  /** A profile (bitstream.md §16.3) with one entry for each tensor that is coded, in its order. */
  readonly profile: BundleFile;
  /**
   * Squared error, in the square of the levels' distance, that a bit may cost the encoder: that of the codec's `lambda`, with
   * which the point was measured; 0 by default.
   */
  readonly lambda?: number;
}

/** A measured rate and accuracy; never an estimate. */
export interface Measurement {
  /** Mean of all bytes of a sample that cross the link, headers included. */
  readonly bytesPerSample: number;
  readonly metric: { readonly name: string; readonly value: number };
  /** Which data it was measured on. */
  readonly data: string;
  readonly sampleCount: number;
  /** The same metric of the unsplit network on the same samples. */
  readonly reference?: number;
  readonly loss?: MeasuredLoss;
  /** How the bytes of which `bytesPerSample` is the mean are distributed over the samples. */
  readonly bytes?: ByteQuantiles;
  /** Mean time of encoding a sample's cut on the machine that measured, in milliseconds. */
  readonly encodeMs?: number;
  /** Mean time of decoding it there, in milliseconds. */
  readonly decodeMs?: number;
  /** What the cut tensors look like to the point's quantizers; at most one entry for each. */
  readonly bands?: readonly TensorBand[];
}

/** How much worse than the unsplit network, compared sample by sample. */
export interface MeasuredLoss {
  /** In hundredths of the metric; positive is worse, whichever way the metric points. */
  readonly value: number;
  /** Low and high end, in the same unit. */
  readonly interval: readonly [low: number, high: number];
  /** Of the interval, in (0, 1). */
  readonly confidence: number;
}

/** Bytes of a sample that half, and 95 % of the samples do not exceed, and the most of all. */
export interface ByteQuantiles {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/**
 * Shares of a cut tensor's elements at calibration, from which drift is told. They are those of the codec's
 * `summarizeFeature`.
 */
export interface TensorBand {
  /** Name of the cut tensor. */
  readonly tensor: string;
  /** Elements that are too far beyond the quantizer's levels. */
  readonly saturated: ShareBand;
  /** Elements whose index is the background. */
  readonly background: ShareBand;
}

/** A share in [0, 1], and the limits, inclusive, that its mean over some tens of samples keeps as long as nothing drifts. */
export interface ShareBand {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** How head and tail were compared with the uncut network. */
export interface Verification {
  /** Number of inputs compared. */
  readonly runs: number;
  /** Largest difference found, relative to the range of the output. */
  readonly maxRelativeError: number;
  /** Largest difference allowed, relative to the range of the output. */
  readonly tolerance: number;
}

/** A manifest and its identity. */
export interface Bundle {
  readonly manifest: BundleManifest;
  /** SHA-256 of the bytes of the manifest file, 64 lower-case hex digits. */
  readonly digest: string;
  /** Profiles of the profiled points by their ids, as far as they were loaded. */
  readonly profiles: ReadonlyMap<string, CodingProfile>;
}
