/** Operating points and units as they are handed in, with the bytes of their files, and what these become. */

import { codedTensors } from '../coded-tensors.js';
import { BundleError } from '../errors.js';
import type {
  BundleManifest,
  BundleUnit,
  DescribedPoint,
  OperatingPoint,
  ProfiledPoint,
  UnitPart,
  UnitPartName,
} from '../manifest.js';
import { parseProfile } from '../point-profiles.js';
import { type ContentFiles, contentFile } from './content-files.js';

/** A point to store. */
export type OperatingPointSource = DescribedPoint | ProfiledPointSource;

/** A profiled point whose profile is not a file yet. */
export interface ProfiledPointSource extends Omit<ProfiledPoint, 'profile'> {
  /** The bytes of the codec's `writeProfile`, with one entry for each tensor that the point codes, in its order. */
  readonly profile: Uint8Array;
}

/** A unit whose halves are not files yet. */
export interface UnitSource extends Omit<BundleUnit, UnitPartName> {
  readonly reduction: UnitPartSource;
  readonly restoration: UnitPartSource;
}

/** One half of a unit to store. */
export interface UnitPartSource extends Pick<UnitPart, 'parameters' | 'macs'> {
  /** The ONNX file. */
  readonly model: Uint8Array;
}

/** Points and units as the manifest has them, and the files that they name. */
export interface StoredPoints {
  readonly points: readonly OperatingPoint[];
  readonly units: readonly BundleUnit[];
  readonly files: ContentFiles;
}

/**
 * Finds the files of points and units.
 * @param manifest - the cut, and units that are there already
 * @throws {BundleError} `invalid-profile` if a profile is none of the tensors that its point codes; `invalid-manifest` if a
 *   point's unit is neither there nor among the sources
 */
export async function storePoints(
  sources: readonly OperatingPointSource[],
  unitSources: readonly UnitSource[],
  { cut, units: known = [] }: Pick<BundleManifest, 'cut' | 'units'>,
): Promise<StoredPoints> {
  const files = new Map<string, Uint8Array>();
  const store = async ({ model, parameters, macs }: UnitPartSource): Promise<UnitPart> => {
    const entry = await contentFile('unit', model);
    files.set(entry.file, model);
    return { ...entry, parameters, macs };
  };
  const units: BundleUnit[] = [];
  for (const { id, latent, reduction, restoration } of unitSources) {
    units.push({ id, latent, reduction: await store(reduction), restoration: await store(restoration) });
  }
  const points: OperatingPoint[] = [];
  for (const source of sources) {
    if (source.kind === 'described') {
      points.push(source);
      continue;
    }
    // A new unit goes before one of the same id that it replaces.
    const all = [...units, ...known];
    if (source.unit !== undefined && !all.some(({ id }) => id === source.unit)) {
      const message = `operating point '${source.id}' expected a unit of the bundle, got '${source.unit}'`;
      throw new BundleError('invalid-manifest', message);
    }
    const coded = codedTensors({ cut, units: all }, source);
    parseProfile(source.profile, coded, `the profile of operating point '${source.id}'`);
    const profile = await contentFile('profile', source.profile);
    files.set(profile.file, source.profile);
    points.push({ ...source, profile });
  }
  return { points, units, files };
}
