/** How the cut of a request is coded: by an operating point's id, or by quantizers tensor by tensor. */

import {
  type Bundle,
  type BundleManifest,
  type BundleUnit,
  profileOfPoint,
  type QuantizerChoice,
  unitOfPoint,
} from '@featherwire/bundle';
import {
  type Backend,
  type CodingProfile,
  encodeBundledFrame,
  encodeFrame,
  type FeatureSummary,
  measureTensors,
  summarizeFeature,
} from '@featherwire/codec';
import type { Tensor } from '@featherwire/tensor';

/** How all cut tensors are coded. */
export type CutCoding =
  /** One self-contained frame for each, by a quantizer each, in manifest order. */
  | { readonly kind: 'described'; readonly quantizers: readonly QuantizerChoice[] }
  /** One bundled frame for all, or for the latent of a unit. */
  | {
      readonly kind: 'profiled';
      readonly unit: BundleUnit | undefined;
      readonly point: number;
      readonly profile: CodingProfile;
      readonly lambda: number;
    };

/** A coded cut. */
export interface CodedCut {
  /** As a feature request carries them. */
  readonly frames: readonly Uint8Array[];
  /** Bytes of each cut tensor; see `TensorBytes.codedBytes`. */
  readonly tensorBytes: readonly number[];
}

/**
 * Finds how the cut is coded.
 * @param coding - an operating point's id, or quantizers by the names of the cut tensors
 * @throws {RangeError} if there is no such point, or its profile was not loaded, or a cut tensor is left out, or a name
 *   is no cut tensor
 */
export function cutCodingOf(
  bundle: Bundle,
  coding: string | Readonly<Record<string, QuantizerChoice>>,
): CutCoding {
  const { manifest } = bundle;
  if (typeof coding !== 'string') return describedCoding(manifest, new Map(Object.entries(coding)));
  const position = manifest.operatingPoints.findIndex(({ id }) => id === coding);
  const point = manifest.operatingPoints[position];
  if (!point) {
    const ids = manifest.operatingPoints.map(({ id }) => id);
    throw new RangeError(`coding expected one of the operating points ${quoted(ids)}, got '${coding}'`);
  }
  if (point.kind === 'profiled') {
    const { lambda = 0 } = point;
    const profile = profileOfPoint(bundle, coding);
    return { kind: 'profiled', unit: unitOfPoint(manifest, point), point: position, profile, lambda };
  }
  return describedCoding(manifest, new Map(point.coding.map(({ tensor, quantizer }) => [tensor, quantizer])));
}

function describedCoding(manifest: BundleManifest, byName: ReadonlyMap<string, QuantizerChoice>): CutCoding {
  const expected = manifest.cut.map(({ name }) => name);
  const given = [...byName.keys()];
  if (given.length !== expected.length || expected.some((name) => !byName.has(name))) {
    throw new RangeError(`coding expected quantizers for ${quoted(expected)}, got ${quoted(given)}`);
  }
  return { kind: 'described', quantizers: expected.map((name) => byName.get(name)!) };
}

/**
 * Codes the cut, or the latent that a unit made of it.
 * @param features - in manifest order, checked against it
 * @param digest - adds a checksum of the decoded elements to each frame
 * @throws {RangeError} @throws {TypeError} if a feature cannot be coded so
 */
export function encodeCut(
  features: readonly Tensor[],
  coding: CutCoding,
  { digest, backend }: { readonly digest: boolean; readonly backend: Backend },
): CodedCut {
  if (coding.kind === 'described') {
    const { quantizers } = coding;
    const frames = features.map((feature, i) =>
      encodeFrame(feature, { quantizer: quantizers[i], digest, backend }),
    );
    return { frames, tensorBytes: frames.map(({ length }) => length) };
  }
  const { point, profile, lambda } = coding;
  // Requests of one stream are independent (docs/protocol.md §4): no number says more than 0, which takes a byte.
  const frame = encodeBundledFrame(features, {
    profile,
    point,
    sequenceNumber: 0,
    lambda,
    digest,
    backend,
  });
  return { frames: [frame], tensorBytes: bytesOfSharedFrame(frame, coding, backend) };
}

/**
 * What the cut looks like to the quantizers of a profiled point; undefined for other codings, which have no range to
 * compare with, and for units, whose latent is not what bands are of.
 * @param features - in manifest order
 */
export function summarizeCut(
  features: readonly Tensor[],
  coding: CutCoding,
  backend: Backend,
): FeatureSummary[] | undefined {
  if (coding.kind !== 'profiled' || coding.unit) return undefined;
  const { tensors } = coding.profile;
  return features.map((feature, i) => summarizeFeature(feature, tensors[i], backend));
}

function bytesOfSharedFrame(
  frame: Uint8Array,
  { point, profile }: Extract<CutCoding, { kind: 'profiled' }>,
  backend: Backend,
): number[] {
  if (profile.tensors.length === 1) return [frame.length];
  return measureTensors(frame, { profiles: new Map([[point, profile]]), backend });
}

function quoted(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `'${name}'`).join(', ');
}
