/** Adding operating points to a bundle on disk, with their profiles and units. Head, tail and exit do not change. */

import type { BundleUnit, OperatingPoint } from '../manifest.js';
import { checkManifest } from '../parse-manifest.js';
import { type OperatingPointSource, storePoints, type UnitSource } from './point-sources.js';
import { type NodeBundle, readManifest } from './read-bundle.js';
import { rewriteManifest } from './rewrite-manifest.js';

/** Options of `addOperatingPoints`. */
export interface AddOperatingPointsOptions {
  /**
   * `'none'`, the default, refuses an id that the bundle already has; with `'same-id'` the new point takes the old one's
   * place; with `'all'` the new points are all that the bundle has.
   */
  readonly replace?: 'none' | 'same-id' | 'all';
  /** Units of the new points; one takes the place of another of its id unless `replace` is `'none'`. */
  readonly units?: readonly UnitSource[];
}

/**
 * Appends operating points to a bundle's manifest; units that no point names any more leave it, and so do old points of a
 * unit that another takes the place of, since they were designed and measured with the old one. The digest of the bundle
 * changes. A reader sees the old manifest or the new one; one that has read the old one may find a replaced profile missing.
 * The caller keeps two writers of one bundle apart.
 * @returns the bundle with its new manifest, digest and profiles
 * @throws {BundleError} as `readBundle`, but for models; `invalid-manifest` if the points do not fit the bundle or an id
 *   is taken; `invalid-profile`; `write-failed`. The bundle is then as it was.
 */
export async function addOperatingPoints(
  directory: string,
  sources: readonly OperatingPointSource[],
  options: AddOperatingPointsOptions = {},
): Promise<NodeBundle> {
  const bundle = await readManifest(directory);
  const { replace = 'none', units: unitSources = [] } = options;
  const { units: oldUnits = [], ...rest } = bundle.manifest;
  const { points, units: newUnits, files } = await storePoints(sources, unitSources, bundle.manifest);
  const kept = replace === 'all' ? [] : pointsOfSameUnits(rest.operatingPoints, oldUnits, newUnits);
  const operatingPoints = joinById(kept, points, replace === 'none' ? 'end' : 'place');
  const units = namedUnits(
    joinById(oldUnits, newUnits, replace === 'none' ? 'end' : 'place'),
    operatingPoints,
  );
  const manifest = checkManifest({ ...rest, ...(units.length > 0 && { units }), operatingPoints });
  return rewriteManifest(bundle, manifest, files);
}

/**
 * Joins what is there with what is added.
 * @param taken - where an entry of an id that is taken goes: to its place, or to the end, where the manifest's check
 *   refuses it
 */
function joinById<T extends { readonly id: string }>(
  old: readonly T[],
  added: readonly T[],
  taken: 'place' | 'end',
): T[] {
  const joined = [...old];
  for (const entry of added) {
    const at = taken === 'end' ? -1 : joined.findIndex(({ id }) => id === entry.id);
    if (at < 0) joined.push(entry);
    else joined[at] = entry;
  }
  return joined;
}

/** Points but for those whose unit becomes another one of the same id. */
function pointsOfSameUnits(
  points: readonly OperatingPoint[],
  oldUnits: readonly BundleUnit[],
  newUnits: readonly BundleUnit[],
): OperatingPoint[] {
  const isOther = (unit: string): boolean => {
    const [before, after] = [oldUnits, newUnits].map((units) => units.find(({ id }) => id === unit));
    return (
      before !== undefined &&
      after !== undefined &&
      (before.reduction.sha256 !== after.reduction.sha256 ||
        before.restoration.sha256 !== after.restoration.sha256)
    );
  };
  return points.filter(
    (point) => point.kind !== 'profiled' || point.unit === undefined || !isOther(point.unit),
  );
}

function namedUnits(units: readonly BundleUnit[], points: readonly OperatingPoint[]): BundleUnit[] {
  const named = new Set(points.map((point) => point.kind === 'profiled' && point.unit));
  return units.filter(({ id }) => named.has(id));
}
