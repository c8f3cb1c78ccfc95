/** Reading a bundle directory: the manifest, its digest, and the check of every file that it names. */

import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { checkDigest } from '../digest.js';
import { BundleError } from '../errors.js';
import { type Bundle, type BundleFile, MANIFEST_FILE, type ModelPart, type PartName } from '../manifest.js';
import { MANIFEST_LIMITS } from '../manifest-schema.js';
import { parseManifest } from '../parse-manifest.js';
import { digestOfFile, hasErrorCode } from './file-system.js';

/** The parts of a bundle, in the order of the manifest. */
export const PART_NAMES: readonly PartName[] = Object.freeze(['head', 'tail', 'whole'] as const);

/** A bundle in a directory. */
export interface NodeBundle extends Bundle {
  /** Absolute path of the directory. */
  readonly directory: string;
  /**
   * Absolute path of a part's ONNX file.
   * @throws {RangeError} if the bundle has no such part
   */
  partPath(part: PartName): string;
}

/** Options of `readBundle`. */
export interface ReadBundleOptions {
  /** Parts whose files are checked against the manifest; all that the bundle has by default. */
  readonly verify?: readonly PartName[];
}

/**
 * Reads a bundle and checks its files.
 * @param directory - path of the bundle
 * @throws {BundleError} `not-found` without a manifest there, `invalid-manifest`, `unsupported-version`,
 *   `missing-file` if a checked file is absent or lies outside the bundle, `digest-mismatch` if it differs
 */
export async function readBundle(directory: string, options: ReadBundleOptions = {}): Promise<NodeBundle> {
  const bundle = await readManifest(directory);
  for (const part of options.verify ?? PART_NAMES) {
    const entry = bundle.manifest[part];
    if (entry) await checkPart(bundle.directory, entry);
  }
  return bundle;
}

/**
 * Reads the manifest alone; no other file is looked at.
 * @throws {BundleError} `not-found`, `invalid-manifest`, `unsupported-version`
 */
export async function readManifest(directory: string): Promise<NodeBundle> {
  const root = resolve(directory);
  const bytes = await readManifestBytes(join(root, MANIFEST_FILE));
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BundleError('invalid-manifest', `${MANIFEST_FILE} expected UTF-8, got other bytes`, { cause });
  }
  const manifest = parseManifest(text);
  const digest = createHash('sha256').update(bytes).digest('hex');
  return nodeBundle(root, { manifest, digest });
}

/** Joins what was read or written with the directory that holds it. */
export function nodeBundle(directory: string, { manifest, digest }: Bundle): NodeBundle {
  const partPath = (part: PartName): string => {
    const entry = manifest[part];
    if (!entry) throw new RangeError(`part expected one that the bundle has, got ${part}`);
    return join(directory, ...entry.file.split('/'));
  };
  return { manifest, digest, directory, partPath };
}

async function readManifestBytes(path: string): Promise<Uint8Array> {
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

async function checkPart(directory: string, part: ModelPart): Promise<void> {
  for (const entry of [part, ...(part.externalData ?? [])]) await checkFile(directory, entry);
}

/** The size is compared first: it is at hand, and a truncated file needs no hashing. */
async function checkFile(directory: string, entry: BundleFile): Promise<void> {
  const path = join(directory, ...entry.file.split('/'));
  let size: number;
  try {
    const [root, target, status] = await Promise.all([realpath(directory), realpath(path), stat(path)]);
    if (!status.isFile() || !target.startsWith(root + sep)) {
      throw new BundleError('missing-file', `${entry.file} expected a file inside the bundle, got ${target}`);
    }
    size = status.size;
  } catch (cause) {
    if (!hasErrorCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw cause;
    throw new BundleError('missing-file', `bundle expected ${path}, got no such file`, { cause });
  }
  if (size !== entry.bytes) checkDigest(entry, { bytes: size, sha256: '' });
  checkDigest(entry, await digestOfFile(path));
}
