/** How answers are judged: by the task's metric where the data have labels, else by agreement with the unsplit network. */

import type { Task } from '@featherwire/bundle';
import type { TensorMap } from '@featherwire/inference';
import type { Ratio } from '../metrics/ratio.js';
import {
  agreementOfTask,
  type BetterDirection,
  type LabeledSample,
  metricOfTask,
} from '../metrics/task-metric.js';

/** A metric of answers. */
export interface TaskScore {
  readonly name: string;
  readonly better: BetterDirection;
  /**
   * One sample's share of the metric.
   * @param reference - outputs of the unsplit network for the same sample
   */
  score(outputs: TensorMap, sample: LabeledSample, reference: TensorMap): Ratio;
}

/**
 * The score of a task.
 * @param against - `'labels'` needs a task; the unsplit network needs no labels
 * @throws {TypeError} if labels are to be compared with and there is no task
 */
export function scoreOfTask(task: Task | undefined, against: 'labels' | 'unsplit'): TaskScore {
  if (against === 'unsplit') {
    const metric = agreementOfTask(task);
    return {
      ...metric,
      score: (outputs, _, reference) => metric.score(outputs, reference),
    };
  }
  if (!task) throw new TypeError('task expected one to compare with labels, got none');
  return metricOfTask(task);
}
