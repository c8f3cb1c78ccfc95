/**
 * A ladder in seconds, for choosing among many cuts: few families, compared on the samples that they are designed on, and rungs
 * at fixed damages of the output. What `calibrate` finds for the cut is of the same kind; nothing is claimed of these rungs,
 * whoever wants their loss measures it on other samples.
 */

import { familiesOf } from './design-families.js';
import type { Coding } from './families.js';
import { isGraded } from './output-distance.js';
import { bestFamily, screen, stepAtDistance } from './screening.js';
import { scaleOfStep } from './search.js';
import { type OpenOptions, openSamples } from './split-samples.js';

/** A rung. */
export interface QuickPoint {
  readonly id: string;
  readonly coding: Coding;
}

/** Samples that families are compared on. */
const SCREENED_SAMPLES = 4;
/** Divergences of the output, from coarse to fine: some points of loss, about one, and next to none. */
const DISTANCES: readonly number[] = [0.2, 0.07, 0.025, 0.008];

/**
 * Designs a ladder from all samples of a data set.
 * @returns null if the network's outputs are not graded, so that they do not tell codings apart
 * @throws as `calibrate`
 */
export async function designQuickLadder(
  options: Omit<OpenOptions, 'parts' | 'sampleCount'>,
): Promise<QuickPoint[] | null> {
  const design = Array.from({ length: options.source.data.length }, (_, i) => i);
  const parts = { design, selection: design.slice(0, SCREENED_SAMPLES), claim: [] };
  const samples = await openSamples({ ...options, parts });
  try {
    const [reference] = await samples.bench.reference(design.slice(0, 1));
    if (!isGraded(reference, samples.task)) return null;
    const screened = await screen(await familiesOf(samples, options, 'few'), samples, options);
    const best = bestFamily(screened);
    const steps = new Set(DISTANCES.map((distance) => stepAtDistance(best, distance)));
    return [...steps].flatMap((step) => {
      const coding = best.family.create(scaleOfStep(step));
      return coding ? [{ id: `quick-${step}`, coding }] : [];
    });
  } finally {
    await samples.close();
  }
}
