/** Bundles in directories: reading with digests checked, writing in one step, adding operating points. */

export { type AddOperatingPointsOptions, addOperatingPoints } from './operating-points.js';
export type {
  OperatingPointSource,
  ProfiledPointSource,
  UnitPartSource,
  UnitSource,
} from './point-sources.js';
export {
  checkExit,
  checkPart,
  checkUnits,
  findBundleFile,
  type NodeBundle,
  PART_NAMES,
  type ReadBundleOptions,
  readBundle,
  readFileOfBundle,
  readManifest,
  readManifestBytes,
  UNIT_PART_NAMES,
} from './read-bundle.js';
export { type ExitSource, setExit } from './set-exit.js';
export {
  type BundleContent,
  type FileSource,
  type ManifestContent,
  type PartSource,
  type WriteBundleOptions,
  writeBundle,
} from './write-bundle.js';
