/**
 * Boxes that a detector of candidates found: scores of the classes of each candidate and the corners of its box, as detectors of
 * one stage give them. The sure candidates that no surer one of their class covers are its answer.
 */

import type { Task } from '@featherwire/bundle';
import type { TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import { type Detection, suppressOverlaps } from './detection.js';

/** A task of detection. */
export type DetectionTask = Extract<Task, { readonly kind: 'detection' }>;

/**
 * Boxes in shares of the picture's width and height, surest first.
 * @param outputs - scores float32 [1, N, K] and boxes float32 [1, N, 4]
 * @throws {TypeError} if they have another form
 */
export function detectedBoxes(outputs: TensorMap, task: DetectionTask): Detection[] {
  const scores = outputs[task.output];
  const boxes = outputs[task.boxes];
  const [, count, classes] = scores.shape;
  if (!isOfForm(scores, [1, count, classes])) throw wrongForm('scores', 'float32 [1, N, K]', scores);
  if (!isOfForm(boxes, [1, count, 4])) throw wrongForm('boxes', `float32 [1, ${count}, 4]`, boxes);
  const candidates: Detection[] = [];
  for (let i = 0; i < count; i++) {
    const [left, top, right, bottom] = boxes.data.subarray(4 * i, 4 * i + 4) as Float32Array;
    for (let label = 0; label < classes; label++) {
      const score = Number(scores.data[i * classes + label]);
      if (label === task.background || !(score >= task.minScore)) continue;
      candidates.push({ left, top, right, bottom, label, score });
    }
  }
  return suppressOverlaps(candidates, task.maxOverlap);
}

function isOfForm({ dtype, shape }: Tensor, expected: readonly number[]): boolean {
  return dtype === 'float32' && shape.join() === expected.join();
}

function wrongForm(name: string, expected: string, { dtype, shape }: Tensor): TypeError {
  return new TypeError(`${name} expected ${expected}, got ${dtype} [${shape.join(', ')}]`);
}
