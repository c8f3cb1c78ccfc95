/** The task's metric of one answer: what `run` reports as accuracy. */

import type { Task } from '@featherwire/bundle';
import {
  characterErrors,
  decodeCtcIndices,
  decodeCtcOutput,
  type Ratio,
  type Sample,
  topKHits,
} from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import { CommandError } from '../terminal/errors.js';

/** How answers of a task are scored. */
export interface TaskMetric {
  readonly name: string;
  /**
   * One sample's share of the metric.
   * @param outputs - of this one sample
   * @throws {CommandError} if the sample has no label of the task's kind, or the output not its form
   */
  score(outputs: TensorMap, sample: Sample): Ratio;
}

/** The metric of a task: top-1 accuracy, or character error rate without spaces. */
export function metricOfTask(task: Task): TaskMetric {
  switch (task.kind) {
    case 'classification':
      return {
        name: 'top-1 accuracy',
        score: (outputs, sample) => scoreClass(outputs[task.output], classOf(sample, task.classes)),
      };
    case 'ctc-text':
      return {
        name: 'character error rate',
        score: (outputs, sample) =>
          characterErrors(textOf(sample), readText(outputs[task.output], task.alphabet)),
      };
    default:
      return task satisfies never;
  }
}

/** Scores [1, K], or the index of the best class. */
function scoreClass(output: Tensor, label: number): Ratio {
  if (output.dtype === 'float32') return topKHits(output, [label], 1)[0];
  if (output.data.length !== 1) throw wrongForm(output, 'float32 [1, K] or one integer');
  return { numerator: Number(output.data[0]) === label ? 1 : 0, denominator: 1 };
}

/** Scores [1, T, K], or the best index of each of T steps. */
function readText(output: Tensor, alphabet: readonly string[]): string {
  if (output.dtype === 'float32') return decodeCtcOutput(output, alphabet)[0];
  if (output.dtype !== 'int32') throw wrongForm(output, 'float32 [1, T, K] or int32 [1, T]');
  return decodeCtcIndices(output.data, alphabet);
}

function classOf({ id, label }: Sample, classes: readonly string[] = []): number {
  const index = typeof label === 'number' ? label : classes.indexOf(label);
  if (index >= 0) return index;
  throw new CommandError(`sample ${id} expected a class as its label, got '${label}'`);
}

function textOf({ id, label }: Sample): string {
  if (typeof label === 'string') return label;
  throw new CommandError(`sample ${id} expected a text as its label, got ${label}`);
}

function wrongForm({ dtype, shape }: Tensor, expected: string): CommandError {
  return new CommandError(`output expected ${expected}, got ${dtype} [${shape.join(', ')}]`);
}
