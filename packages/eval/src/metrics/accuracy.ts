/** Accuracy of classifiers: top-k hits against labels, and agreement of two outputs. */

import { indexOfLargest } from '@featherwire/bundle';
import type { Tensor } from '@featherwire/tensor';
import type { Ratio } from './ratio.js';

/**
 * For each sample, whether its label is among the `k` best classes: 1 of 1, or 0 of 1. Classes with the same
 * score as the label do not push it out; a NaN score is never a hit.
 * @param output - float32 [N, K]
 * @param labels - N class numbers below K
 * @param k - at least 1
 * @throws {TypeError} if `output` is not float32; {RangeError} if counts or labels do not fit
 */
export function topKHits(output: Tensor, labels: readonly number[], k: number): Ratio[] {
  const { rows, classes, data } = scoresOf(output);
  if (labels.length !== rows) throw new RangeError(`labels expected ${rows}, got ${labels.length}`);
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`k expected an integer of at least 1, got ${k}`);
  return labels.map((label, row) => {
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new RangeError(`label expected 0 to ${classes - 1}, got ${label}`);
    }
    const score = data[row * classes + label];
    let better = 0;
    for (let i = 0; i < classes; i++) if (data[row * classes + i] > score) better++;
    return hit(better < k && !Number.isNaN(score));
  });
}

/**
 * For each sample, whether two outputs have the same best class: 1 of 1, or 0 of 1.
 * @param a - float32 [N, K]
 * @param b - as `a`
 * @throws {TypeError} if one is not float32; {RangeError} if shapes differ
 */
export function topClassAgreement(a: Tensor, b: Tensor): Ratio[] {
  const first = scoresOf(a);
  const second = scoresOf(b);
  if (first.rows !== second.rows || first.classes !== second.classes) {
    throw new RangeError(
      `outputs expected equal shapes, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
    );
  }
  const best = ({ data, classes }: Scores, row: number): number =>
    indexOfLargest(data, row * classes, classes);
  return Array.from({ length: first.rows }, (_, row) => hit(best(first, row) === best(second, row)));
}

/**
 * For each pair of answers, whether they are equal: 1 of 1, or 0 of 1.
 * @throws {RangeError} if the lists differ in length
 */
export function answerAgreement<T extends string | number>(a: readonly T[], b: readonly T[]): Ratio[] {
  if (a.length !== b.length)
    throw new RangeError(`answers expected equal counts, got ${a.length} and ${b.length}`);
  return a.map((answer, i) => hit(answer === b[i]));
}

interface Scores {
  readonly rows: number;
  readonly classes: number;
  readonly data: Float32Array;
}

function scoresOf(output: Tensor): Scores {
  if (output.dtype !== 'float32') throw new TypeError(`output expected float32, got ${output.dtype}`);
  if (output.shape.length !== 2)
    throw new RangeError(`output expected [N, K], got [${output.shape.join(', ')}]`);
  return { rows: output.shape[0], classes: output.shape[1], data: output.data };
}

const hit = (isHit: boolean): Ratio => ({ numerator: isHit ? 1 : 0, denominator: 1 });
