/** This project's frames as coders of features, and by them the methods of papers A and B. */

import {
  addValues,
  type Backend,
  type BundledOptions,
  type CodingProfile,
  createStatistics,
  decodeFrame,
  designRange,
  designTensorProfile,
  type EncodeOptions,
  encodeBundledFrame,
  encodeFrame,
} from '@featherwire/codec';
import { coderOfSingleFeatures, type Feature, type FeatureCoder } from './feature-coder.js';

/** Self-contained frames: all that a decoder needs is in them and counted. */
export function createFrameCoder(name: string, options: EncodeOptions): FeatureCoder {
  const { backend } = options;
  return coderOfSingleFeatures(name, {
    encode: async (feature) => ({ data: encodeFrame(feature, options) }),
    decode: async (frame) => valuesOf(decodeFrame(frame, { backend })),
  });
}

/** What bundled frames are made with. */
export interface ProfileCoderOptions {
  readonly backend: Backend;
  /** As in `encodeBundledFrame`. */
  readonly lambda?: number;
  /** The profile's own by default. */
  readonly coder?: BundledOptions['coder'];
}

const PROFILE_NUMBER = 0;

/** Frames under a profile that both ends hold: its bytes travel with the bundle and are not counted. */
export function createProfileCoder(
  name: string,
  profile: CodingProfile,
  { backend, lambda = 0, coder }: ProfileCoderOptions,
): FeatureCoder {
  const profiles = new Map([[PROFILE_NUMBER, profile]]);
  let sequenceNumber = 0;
  return coderOfSingleFeatures(name, {
    async encode(feature) {
      const place = { point: PROFILE_NUMBER, sequenceNumber: sequenceNumber++ };
      return {
        data: encodeBundledFrame([feature], { profile, ...place, lambda, ...(coder && { coder }), backend }),
      };
    },
    decode: async (frame) => valuesOf(decodeFrame(frame, { backend, profiles })),
  });
}

/**
 * Paper A without calibration: 2^bits levels over the range of each tensor, zero a level, modified CSR with its reshape searched
 * and one histogram, rANS with a table for the tensor.
 * @param bits - 1 to 8
 */
export function createPaperACoder(bits: number, backend: Backend): FeatureCoder {
  const quantizer = { kind: 'asymmetric', bits, range: { kind: 'minmax' } } as const;
  return createFrameCoder(`paper A, ${bits} bit`, { quantizer, layout: 'csr', coder: 'rans', backend });
}

/**
 * Paper B: clip limits of least squared error from the model of the activation, fitted to calibration features; levels at
 * equal distance; adaptive binary coding of bins from a tree (`binary-fast`; its tree stands where the paper has truncated
 * unary bins, its two neighbors where the paper has none, which favors it).
 * @param seen - calibration features, at least one
 * @param levelCount - 2 to 256
 */
export function createPaperBCoder(
  seen: readonly Feature[],
  levelCount: number,
  backend: Backend,
): FeatureCoder {
  const statistics = createStatistics();
  for (const { data } of seen) addValues(statistics, data);
  const { low, high } = designRange(statistics, { levelCount });
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } } as const;
  const profile = { tensors: [designTensorProfile(seen, { quantizer, coder: 'none', backend })] };
  const name = `paper B, ${levelCount} levels, adaptive binary trees`;
  return createProfileCoder(name, profile, { backend, coder: 'binary-fast' });
}

function valuesOf(feature: ReturnType<typeof decodeFrame>): Float32Array {
  if (feature.dtype !== 'float32') throw new TypeError(`feature expected float32, got ${feature.dtype}`);
  return feature.data;
}
