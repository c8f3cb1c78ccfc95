/**
 * A directory of pictures with `labels.json`, `[{"file": "a.png", "label": 3}, …]`, or of any pictures without labels. For
 * segmentation an entry names a picture of classes instead: `{"file": "a.jpg", "mask": "masks/a.png"}`, for detection it has
 * boxes in shares of the width and the height: `{"file": "a.jpg", "boxes": [{"label": 3, "left": 0.1, "top": 0, …}]}`.
 */

import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DEFAULT_PICTURE_LIMITS } from '@featherwire/bundle';
import { decodePixels, PictureError } from '@featherwire/bundle/node/pictures';
import type { ExpectedBox } from '../metrics/detection.js';
import {
  type ClassMap,
  checkSampleIndex,
  type DataSet,
  DataSetError,
  type LabelUse,
  NO_LABEL,
} from './data-set.js';
import { readLimited } from './read-limited.js';

/** Name of the file with the labels. */
export const LABELS_FILE = 'labels.json';

const MAX_LABELS_BYTES = 1 << 28;
const MAX_PICTURE_BYTES = 1 << 28;

/** Files that are taken for pictures where nothing lists them. */
const PICTURE_NAME = /\.(?:png|jpe?g|webp|avif|tiff?|gif)$/i;

interface LabelEntry {
  readonly file: string;
  /** The label, or the file of its picture. */
  readonly label: number | string | readonly ExpectedBox[] | { readonly mask: string };
}

/**
 * Opens a folder; pictures are read when they are asked for.
 * @param directory - holds `labels.json` and the files that it names, also in folders below
 * @param labels - `unread` takes all pictures of the directory itself, by their names in order, without `labels.json`
 * @throws {DataSetError} `not-found` without `labels.json`, or pictures if it is not read; `invalid-data` if it is not such a list;
 *   `over-limit` if a file is larger than 256 MiB
 */
export async function openImageFolder(directory: string, labels: LabelUse = 'needed'): Promise<DataSet> {
  const root = resolve(directory);
  const entries = labels === 'needed' ? await readLabels(root) : await listPictures(root);
  return folderOf({ root, maskRoot: root }, entries);
}

/**
 * Opens the pictures of a folder, by their names in order, with pictures of classes of the same names as PNG files in another.
 * @throws {DataSetError} `not-found` without pictures; of a sample also without its classes
 */
export async function openMaskedPictures(directory: string, masks: string): Promise<DataSet> {
  const root = resolve(directory);
  const pictures = await listPictures(root);
  const entries = pictures.map(({ file }) => ({ file, label: { mask: file.replace(PICTURE_NAME, '.png') } }));
  return folderOf({ root, maskRoot: resolve(masks) }, entries);
}

interface FolderRoots {
  readonly root: string;
  /** Where files of masks are. */
  readonly maskRoot: string;
}

function folderOf({ root, maskRoot }: FolderRoots, entries: readonly LabelEntry[]): DataSet {
  const name = basename(root);
  return {
    name,
    length: entries.length,
    description: `${entries.length} pictures of the folder ${name}`,
    sample: async (index) => {
      checkSampleIndex(index, entries.length);
      const { file, label } = entries[index];
      const read = (from: string, name: string): Promise<Uint8Array> =>
        readLimited(join(from, ...name.split('/')), MAX_PICTURE_BYTES);
      const bytes = await read(root, file);
      const own =
        typeof label === 'object' && 'mask' in label
          ? await classMapOfPicture(await read(maskRoot, label.mask), label.mask)
          : label;
      return { id: file, input: { kind: 'encoded', bytes }, label: own };
    },
  };
}

/** A gray picture whose bytes are classes. */
async function classMapOfPicture(bytes: Uint8Array, file: string): Promise<ClassMap> {
  try {
    const { width, height, channels, data } = await decodePixels(bytes, DEFAULT_PICTURE_LIMITS);
    // Gray pictures may be stored as three equal channels.
    return {
      width,
      height,
      classes: Uint8Array.from({ length: width * height }, (_, i) => data[i * channels]),
    };
  } catch (cause) {
    if (!(cause instanceof PictureError)) throw cause;
    throw new DataSetError('invalid-data', `${file}: ${cause.message}`, { cause });
  }
}

async function readLabels(root: string): Promise<readonly LabelEntry[]> {
  return parseLabels(new TextDecoder().decode(await readLimited(join(root, LABELS_FILE), MAX_LABELS_BYTES)));
}

async function listPictures(root: string): Promise<readonly LabelEntry[]> {
  const names = (await readdir(root)).filter((name) => PICTURE_NAME.test(name)).sort();
  if (names.length > 0) return names.map((file) => ({ file, label: NO_LABEL }));
  throw new DataSetError('not-found', `pictures expected in ${root}, got none`);
}

function parseLabels(text: string): readonly LabelEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataSetError('invalid-data', `${LABELS_FILE} expected JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (!Array.isArray(value) || value.length === 0) {
    throw new DataSetError(
      'invalid-data',
      `${LABELS_FILE} expected a list with entries, got ${typeof value}`,
    );
  }
  return value.map(parseLabelEntry);
}

function parseLabelEntry(value: unknown, index: number): LabelEntry {
  const { file, label, mask, boxes } = (value ?? {}) as Partial<
    Record<'file' | 'label' | 'mask' | 'boxes', unknown>
  >;
  if (typeof file !== 'string' || !staysInside(file)) {
    throw new DataSetError(
      'invalid-data',
      `${LABELS_FILE}[${index}].file expected a relative file name, got ${JSON.stringify(file)}`,
    );
  }
  if (mask !== undefined && label === undefined) {
    if (typeof mask === 'string' && staysInside(mask)) return { file, label: { mask } };
    throw new DataSetError(
      'invalid-data',
      `${LABELS_FILE}[${index}].mask expected a relative file name, got ${JSON.stringify(mask)}`,
    );
  }
  if (boxes !== undefined && label === undefined) {
    if (Array.isArray(boxes) && boxes.every(isBox)) return { file, label: boxes };
    throw new DataSetError(
      'invalid-data',
      `${LABELS_FILE}[${index}].boxes expected a list with label, left, top, right and bottom in shares, got ${JSON.stringify(boxes).slice(0, 200)}`,
    );
  }
  const isClass = typeof label === 'number' && Number.isSafeInteger(label) && label >= 0;
  if (!isClass && typeof label !== 'string') {
    throw new DataSetError(
      'invalid-data',
      `${LABELS_FILE}[${index}].label expected a text or a class number, got ${JSON.stringify(label)}`,
    );
  }
  return { file, label };
}

function isBox(value: unknown): value is ExpectedBox {
  const { label, left, top, right, bottom } = (value ?? {}) as Partial<Record<keyof ExpectedBox, unknown>>;
  const isShare = (side: unknown): side is number => typeof side === 'number' && side >= 0 && side <= 1;
  if (!(isShare(left) && isShare(top) && isShare(right) && isShare(bottom))) return false;
  const hasLabel = typeof label === 'string' || (Number.isSafeInteger(label) && Number(label) >= 0);
  return hasLabel && left <= right && top <= bottom;
}

/** True for names that cannot leave the folder on any system. */
function staysInside(file: string): boolean {
  const parts = file.split('/');
  return !/[\\:\0]/.test(file) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}
