/** Data sets as commands name them. */

import path from 'node:path';
import { createTextLines, type DataSet, type LabelUse, openDataSet, type TextSplit } from '@featherwire/eval';

/** Name of the data set that is made on the spot. */
const TEXT_LINES = 'text-lines';
const DEFAULT_TEXT_LINE_COUNT = 200;

/**
 * Opens what `--data` names.
 * @param split - part of the prose that `text-lines` are drawn from
 * @param count - lines to draw; other data are whole
 * @param labels - as `openDataSet`
 * @throws {DataSetError} as `openDataSet`
 */
export function openNamedData(
  name: string,
  split: TextSplit,
  count: number = DEFAULT_TEXT_LINE_COUNT,
  labels: LabelUse = 'needed',
): Promise<DataSet> {
  return name === TEXT_LINES ? createTextLines({ split, count }) : openDataSet(name, labels);
}

/** Whether two names are of the same samples; `text-lines` draws its parts from different prose. */
export function isSameData(name: string, other: string): boolean {
  return name !== TEXT_LINES && path.resolve(name) === path.resolve(other);
}
