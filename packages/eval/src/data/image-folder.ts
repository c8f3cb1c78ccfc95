/** A directory of pictures with `labels.json`, `[{"file": "a.png", "label": 3}, …]`, or of any pictures without labels. */

import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import {
  checkSampleIndex,
  type DataSet,
  DataSetError,
  type Label,
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
  readonly label: Label;
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
  const name = basename(root);
  return {
    name,
    length: entries.length,
    description: `${entries.length} pictures of the folder ${name}`,
    sample: async (index) => {
      checkSampleIndex(index, entries.length);
      const { file, label } = entries[index];
      const bytes = await readLimited(join(root, ...file.split('/')), MAX_PICTURE_BYTES);
      return { id: file, input: { kind: 'encoded', bytes }, label };
    },
  };
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
  const { file, label } = (value ?? {}) as { readonly file?: unknown; readonly label?: unknown };
  if (typeof file !== 'string' || !staysInside(file)) {
    throw new DataSetError(
      'invalid-data',
      `${LABELS_FILE}[${index}].file expected a relative file name, got ${JSON.stringify(file)}`,
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

/** True for names that cannot leave the folder on any system. */
function staysInside(file: string): boolean {
  const parts = file.split('/');
  return !/[\\:\0]/.test(file) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}
