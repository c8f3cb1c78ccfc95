/** Where the networks and pictures are that some tests use and the repository does not hold. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The directory named by `FEATHERWIRE_EVAL`, otherwise `../shared/eval` beside the repository. */
export const EVAL_DIRECTORY = process.env.FEATHERWIRE_EVAL ?? path.resolve(root, '../shared/eval');

/** Whether all of these files and folders of the directory are there; prints one line if not. */
export function hasEvalAssets(...names: readonly string[]): boolean {
  const missing = names.filter((name) => !existsSync(path.join(EVAL_DIRECTORY, name)));
  if (missing.length === 0) return true;
  console.info(
    `skipped: no ${missing.join(', ')} in ${EVAL_DIRECTORY} (FEATHERWIRE_EVAL names another place)`,
  );
  return false;
}
