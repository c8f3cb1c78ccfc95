/**
 * How far an output is from that of the unsplit network, as a smooth number: for scores half the variance of their
 * differences under the probabilities that they stand for, which is the Kullback-Leibler divergence to second order
 * (Amari, "Information Geometry and Its Applications", 2016, section 3.5) and is not lost in the rounding of float32
 * where that is tiny.
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

/** The distance for a task: by classes for those that have such, else squared differences over squared outputs. */
export function distanceOfTask(task: Task | undefined): OutputDistance {
  return (reference, outputs) => {
    const names = task ? [task.output] : Object.keys(reference);
    return names.reduce((sum, name) => sum + distanceOf(reference[name], outputs[name], task), 0);
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
  // Classes lie last in sequences [N, T, K], else second: [N, K, …].
  const axis = task?.kind === 'ctc-text' ? shape.length - 1 : 1;
  if (!task && shape.length !== 4 && shape.length !== 2) return relativeError(a.data, b.data);
  const classes = shape[axis];
  const inner = shape.slice(axis + 1).reduce((product, dimension) => product * dimension, 1);
  const rows = a.data.length / classes;
  const isProbability = looksLikeProbabilities(a.data, classes, inner);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const start = Math.floor(row / inner) * classes * inner + (row % inner);
    const place = { start, stride: inner, classes };
    sum += isProbability ? chiSquare(a.data, b.data, place) : spreadOfScores(a.data, b.data, place);
  }
  return sum / rows;
}

interface Row {
  readonly start: number;
  readonly stride: number;
  readonly classes: number;
}

function spreadOfScores(a: Float32Array, b: Float32Array, { start, stride, classes }: Row): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < classes; k++) largest = Math.max(largest, a[start + k * stride]);
  let total = 0;
  let first = 0;
  let second = 0;
  for (let k = 0; k < classes; k++) {
    const at = start + k * stride;
    const weight = Math.exp(a[at] - largest);
    const difference = b[at] - a[at];
    total += weight;
    first += weight * difference;
    second += weight * difference * difference;
  }
  return (second / total - (first / total) ** 2) / 2;
}

function chiSquare(a: Float32Array, b: Float32Array, { start, stride, classes }: Row): number {
  let sum = 0;
  for (let k = 0; k < classes; k++) {
    const at = start + k * stride;
    sum += (b[at] - a[at]) ** 2 / Math.max(a[at], LEAST_PROBABILITY);
  }
  return sum / 2;
}

function looksLikeProbabilities(data: Float32Array, classes: number, stride: number): boolean {
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
