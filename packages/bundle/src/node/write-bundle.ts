/**
 * Writing a bundle so that it is there whole or not at all: all files go to a temporary directory beside the
 * target, are made durable, and the directory is renamed. Replacing moves the old bundle aside first, for the
 * instant between two renames.
 */

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { sha256Hex } from '../digest.js';
import { BundleError } from '../errors.js';
import {
  type Bundle,
  type BundleFile,
  type BundleManifest,
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  MANIFEST_VERSION,
  type ModelPart,
  type PartName,
} from '../manifest.js';
import { filesOfManifest } from '../manifest-files.js';
import { checkManifest, serializeManifest } from '../parse-manifest.js';
import { loadProfiles } from '../point-profiles.js';
import { isLeftoverFile } from './content-files.js';
import {
  createParents,
  digestOfFile,
  type FileDigest,
  hasErrorCode,
  syncDirectory,
  writeDurably,
} from './file-system.js';
import {
  type OperatingPointSource,
  type StoredPoints,
  storePoints,
  type UnitSource,
} from './point-sources.js';
import { type NodeBundle, nodeBundle, PART_NAMES, readManifest } from './read-bundle.js';
import { TEMPORARY_MANIFEST_PREFIX } from './rewrite-manifest.js';

/** Bytes in memory, or the path of a file that is copied in pieces. */
export type FileSource = Uint8Array | string;

/** One part to write. */
export interface PartSource {
  /** The ONNX file; it becomes `head.onnx`, `tail.onnx` or `whole.onnx`. */
  readonly model: FileSource;
  /** Number of weights. */
  readonly parameters: number;
  /** Multiply-accumulate operations for one sample, null where unknown. */
  readonly macs: number | null;
  /** Files with weights, under the names by which the ONNX file refers to them. */
  readonly externalData?: readonly { readonly file: string; readonly data: FileSource }[];
}

/** A manifest without what follows from the files. */
export interface ManifestContent
  extends Omit<BundleManifest, 'format' | 'version' | 'operatingPoints' | 'units' | 'exit' | PartName> {
  readonly units?: readonly UnitSource[];
  readonly operatingPoints: readonly OperatingPointSource[];
}

/** What a bundle is made of. */
export interface BundleContent {
  readonly manifest: ManifestContent;
  readonly parts: { readonly head: PartSource; readonly tail: PartSource; readonly whole?: PartSource };
}

/** Options of `writeBundle`. */
export interface WriteBundleOptions {
  /** Replace a bundle that is already there; false by default. */
  readonly overwrite?: boolean;
}

/**
 * Writes a bundle; parents of the directory are created. On any failure nothing is left behind and a bundle
 * that was there before is still there.
 * @param directory - path of the bundle to be
 * @throws {BundleError} `exists` if the path is taken and `overwrite` is false; `not-a-bundle` if it is taken by
 *   anything but a bundle and the files of its manifest; `invalid-manifest`; `invalid-profile`; `missing-file` if a
 *   source path cannot be read; `write-failed`
 */
export async function writeBundle(
  directory: string,
  content: BundleContent,
  options: WriteBundleOptions = {},
): Promise<NodeBundle> {
  const target = resolve(directory);
  const replaces = await isTaken(target);
  if (replaces && !options.overwrite)
    throw new BundleError('exists', `directory expected a free path, got ${target}, which exists`);
  if (replaces) await checkReplaceable(target);
  const { operatingPoints, units = [], cut } = content.manifest;
  const stored = await storePoints(operatingPoints, units, { cut });
  checkContent(content, stored);

  return asWriteFailure(target, async () => {
    const removeParents = await createParents(dirname(target));
    let staging: string | undefined;
    try {
      staging = join(dirname(target), `.${basename(target)}.tmp-${randomUUID()}`);
      await mkdir(staging); // not mkdtemp: the bundle keeps this directory's permissions
      const bundle = await fillDirectory(staging, content, stored);
      if (replaces) await replaceDirectory(staging, target);
      else await moveToFreePath(staging, target);
      await syncDirectory(dirname(target));
      return nodeBundle(target, bundle);
    } catch (error) {
      if (staging) await rm(staging, { recursive: true, force: true });
      await removeParents();
      throw error;
    }
  });
}

/** Finds mistakes in the caller's record before any file is copied, with stand-ins for what files will tell. */
function checkContent({ manifest, parts }: BundleContent, stored: StoredPoints): void {
  const standIn = { bytes: 0, sha256: '0'.repeat(64) };
  const part = (name: PartName, source: PartSource): ModelPart => {
    const externalData = source.externalData?.map(({ file }) => ({ file, ...standIn }));
    return modelPart(name, source, standIn, externalData);
  };
  checkManifest(
    manifestOf(manifest, stored, {
      head: part('head', parts.head),
      tail: part('tail', parts.tail),
      ...(parts.whole && { whole: part('whole', parts.whole) }),
    }),
  );
}

interface ModelParts {
  readonly head: ModelPart;
  readonly tail: ModelPart;
  readonly whole?: ModelPart;
}

function manifestOf(
  { units: _, ...content }: ManifestContent,
  { points, units }: StoredPoints,
  parts: ModelParts,
): BundleManifest {
  return {
    ...content,
    ...(units.length > 0 && { units }),
    operatingPoints: points,
    format: MANIFEST_FORMAT,
    version: MANIFEST_VERSION,
    ...parts,
  };
}

function modelPart(
  name: PartName,
  source: PartSource,
  digest: FileDigest,
  externalData: readonly BundleFile[] | undefined,
): ModelPart {
  const { parameters, macs } = source;
  const part = { file: `${name}.onnx`, ...digest, parameters, macs };
  return externalData ? { ...part, externalData } : part;
}

/** Writes every file of a new bundle into an empty directory, the manifest last. */
async function fillDirectory(
  directory: string,
  { manifest, parts }: BundleContent,
  stored: StoredPoints,
): Promise<Bundle> {
  const written = new Map<string, BundleFile>();
  const entries: Partial<Record<PartName, ModelPart>> = {};
  for (const name of PART_NAMES) {
    const source = parts[name];
    if (!source) continue;
    const model = await writeFile(directory, `${name}.onnx`, source.model, written);
    const externalData: BundleFile[] = [];
    for (const { file, data } of source.externalData ?? []) {
      externalData.push(await writeFile(directory, file, data, written));
    }
    entries[name] = modelPart(name, source, model, source.externalData && externalData);
  }
  for (const [file, content] of stored.files) await writeFile(directory, file, content, written);
  const complete = checkManifest(manifestOf(manifest, stored, entries as ModelParts));
  const profiles = await loadProfiles(complete, async ({ file }) => stored.files.get(file)!);
  const bytes = new TextEncoder().encode(serializeManifest(complete));
  await writeDurably(join(directory, MANIFEST_FILE), bytes);
  await syncDirectory(directory);
  return { manifest: complete, digest: await sha256Hex(bytes), profiles };
}

/** A file that two parts share is written once; a second source of other content fails the manifest's check. */
async function writeFile(
  directory: string,
  file: string,
  source: FileSource,
  written: Map<string, BundleFile>,
): Promise<BundleFile> {
  if (written.has(file)) {
    const digest =
      source instanceof Uint8Array
        ? { bytes: source.byteLength, sha256: await sha256Hex(source) }
        : await digestOfFile(source);
    return { file, ...digest };
  }
  const path = join(directory, ...file.split('/'));
  await mkdir(dirname(path), { recursive: true });
  const content = source instanceof Uint8Array ? source : () => createReadStream(source);
  const entry = { file, ...(await fromSource(source, () => writeDurably(path, content))) };
  written.set(file, entry);
  return entry;
}

/** Tells a source that cannot be read from a target that cannot be written. */
async function fromSource<T>(source: FileSource, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (typeof source === 'string' && hasErrorCode(cause, 'ENOENT', 'EISDIR', 'ENOTDIR', 'EACCES')) {
      throw new BundleError('missing-file', `source expected a readable file, got ${source}`, { cause });
    }
    throw cause;
  }
}

async function isTaken(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

/** Only a directory that holds a valid manifest and nothing but the files it names may be deleted. */
async function checkReplaceable(target: string): Promise<void> {
  if (!(await lstat(target)).isDirectory()) {
    throw new BundleError('not-a-bundle', `${target} expected a bundle to replace, got no directory`);
  }
  let manifest: BundleManifest;
  try {
    ({ manifest } = await readManifest(target));
  } catch (cause) {
    throw new BundleError(
      'not-a-bundle',
      `${target} expected a bundle to replace: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  const known = new Set<string>([MANIFEST_FILE]);
  for (const { entry } of filesOfManifest(manifest)) known.add(entry.file);
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const file = path.slice(target.length + 1).replaceAll(sep, '/');
    const isLeftover = file.startsWith(TEMPORARY_MANIFEST_PREFIX) || isLeftoverFile(file);
    if (!known.has(file) && !isLeftover) {
      throw new BundleError('not-a-bundle', `${target} expected only files of its manifest, got ${file}`);
    }
  }
}

/** A directory that appeared at the target since it was looked at is not replaced. */
async function moveToFreePath(staging: string, target: string): Promise<void> {
  if (await isTaken(target))
    throw new BundleError('exists', `directory expected a free path, got ${target}, which exists`);
  await rename(staging, target);
}

/** Puts the old bundle back if the new one cannot be moved to its place. */
async function replaceDirectory(staging: string, target: string): Promise<void> {
  const aside = `${staging}-old`;
  await rename(target, aside);
  try {
    await rename(staging, target);
  } catch (error) {
    await rename(aside, target);
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

async function asWriteFailure<T>(target: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError('write-failed', `${target} cannot be written: ${(cause as Error).message}`, {
      cause,
    });
  }
}
