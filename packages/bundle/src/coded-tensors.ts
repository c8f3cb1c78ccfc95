/** What an operating point codes: the cut itself, or the latent of its unit. */

import type { BundleManifest, BundleUnit, OperatingPoint, TensorSpec } from './manifest.js';

type Point = Pick<OperatingPoint, 'kind'> & { readonly unit?: string };

/**
 * The unit of a point.
 * @returns undefined if it codes the cut itself
 * @throws {RangeError} if the manifest has no such unit, which a checked one has
 */
export function unitOfPoint({ units }: Pick<BundleManifest, 'units'>, point: Point): BundleUnit | undefined {
  if (point.kind !== 'profiled' || point.unit === undefined) return undefined;
  const unit = units?.find(({ id }) => id === point.unit);
  if (!unit) throw new RangeError(`unit expected one of the bundle, got '${point.unit}'`);
  return unit;
}

/** Tensors that a point codes, in the order of its frame. */
export function codedTensors(
  manifest: Pick<BundleManifest, 'cut' | 'units'>,
  point: Point,
): readonly TensorSpec[] {
  return unitOfPoint(manifest, point)?.latent ?? manifest.cut;
}
