/**
 * Bundles as models of the Open Inference Protocol: the name is the network's, the version the beginning of the bundle's
 * digest. A model takes the plain tensors of the cut, or the frames that code them, under an input of its own.
 */

import type { TensorSpec } from '@featherwire/bundle';
import { BYTES_DATATYPE, datatypeOf } from '../../open-inference/datatypes.js';
import type { JsonObject } from '../../open-inference/inference-body.js';
import type { BundleListing } from '../bundle-listing.js';
import { bundleKey } from '../bundle-registry.js';

/** The input that takes coded features: one bundled frame, or a self-contained one for each cut tensor, in manifest order. */
export const FRAMES_INPUT = 'featherwire.frames';

const PLATFORM = 'featherwire_bundle';

/** Which model a path names. */
export interface ModelPath {
  readonly name: string;
  /** A digest, or the beginning of one as `versions` has it; undefined takes the first bundle of the name. */
  readonly version?: string;
}

/** @returns undefined if nothing is served under the name, or not in this version */
export function findModel(
  listings: readonly BundleListing[],
  { name, version }: ModelPath,
): BundleListing | undefined {
  const isVersion = (digest: string): boolean =>
    version === undefined || [digest, bundleKey(digest)].includes(version.toLowerCase());
  return listings.find(({ manifest, digest }) => manifest.model.name === name && isVersion(digest));
}

/** What clients are told of a model. */
export function metadataOf({ digest, manifest }: BundleListing): JsonObject {
  const frames = { name: FRAMES_INPUT, datatype: BYTES_DATATYPE, shape: [-1] };
  return {
    name: manifest.model.name,
    versions: [bundleKey(digest)],
    platform: PLATFORM,
    inputs: [frames, ...manifest.cut.map(tensorMetadata)],
    outputs: manifest.outputs.map(tensorMetadata),
  };
}

function tensorMetadata({ name, dtype, shape }: TensorSpec): JsonObject {
  const sizes = shape.map((dimension) => (typeof dimension === 'number' ? dimension : -1));
  return { name, datatype: datatypeOf(dtype), shape: sizes };
}
