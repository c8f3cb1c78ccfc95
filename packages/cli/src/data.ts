/** Data sets as commands name them. */

import path from 'node:path';
import {
  createTextLines,
  createTurnedLines,
  type DataSet,
  type LabelUse,
  openDataSet,
  openFashionMnist,
  type TextSplit,
} from '@featherwire/eval';

const DEFAULT_TEXT_LINE_COUNT = 200;

/** Data sets that have names of their own, made on the spot or installed by a package. */
const NAMED_DATA: Readonly<Record<string, (part: TextSplit, count: number) => Promise<DataSet>>> = {
  'text-lines': (split, count) => createTextLines({ split, count }),
  'turned-lines': (split, count) => createTurnedLines({ split, count }),
  'fashion-mnist': (part) => openFashionMnist(part),
};

/**
 * Opens what `--data` names.
 * @param part - of the prose, or of Fashion-MNIST: what is for calibration is never tested on
 * @param count - lines to draw; other data are whole
 * @param labels - as `openDataSet`
 * @throws {DataSetError} as `openDataSet`; `not-found` for a data set whose package is not installed
 */
export function openNamedData(
  name: string,
  part: TextSplit,
  count: number = DEFAULT_TEXT_LINE_COUNT,
  labels: LabelUse = 'needed',
): Promise<DataSet> {
  return NAMED_DATA[name]?.(part, count) ?? openDataSet(name, labels);
}

/** Whether two names are of the same samples; the parts of named sets have none in common. */
export function isSameData(name: string, other: string): boolean {
  return !(name in NAMED_DATA) && path.resolve(name) === path.resolve(other);
}
