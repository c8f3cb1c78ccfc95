/** The metric of a bundle's task, from what the network returns: against labels, or against the unsplit network. */

import { decodeCtcIndices, decodeCtcOutput, indexOfLargest, type Task } from '@featherwire/bundle';
import type { TensorMap } from '@featherwire/inference';
import { elementCount, type Tensor, type TensorOf } from '@featherwire/tensor';
import { type ClassMap, DataSetError, type Label, type Sample } from '../data/data-set.js';
import { topKHits } from './accuracy.js';
import { characterErrors } from './character-errors.js';
import { detectedBoxes } from './detected-boxes.js';
import { detectionMatches, type ExpectedBox } from './detection.js';
import type { Ratio } from './ratio.js';
import { segmentationOverlap } from './segmentation.js';

/** Which of two values is better. */
export type BetterDirection = 'higher' | 'lower';

/** What scoring takes of a sample. */
export type LabeledSample = Pick<Sample, 'id' | 'label'>;

/** How answers of a task are scored against labels. */
export interface TaskMetric {
  readonly name: string;
  readonly better: BetterDirection;
  /**
   * One sample's share of the metric.
   * @param outputs - of this one sample
   * @throws {DataSetError} `invalid-data` if the sample has no label of the task's kind
   * @throws {TypeError} if the output has not its form
   */
  score(outputs: TensorMap, sample: LabeledSample): Ratio;
}

/** The metric of a task: top-1 accuracy, character error rate without spaces, mean intersection over union, or F1 of boxes. */
export function metricOfTask(task: Task): TaskMetric {
  switch (task.kind) {
    case 'classification':
      return {
        name: 'top-1 accuracy',
        better: 'higher',
        score: (outputs, sample) => scoreClass(outputs[task.output], classOf(sample, task.classes)),
      };
    case 'ctc-text':
      return {
        name: 'character error rate',
        better: 'lower',
        score: (outputs, sample) =>
          characterErrors(textOf(sample), readText(outputs[task.output], task.alphabet)),
      };
    case 'segmentation':
      return {
        name: 'mean intersection over union',
        better: 'higher',
        score: (outputs, sample) => segmentationOverlap(outputs[task.output], classMapOf(sample)),
      };
    case 'detection':
      return {
        name: 'F1 of boxes',
        better: 'higher',
        score: (outputs, sample) => detectionMatches(boxesOf(sample), detectedBoxes(outputs, task)),
      };
    default:
      return task satisfies never;
  }
}

/** How answers are scored without labels: against those of the unsplit network on the same sample. */
export interface AgreementMetric {
  readonly name: string;
  readonly better: BetterDirection;
  /**
   * One sample's share of the metric.
   * @throws {TypeError} if an output is of another form than the reference, or cannot be compared
   */
  score(outputs: TensorMap, reference: TensorMap): Ratio;
}

/**
 * Agreement with the unsplit network: of classes, of characters, of boxes, or without a task of all outputs, where float32 [N, K, …] has a
 * best one of K classes at each place and integers are compared as they are.
 */
export function agreementOfTask(task: Task | undefined): AgreementMetric {
  if (task?.kind === 'ctc-text') {
    return {
      name: 'character errors against the unsplit network',
      better: 'lower',
      score: (outputs, reference) =>
        characterErrors(
          readText(reference[task.output], task.alphabet),
          readText(outputs[task.output], task.alphabet),
        ),
    };
  }
  if (task?.kind === 'detection') {
    return {
      name: 'F1 of boxes against the unsplit network',
      better: 'higher',
      score: (outputs, reference) =>
        detectionMatches(detectedBoxes(reference, task), detectedBoxes(outputs, task)),
    };
  }
  return {
    name: 'agreement with the unsplit network',
    better: 'higher',
    score(outputs, reference) {
      const names = task ? [task.output] : Object.keys(reference);
      const ratios = names.map((name) => agreementOfOutputs(outputs[name], reference[name]));
      return {
        numerator: ratios.reduce((sum, { numerator }) => sum + numerator, 0),
        denominator: ratios.reduce((sum, { denominator }) => sum + denominator, 0),
      };
    },
  };
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

function classOf({ id, label }: LabeledSample, classes: readonly string[] = []): number {
  const index = typeof label === 'string' ? classes.indexOf(label) : label;
  if (typeof index === 'number' && index >= 0) return index;
  throw wrongLabel(id, 'a class', label);
}

function classMapOf({ id, label }: LabeledSample): ClassMap {
  if (typeof label === 'object' && 'classes' in label) return label;
  throw wrongLabel(id, 'a map of classes', label);
}

function boxesOf({ id, label }: LabeledSample): readonly ExpectedBox[] {
  if (typeof label === 'object' && !('classes' in label)) return label;
  throw wrongLabel(id, 'boxes', label);
}

function textOf({ id, label }: LabeledSample): string {
  if (typeof label === 'string') return label;
  throw wrongLabel(id, 'a text', label);
}

function wrongLabel(id: string, expected: string, label: Label): DataSetError {
  const object = typeof label === 'object' && 'classes' in label ? 'a map of classes' : 'boxes';
  const got = { string: `'${label}'`, number: `${label}`, object }[typeof label as 'string'];
  return new DataSetError('invalid-data', `sample ${id} expected ${expected} as its label, got ${got}`);
}

/** Equal answers of all places. */
function agreementOfOutputs(output: Tensor, reference: Tensor): Ratio {
  if (output.dtype !== reference.dtype || output.shape.join() !== reference.shape.join())
    throw wrongForm(output, describe(reference));
  const expected = answersOf(reference);
  const equal = answersOf(output).filter((answer, i) => answer === expected[i]);
  return { numerator: equal.length, denominator: expected.length };
}

function answersOf(output: Tensor): (number | bigint)[] {
  if (output.dtype === 'float32') return bestClasses(output);
  if (output.dtype === 'float16' || output.dtype === 'float64')
    throw wrongForm(output, 'float32 or integers');
  return Array.from<number | bigint>(output.data);
}

/** The best class at each place of [N, K, …]. */
function bestClasses(output: TensorOf<'float32'>): number[] {
  if (output.shape.length < 2) throw wrongForm(output, 'float32 [N, K, …]');
  const [samples, classes, ...rest] = output.shape;
  const places = elementCount(rest);
  const scores = new Float32Array(classes);
  return Array.from({ length: samples * places }, (_, i) => {
    const start = Math.floor(i / places) * classes * places + (i % places);
    for (let k = 0; k < classes; k++) scores[k] = output.data[start + k * places];
    return indexOfLargest(scores, 0, classes);
  });
}

function wrongForm(output: Tensor, expected: string): TypeError {
  return new TypeError(`output expected ${expected}, got ${describe(output)}`);
}

function describe({ dtype, shape }: Tensor): string {
  return `${dtype} [${shape.join(', ')}]`;
}
