/** The data set that `--data` names: a path, or one that is made on the spot. */

import { createTextLines, type DataSet, openDataSet } from '@featherwire/eval';

/** Name of the data set that is made on the spot. */
const TEXT_LINES = 'text-lines';
const DEFAULT_TEXT_LINE_COUNT = 200;

/**
 * Opens a data set.
 * @param name - a path, or `text-lines`
 * @param count - samples that are made on the spot; 200 by default
 * @throws {DataSetError} as `openDataSet`
 */
export function openData(name: string, count: number = DEFAULT_TEXT_LINE_COUNT): Promise<DataSet> {
  return name === TEXT_LINES ? createTextLines({ split: 'test', count }) : openDataSet(name);
}
