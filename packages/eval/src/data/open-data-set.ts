/** The data set that a path names: a folder of pictures, or a NumPy file. */

import { stat } from 'node:fs/promises';
import { openArrayFile } from './array-file.js';
import { type DataSet, DataSetError, type LabelUse } from './data-set.js';
import { openImageFolder } from './image-folder.js';

/**
 * Opens a directory with `labels.json`, a `.npz`, or a `.npy` with labels beside it.
 * @param labels - `unread` opens any directory of pictures, and arrays without labels
 * @throws {DataSetError} as `openImageFolder` and `openArrayFile`; `not-found` if there is nothing at the path
 */
export async function openDataSet(path: string, labels: LabelUse = 'needed'): Promise<DataSet> {
  let isDirectory: boolean;
  try {
    isDirectory = (await stat(path)).isDirectory();
  } catch (cause) {
    throw new DataSetError('not-found', `data expected at ${path}: ${(cause as Error).message}`, { cause });
  }
  if (isDirectory) return openImageFolder(path, labels);
  if (/\.np[yz]$/.test(path)) return openArrayFile(path, { labels });
  throw new DataSetError('invalid-data', `data expected a directory, a .npy or a .npz, got ${path}`);
}
