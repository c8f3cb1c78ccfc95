/** Reading a bundle directory: the manifest, its digest, profiles, and the check of every file that it names. */

import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { checkDigest } from '../digest.js';
import { BundleError } from '../errors.js';
import {
  type Bundle,
  type BundleFile,
  MANIFEST_FILE,
  type PartName,
  type UnitPartName,
} from '../manifest.js';
import { MANIFEST_LIMITS } from '../manifest-limits.js';
import { manifestText, parseManifest } from '../parse-manifest.js';
import { loadProfiles } from '../point-profiles.js';
import { digestOfFile, hasErrorCode } from './file-system.js';

/** The parts of a bundle, in the order of the manifest. */
export const PART_NAMES: readonly PartName[] = Object.freeze(['head', 'tail', 'whole'] as const);

/** The halves of a unit, in the order of the data. */
export const UNIT_PART_NAMES: readonly UnitPartName[] = Object.freeze(['reduction', 'restoration'] as const);

/** A bundle in a directory. */
export interface NodeBundle extends Bundle {
  /** Absolute path of the directory. */
  readonly directory: string;
  /**
   * Absolute path of a part's ONNX file.
   * @throws {RangeError} if the bundle has no such part
   */
  partPath(part: PartName): string;
  /**
   * Absolute path of one half of a unit.
   * @throws {RangeError} if the bundle has no such unit
   */
  unitPath(id: string, half: UnitPartName): string;
  /**
   * Absolute path of the exit's ONNX file.
   * @throws {RangeError} if the bundle has no exit
   */
  exitPath(): string;
}

/** Options of `readBundle`. */
export interface ReadBundleOptions {
  /**
   * Parts, halves of all units, and the exit, whose files are checked against the manifest; all that the bundle has by
   * default.
   */
  readonly verify?: readonly VerifiedName[];
}

type VerifiedName = PartName | UnitPartName | 'exit';

/**
 * Reads a bundle with the profiles of its operating points and checks its files.
 * @param directory - path of the bundle
 * @throws {BundleError} `not-found` without a manifest there, `invalid-manifest`, `unsupported-version`,
 *   `missing-file` if a checked file is absent or lies outside the bundle, `digest-mismatch` if it differs,
 *   `invalid-profile`
 */
export async function readBundle(directory: string, options: ReadBundleOptions = {}): Promise<NodeBundle> {
  const bundle = await readManifest(directory);
  for (const part of options.verify ?? [...PART_NAMES, ...UNIT_PART_NAMES, 'exit']) {
    if (part === 'exit') await checkExit(bundle);
    else if (isUnitPart(part)) await checkUnits(bundle, part);
    else await checkPart(bundle, part);
  }
  const read = (entry: BundleFile) => readFileOfBundle(bundle.directory, entry);
  return nodeBundle(bundle.directory, { ...bundle, profiles: await loadProfiles(bundle.manifest, read) });
}

/**
 * Checks the files of one part against the manifest; a part that the bundle does not have is as it should be.
 * @throws {BundleError} `missing-file`, `digest-mismatch`
 */
export async function checkPart({ directory, manifest }: NodeBundle, part: PartName): Promise<void> {
  const entry = manifest[part];
  if (!entry) return;
  for (const file of [entry, ...(entry.externalData ?? [])]) await checkFile(directory, file);
}

/**
 * Checks one half of every unit against the manifest.
 * @throws {BundleError} `missing-file`, `digest-mismatch`
 */
export async function checkUnits({ directory, manifest }: NodeBundle, half: UnitPartName): Promise<void> {
  for (const unit of manifest.units ?? []) await checkFile(directory, unit[half]);
}

/**
 * Checks the exit's file against the manifest; a bundle without one is as it should be.
 * @throws {BundleError} `missing-file`, `digest-mismatch`
 */
export async function checkExit({ directory, manifest: { exit } }: NodeBundle): Promise<void> {
  if (exit) await checkFile(directory, exit);
}

function isUnitPart(part: PartName | UnitPartName): part is UnitPartName {
  return (UNIT_PART_NAMES as readonly string[]).includes(part);
}

/**
 * The bytes of a file that the manifest names, of the length stated there; the digest is left to the caller.
 * @throws {BundleError} `missing-file`, `digest-mismatch` if the length differs
 */
export async function readFileOfBundle(directory: string, entry: BundleFile): Promise<Uint8Array> {
  return readFile(await findBundleFile(directory, entry));
}

/**
 * Reads the manifest alone, without profiles; no other file is looked at.
 * @throws {BundleError} `not-found`, `invalid-manifest`, `unsupported-version`
 */
export async function readManifest(directory: string): Promise<NodeBundle> {
  const root = resolve(directory);
  const bytes = await readManifestBytes(root);
  const manifest = parseManifest(manifestText(bytes));
  const digest = createHash('sha256').update(bytes).digest('hex');
  return nodeBundle(root, { manifest, digest, profiles: new Map() });
}

/** Joins what was read or written with the directory that holds it. */
export function nodeBundle(directory: string, { manifest, digest, profiles }: Bundle): NodeBundle {
  const pathOf = ({ file }: BundleFile): string => join(directory, ...file.split('/'));
  const partPath = (part: PartName): string => {
    const entry = manifest[part];
    if (!entry) throw new RangeError(`part expected one that the bundle has, got ${part}`);
    return pathOf(entry);
  };
  const unitPath = (id: string, half: UnitPartName): string => {
    const unit = manifest.units?.find((candidate) => candidate.id === id);
    if (!unit) throw new RangeError(`id expected that of a unit of the bundle, got '${id}'`);
    return pathOf(unit[half]);
  };
  const exitPath = (): string => {
    if (!manifest.exit) throw new RangeError('bundle expected one with an exit, got one without');
    return pathOf(manifest.exit);
  };
  return { manifest, digest, profiles, directory, partPath, unitPath, exitPath };
}

/**
 * The bytes of a bundle's manifest, unread.
 * @throws {BundleError} `not-found`, `invalid-manifest` if there are too many
 */
export async function readManifestBytes(directory: string): Promise<Uint8Array> {
  const path = join(directory, MANIFEST_FILE);
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new BundleError('not-found', `${path} expected a file, got something else`);
    if (status.size > MANIFEST_LIMITS.manifestBytes) {
      throw new BundleError(
        'invalid-manifest',
        `${MANIFEST_FILE} expected at most ${MANIFEST_LIMITS.manifestBytes} bytes, got ${status.size}`,
      );
    }
    return await readFile(path);
  } catch (cause) {
    if (!hasErrorCode(cause, 'ENOENT', 'ENOTDIR')) throw cause;
    throw new BundleError('not-found', `bundle expected ${path}, got no such file`, { cause });
  }
}

async function checkFile(directory: string, entry: BundleFile): Promise<void> {
  checkDigest(entry, await digestOfFile(await findBundleFile(directory, entry)));
}

/**
 * Absolute path of a file that the manifest names, which has the length stated there; the digest is left to the caller. Its size is compared here: it is at hand, a truncated file needs no hashing and one
 * that is too long no reading.
 * @throws {BundleError} `missing-file`, `digest-mismatch` if the length differs
 */
export async function findBundleFile(directory: string, entry: BundleFile): Promise<string> {
  const path = join(directory, ...entry.file.split('/'));
  try {
    const [root, target, status] = await Promise.all([realpath(directory), realpath(path), stat(path)]);
    if (!status.isFile() || !target.startsWith(root + sep)) {
      throw new BundleError('missing-file', `${entry.file} expected a file inside the bundle, got ${target}`);
    }
    if (status.size !== entry.bytes) checkDigest(entry, { bytes: status.size, sha256: '' });
    return path;
  } catch (cause) {
    if (!hasErrorCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw cause;
    throw new BundleError('missing-file', `bundle expected ${path}, got no such file`, { cause });
  }
}
