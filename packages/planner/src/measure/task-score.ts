/** How answers are judged: by the task's metric where the data have labels, else by agreement with the unsplit network. */

import type { Task } from '@featherwire/bundle';
import {
  agreementOfTask,
  type BetterDirection,
  bootstrapDifference,
  metricOfTask,
  pooledRatio,
  type Ratio,
  type Sample,
} from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import type { Loss } from '../choice/way.js';

/** A metric of answers. */
export interface TaskScore {
  readonly name: string;
  readonly better: BetterDirection;
  /**
   * One sample's share of the metric.
   * @param reference - outputs of the unsplit network for the same sample
   */
  score(outputs: TensorMap, sample: Sample, reference: TensorMap): Ratio;
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

/** Metric of a way and its loss to the unsplit network, sample by sample. */
export function judge(
  ratios: readonly Ratio[],
  reference: readonly Ratio[],
  better: TaskScore['better'],
): { readonly metric: number; readonly loss: Loss } {
  const sign = better === 'higher' ? -100 : 100;
  const { value, low, high } = bootstrapDifference(reference, ratios);
  const points = [sign * low, sign * high].map((end) => end + 0).sort((a, b) => a - b);
  return {
    metric: pooledRatio(ratios),
    loss: { points: sign * value + 0, interval: [points[0], points[1]] },
  };
}
