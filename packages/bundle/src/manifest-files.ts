/** Which files a manifest names, and where. */

import type { BundleFile, BundleManifest } from './manifest.js';

/** A file with its place in the manifest. */
export interface NamedFile {
  readonly entry: BundleFile;
  /** True for an ONNX file. */
  readonly isModel: boolean;
  /** Of the field with its name. */
  readonly path: readonly (string | number)[];
}

/** Every file of a manifest, in its order; a file that two entries share comes twice. */
export function* filesOfManifest(manifest: BundleManifest): Generator<NamedFile> {
  for (const part of ['head', 'tail', 'whole'] as const) {
    const entry = manifest[part];
    if (!entry) continue;
    yield { entry, isModel: true, path: [part, 'file'] };
    for (const [i, weights] of (entry.externalData ?? []).entries()) {
      yield { entry: weights, isModel: false, path: [part, 'externalData', i, 'file'] };
    }
  }
  for (const [i, point] of manifest.operatingPoints.entries()) {
    if (point.kind !== 'profiled') continue;
    yield { entry: point.profile, isModel: false, path: ['operatingPoints', i, 'profile', 'file'] };
  }
}
