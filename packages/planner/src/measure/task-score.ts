/** How answers are judged: by the task's metric, handed in, or by their agreement with the unsplit network. */

import { bootstrapDifference, pooledRatio, type Ratio, type Sample } from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import type { Loss } from '../choice/way.js';

/** A metric of answers. */
export interface TaskScore {
  readonly name: string;
  /** `'higher'` for accuracy, `'lower'` for error rates. */
  readonly better: 'higher' | 'lower';
  /**
   * One sample's share of the metric.
   * @param reference - outputs of the unsplit network for the same sample
   */
  score(outputs: TensorMap, sample: Sample, reference: TensorMap): Ratio;
}

/**
 * Agreement with the unsplit network, for data without labels: of float outputs [..., K] the share of rows whose largest
 * element is the same, of integer outputs the share of equal elements.
 */
export const agreementScore: TaskScore = Object.freeze({
  name: 'agreement with the unsplit network',
  better: 'higher',
  score(outputs: TensorMap, _: Sample, reference: TensorMap): Ratio {
    let numerator = 0;
    let denominator = 0;
    for (const [name, expected] of Object.entries(reference)) {
      const ratio = agreement(outputs[name], expected);
      numerator += ratio.numerator;
      denominator += ratio.denominator;
    }
    return { numerator, denominator };
  },
});

function agreement(actual: Tensor, expected: Tensor): Ratio {
  const isReal = expected.dtype === 'float32' || expected.dtype === 'float64';
  const width = isReal ? Math.max(1, expected.shape.at(-1) ?? 1) : 1;
  const rows = expected.data.length / width;
  let equal = 0;
  for (let row = 0; row < rows; row++) {
    const same =
      width > 1
        ? largestOfRow(actual, row, width) === largestOfRow(expected, row, width)
        : actual.data[row] === expected.data[row];
    if (same) equal++;
  }
  return { numerator: equal, denominator: rows };
}

function largestOfRow({ data }: Tensor, row: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (data[row * width + i] > data[row * width + best]) best = i;
  return best;
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
