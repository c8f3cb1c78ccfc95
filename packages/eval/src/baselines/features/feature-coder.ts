/**
 * What a split's feature is compared with: other ways of coding the same tensor. Every coder gives the bytes that would
 * travel and decodes them again, so that accuracy is that of what arrives.
 */

import type { TensorOf } from '@featherwire/tensor';
import type { ProgramTimes } from './external-tools.js';

/** A float32 feature. */
export type Feature = TensorOf<'float32'>;

/** A way of coding features of one shape. */
export interface FeatureCoder {
  /** With its setting, as tables print it. */
  readonly name: string;
  /**
   * Codes features and decodes them from the bytes.
   * @param features - [1, …] each, of one shape, at least one; not modified
   * @throws {RangeError} if there is none, shapes differ, or the coder cannot take the shape; {ToolError} of coders outside
   */
  code(features: readonly Feature[]): Promise<CodedFeatures>;
}

/** Features as they arrive, and what they took. */
export interface CodedFeatures {
  /** In the order given. */
  readonly decoded: readonly Feature[];
  /** Bytes of each; what both ends know before (shape, coder, calibrated range) is not counted, all else is. */
  readonly bytes: readonly number[];
  /** Bytes that all features share: parameter sets of a video stream. */
  readonly sharedBytes: number;
  /** Wall time for all; null where programs outside did it, whose start would be most of it. */
  readonly encodeMs: number | null;
  readonly decodeMs: number | null;
  /** For all, of coders that are programs outside. */
  readonly programs?: ProgramTimes;
}

/** Values that coders of integers spread their levels over. */
export type LevelRange =
  /** Known to both ends, as calibration gives it. Values outside are clipped. */
  | { readonly kind: 'fixed'; readonly low: number; readonly high: number }
  /** Smallest and largest value of the feature, which travel as two float32. */
  | { readonly kind: 'minmax' };

/** Bytes of the limits of a `minmax` range. */
const LIMITS_BYTES = 8;

/** Limits for a feature and the bytes that they take. @throws {RangeError} if they are not finite or not in order */
export function limitsOfFeature(
  { data }: Feature,
  range: LevelRange,
): { readonly low: number; readonly high: number; readonly bytes: number } {
  if (range.kind === 'fixed') {
    const { low, high } = range;
    if (!(Number.isFinite(low) && Number.isFinite(high) && low < high))
      throw new RangeError(`range expected low < high, got ${low} to ${high}`);
    return { low, high, bytes: 0 };
  }
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(Number.isFinite(low) && Number.isFinite(high)))
    throw new RangeError(`feature expected finite values, got ${low} to ${high}`);
  return { low, high, bytes: LIMITS_BYTES };
}

/** A coder that takes one feature after the other. */
export function coderOfSingleFeatures(name: string, { encode, decode }: SingleFeatureCoding): FeatureCoder {
  return {
    name,
    async code(features) {
      checkFeatures(features);
      const bytes: number[] = [];
      const decoded: Feature[] = [];
      let [encodeMs, decodeMs] = [0, 0];
      for (const feature of features) {
        const start = performance.now();
        const coded = await encode(feature);
        const encodedAt = performance.now();
        decoded.push({ ...feature, data: await decode(coded.data, feature, coded.limits) });
        encodeMs += encodedAt - start;
        decodeMs += performance.now() - encodedAt;
        bytes.push(coded.data.length + (coded.limits?.bytes ?? 0));
      }
      return { decoded, bytes, sharedBytes: 0, encodeMs, decodeMs };
    },
  };
}

/** Coding of a single feature; what `decode` takes beside the bytes is counted or known to both ends. */
export interface SingleFeatureCoding {
  encode(feature: Feature): Promise<{ data: Uint8Array; limits?: ReturnType<typeof limitsOfFeature> }>;
  /** @param like - has the shape; its elements are not for reading */
  decode(
    data: Uint8Array,
    like: Feature,
    limits: ReturnType<typeof limitsOfFeature> | undefined,
  ): Promise<Float32Array>;
}

/** @throws {RangeError} if there is no feature or shapes differ */
export function checkFeatures(features: readonly Feature[]): void {
  if (features.length === 0) throw new RangeError('features expected at least one, got none');
  const [{ shape }] = features;
  const other = features.find((feature) => feature.shape.join() !== shape.join());
  if (other)
    throw new RangeError(
      `features expected one shape, got [${shape.join(', ')}] and [${other.shape.join(', ')}]`,
    );
}
