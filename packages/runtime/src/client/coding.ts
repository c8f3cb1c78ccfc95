/** How the cut tensors of a request are quantized: by an operating point's id, or tensor by tensor. */

import type { BundleManifest, QuantizerChoice } from '@featherwire/bundle';

/**
 * The quantizer of each cut tensor, in manifest order.
 * @param coding - an operating point's id, or quantizers by the names of the cut tensors
 * @throws {RangeError} if there is no such point, or a cut tensor is left out, or a name is no cut tensor
 */
export function quantizersOfCoding(
  manifest: BundleManifest,
  coding: string | Readonly<Record<string, QuantizerChoice>>,
): readonly QuantizerChoice[] {
  const byName =
    typeof coding === 'string' ? codingOfPoint(manifest, coding) : new Map(Object.entries(coding));
  const expected = manifest.cut.map(({ name }) => name);
  const given = [...byName.keys()];
  if (given.length !== expected.length || expected.some((name) => !byName.has(name))) {
    throw new RangeError(`coding expected quantizers for ${quoted(expected)}, got ${quoted(given)}`);
  }
  return expected.map((name) => byName.get(name)!);
}

function codingOfPoint(manifest: BundleManifest, id: string): ReadonlyMap<string, QuantizerChoice> {
  const point = manifest.operatingPoints.find((candidate) => candidate.id === id);
  if (!point) {
    const ids = manifest.operatingPoints.map((candidate) => candidate.id);
    throw new RangeError(`coding expected one of the operating points ${quoted(ids)}, got '${id}'`);
  }
  if (point.kind !== 'described') throw new RangeError(`coding expected a described point, got '${id}'`);
  return new Map(point.coding.map(({ tensor, quantizer }) => [tensor, quantizer]));
}

function quoted(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `'${name}'`).join(', ');
}
