/** Metric and loss of a way, as plans hold them. */

import { bootstrapDifference, pooledRatio, type Ratio, type TaskScore } from '@featherwire/eval';
import type { Loss } from '../choice/way.js';

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
