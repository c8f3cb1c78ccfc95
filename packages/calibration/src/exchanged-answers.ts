/**
 * Whether the samples can tell a loss at all: what is lost where each is given the answer to another one. Where that is
 * within the allowed loss, as on noise that a network always gives one answer to, a coding of nothing is within it too, and
 * the search rightly ends there: the samples are to blame, not the coding.
 */

import type { Estimate, Ratio } from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import { lossOf, type MeasuringBench } from './measure.js';

/** Samples whose answers are exchanged, at most. */
const MOST_EXCHANGED = 100;

/**
 * The loss of unsplit answers, each to the next sample.
 * @param samples - at least 2
 * @returns null if answers have different shapes, so that one cannot stand for another
 */
export async function lossOfExchange(
  samples: readonly number[],
  bench: MeasuringBench,
  confidence: number,
): Promise<Estimate | null> {
  const list = samples.slice(0, MOST_EXCHANGED);
  const answerTo = async (sample: number): Promise<TensorMap> => (await bench.reference([sample]))[0];
  const first = await answerTo(list[0]);
  const ratios: Ratio[] = [];
  const references: Ratio[] = [];
  // Two answers at a time: those of segmentation are large.
  let own = first;
  for (const [i, sample] of list.entries()) {
    const other = i + 1 < list.length ? await answerTo(list[i + 1]) : first;
    if (!haveOneShape(own, other)) return null;
    ratios.push(await bench.score(other, own, sample));
    references.push(await bench.score(own, own, sample));
    own = other;
  }
  return lossOf({ ratios, references }, bench.better, confidence);
}

function haveOneShape(a: TensorMap, b: TensorMap): boolean {
  return Object.keys(a).every((name) => a[name].shape.join() === b[name].shape.join());
}
