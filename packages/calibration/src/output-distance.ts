/**
 * How far an output is from that of the unsplit network, as a smooth number: for scores the Kullback-Leibler divergence of
 * the probabilities that they stand for. It tells small damage that changes no answer yet, and needs no labels.
 */

import type { Task } from '@featherwire/bundle';
import type { TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';

/** Rows that sum to 1 this closely, with nothing below 0, are probabilities already. */
const SUM_TOLERANCE = 1e-3;
/** Probabilities below are taken for this. */
const LEAST_PROBABILITY = 1e-6;

/** The distance of two outputs of a sample: 0 for equal ones. */
export type OutputDistance = (reference: TensorMap, outputs: TensorMap) => number;

/**
 * The distance for a task: by classes for those that have such, else squared differences over squared outputs; of detections
 * the sum for scores and boxes.
 */
export function distanceOfTask(task: Task | undefined): OutputDistance {
  return (reference, outputs) => {
    const names = task ? [task.output] : Object.keys(reference);
    const ofNames = names.reduce((sum, name) => sum + distanceOf(reference[name], outputs[name], task), 0);
    if (task?.kind !== 'detection') return ofNames;
    return ofNames + distanceOf(reference[task.boxes], outputs[task.boxes], undefined);
  };
}

/** True if the outputs of a network tell small changes. */
export function isGraded(reference: TensorMap, task: Task | undefined): boolean {
  const names = task ? [task.output] : Object.keys(reference);
  return names.some((name) => reference[name].dtype === 'float32');
}

function distanceOf(a: Tensor, b: Tensor, task: Task | undefined): number {
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return shareOfDifferent(a, b);
  const { shape } = a;
  // Classes lie last in sequences [N, T, K] and of candidates [N, C, K], else second: [N, K, …].
  const axis = task?.kind === 'ctc-text' || task?.kind === 'detection' ? shape.length - 1 : 1;
  if (!task && shape.length !== 4 && shape.length !== 2) return relativeError(a.data, b.data);
  const classes = shape[axis];
  const inner = shape.slice(axis + 1).reduce((product, dimension) => product * dimension, 1);
  const rows = a.data.length / classes;
  const isProbability = looksLikeProbabilities(a.data, classes, inner);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const start = Math.floor(row / inner) * classes * inner + (row % inner);
    const place = { start, stride: inner, classes };
    sum += isProbability
      ? divergenceOfProbabilities(a.data, b.data, place)
      : divergenceOfScores(a.data, b.data, place);
  }
  return sum / rows;
}

interface Row {
  readonly start: number;
  readonly stride: number;
  readonly classes: number;
}

/** The divergence of the softmax of scores; the sums are of double precision, so that small ones are not lost. */
function divergenceOfScores(a: Float32Array, b: Float32Array, row: Row): number {
  const [logA, logB] = [logOfSum(a, row), logOfSum(b, row)];
  let sum = 0;
  for (let k = 0; k < row.classes; k++) {
    const at = row.start + k * row.stride;
    const own = a[at] - logA;
    sum += Math.exp(own) * (own - (b[at] - logB));
  }
  return Math.max(0, sum);
}

/** Logarithm of the sum of the exponentials of scores. */
function logOfSum(scores: Float32Array, { start, stride, classes }: Row): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < classes; k++) largest = Math.max(largest, scores[start + k * stride]);
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += Math.exp(scores[start + k * stride] - largest);
  return largest + Math.log(sum);
}

function divergenceOfProbabilities(
  a: Float32Array,
  b: Float32Array,
  { start, stride, classes }: Row,
): number {
  let sum = 0;
  for (let k = 0; k < classes; k++) {
    const [own, other] = [a[start + k * stride], b[start + k * stride]];
    if (own > 0) sum += own * Math.log(own / Math.max(other, LEAST_PROBABILITY));
  }
  return Math.max(0, sum);
}

/**
 * Whether a row of scores is one of probabilities.
 * @param data - the row begins with it
 * @param stride - elements from class to class
 */
export function looksLikeProbabilities(data: Float32Array, classes: number, stride: number): boolean {
  let sum = 0;
  for (let k = 0; k < classes; k++) {
    const value = data[k * stride];
    if (!(value >= 0 && value <= 1)) return false;
    sum += value;
  }
  return Math.abs(sum - 1) <= SUM_TOLERANCE;
}

function relativeError(a: Float32Array, b: Float32Array): number {
  let squares = 0;
  let errors = 0;
  for (let i = 0; i < a.length; i++) {
    squares += a[i] * a[i];
    errors += (b[i] - a[i]) ** 2;
  }
  return squares > 0 ? errors / squares : errors;
}

function shareOfDifferent(a: Tensor, b: Tensor): number {
  let different = 0;
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) different++;
  return a.data.length > 0 ? different / a.data.length : 0;
}
