/** Which files a manifest names, and where. */

import type { BundleFile, BundleManifest } from './manifest.js';

/** A file with its place in the manifest. */
export interface NamedFile {
  readonly entry: BundleFile;
  /** True if another entry of the same content may name it too; false for head, tail and whole model. */
  readonly mayBeShared: boolean;
  /** Of the field with its name. */
  readonly path: readonly (string | number)[];
}

/** Every file of a manifest, in its order; a file that two entries share comes twice. */
export function* filesOfManifest(manifest: BundleManifest): Generator<NamedFile> {
  for (const part of ['head', 'tail', 'whole'] as const) {
    const entry = manifest[part];
    if (!entry) continue;
    yield { entry, mayBeShared: false, path: [part, 'file'] };
    for (const [i, weights] of (entry.externalData ?? []).entries()) {
      yield { entry: weights, mayBeShared: true, path: [part, 'externalData', i, 'file'] };
    }
  }
  for (const [i, unit] of (manifest.units ?? []).entries()) {
    for (const half of ['reduction', 'restoration'] as const) {
      yield { entry: unit[half], mayBeShared: true, path: ['units', i, half, 'file'] };
    }
  }
  if (manifest.exit) yield { entry: manifest.exit, mayBeShared: false, path: ['exit', 'file'] };
  for (const [i, point] of manifest.operatingPoints.entries()) {
    if (point.kind !== 'profiled') continue;
    yield { entry: point.profile, mayBeShared: true, path: ['operatingPoints', i, 'profile', 'file'] };
  }
}

/** What the edge side needs: the head with its weights, reductions of units, the exit, profiles; a file that two entries share once. */
export function edgeFilesOfManifest(manifest: BundleManifest): readonly BundleFile[] {
  const { head, units = [], exit, operatingPoints } = manifest;
  const files = [
    ...[head, ...(head.externalData ?? [])],
    ...units.map(({ reduction }) => reduction),
    ...(exit ? [exit] : []),
    ...operatingPoints.flatMap((point) => (point.kind === 'profiled' ? [point.profile] : [])),
  ];
  return [...new Map(files.map((entry) => [entry.file, entry])).values()];
}
