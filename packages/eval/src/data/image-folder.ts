/** A directory of pictures with `labels.json`: `[{"file": "a.png", "label": 3}, …]`. */

import { basename, join, resolve } from 'node:path';
import { checkSampleIndex, type DataSet, DataSetError, type Label } from './data-set.js';
import { readLimited } from './read-limited.js';

/** Name of the file with the labels. */
export const LABELS_FILE = 'labels.json';

const MAX_LABELS_BYTES = 1 << 28;
const MAX_PICTURE_BYTES = 1 << 28;

interface LabelEntry {
  readonly file: string;
  readonly label: Label;
}

/**
 * Opens a folder; pictures are read when they are asked for.
 * @param directory - holds `labels.json` and the files that it names, also in folders below
 * @throws {DataSetError} `not-found` without `labels.json`; `invalid-data` if it is not such a list;
 *   `over-limit` if a file is larger than 256 MiB
 */
export async function openImageFolder(directory: string): Promise<DataSet> {
  const root = resolve(directory);
  const entries = parseLabels(
    new TextDecoder().decode(await readLimited(join(root, LABELS_FILE), MAX_LABELS_BYTES)),
  );
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
