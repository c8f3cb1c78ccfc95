/** Profiles of operating points: from the bytes of their files to what the codec takes, checked against what they code. */

import { BitstreamError, type CodingProfile, readProfile, type TensorProfile } from '@featherwire/codec';
import { codedTensors } from './coded-tensors.js';
import { checkFileBytes } from './digest.js';
import { BundleError } from './errors.js';
import type { Bundle, BundleFile, BundleManifest, TensorSpec } from './manifest.js';

/**
 * Loads the profiles of all profiled points.
 * @param manifest - checked
 * @param read - gives the bytes of a file of the bundle; it is called once for each file, one after another
 * @returns profiles by the ids of their points
 * @throws {BundleError} `digest-mismatch` if a file is not the one that the manifest names; `invalid-profile` if it is
 *   no profile of the tensors that the point codes; what `read` throws
 */
export async function loadProfiles(
  manifest: BundleManifest,
  read: (entry: BundleFile) => Promise<Uint8Array>,
): Promise<ReadonlyMap<string, CodingProfile>> {
  const byFile = new Map<string, CodingProfile>();
  const byId = new Map<string, CodingProfile>();
  for (const point of manifest.operatingPoints) {
    if (point.kind !== 'profiled') continue;
    const { file } = point.profile;
    const profile = byFile.get(file) ?? (await loadProfile(point.profile, read));
    checkTensors(profile, codedTensors(manifest, point), file);
    byFile.set(file, profile);
    byId.set(point.id, profile);
  }
  return byId;
}

async function loadProfile(
  entry: BundleFile,
  read: (entry: BundleFile) => Promise<Uint8Array>,
): Promise<CodingProfile> {
  const bytes = await read(entry);
  await checkFileBytes(bytes, entry);
  return readProfileOf(bytes, entry.file);
}

/**
 * Reads a profile and compares it with the tensors that it is to code.
 * @param name - of the profile, for the error
 * @throws {BundleError} `invalid-profile`
 */
export function parseProfile(bytes: Uint8Array, specs: readonly TensorSpec[], name: string): CodingProfile {
  const profile = readProfileOf(bytes, name);
  checkTensors(profile, specs, name);
  return profile;
}

function readProfileOf(bytes: Uint8Array, name: string): CodingProfile {
  try {
    return readProfile(bytes);
  } catch (cause) {
    if (!(cause instanceof BitstreamError)) throw cause;
    throw new BundleError('invalid-profile', `${name} expected a profile: ${cause.message}`, { cause });
  }
}

function checkTensors({ tensors }: CodingProfile, specs: readonly TensorSpec[], name: string): void {
  if (tensors.length !== specs.length) {
    const message = `${name} expected a profile of ${specs.length} tensors, got ${tensors.length}`;
    throw new BundleError('invalid-profile', message);
  }
  for (const [i, spec] of specs.entries()) checkFits(tensors[i], spec, name);
}

/** Dimensions that only one of both fixes are left to the frame, and to who reads it. */
function checkFits({ dtype, shape }: TensorProfile, spec: TensorSpec, name: string): void {
  const fits =
    dtype === spec.dtype &&
    shape.length === spec.shape.length &&
    shape.every((size, axis) => {
      const declared = spec.shape[axis];
      return size === null || typeof declared === 'string' || size === declared;
    });
  if (fits) return;
  const expected = `${spec.dtype} [${spec.shape.join(', ')}] for '${spec.name}'`;
  const got = `${dtype} [${shape.map((size) => size ?? '*').join(', ')}]`;
  throw new BundleError('invalid-profile', `${name} expected ${expected}, got ${got}`);
}

/**
 * The profile of a profiled point.
 * @throws {RangeError} if the bundle has no such point, or the point's profile was not loaded
 */
export function profileOfPoint({ manifest, profiles }: Bundle, id: string): CodingProfile {
  const profile = profiles.get(id);
  if (profile) return profile;
  const point = manifest.operatingPoints.find((candidate) => candidate.id === id);
  const got = point
    ? point.kind === 'profiled'
      ? 'one that was not loaded'
      : `a ${point.kind} one`
    : 'none';
  throw new RangeError(`id expected a profiled operating point, got '${id}', ${got}`);
}
