/** Families compared by rough curves of bytes against damage, on a few samples. */

import type { Family } from './families.js';
import { meanOf, measureCoding } from './measure.js';
import { COARSE_STRIDE, type CurvePoint, GRID_STEPS, meanLogRatio, scaleOfStep } from './search.js';
import type { OpenOptions, SplitSamples } from './split-samples.js';

/** Samples that families are first compared on. */
const SCREENING_SAMPLES = 32;
/** Damage beyond which no metric survives: nothing coarser is looked at. */
const HOPELESS_DISTANCE = 1;
/** Damage below which nothing finer is of use. */
export const NO_DISTANCE = 4e-3;
/** Damage at which a point of loss is usual, and how far from a damage families are compared. */
const TYPICAL_DISTANCE = 0.05;
const DISTANCE_RANGE = 4;

/** A family with a rough curve. */
export interface ScreenedFamily {
  readonly family: Family;
  readonly curve: readonly (CurvePoint & { readonly step: number })[];
}

/** A rough curve of every family on a few samples. */
export async function screen(
  families: readonly Family[],
  samples: SplitSamples,
  { progress }: Pick<OpenOptions, 'progress'>,
): Promise<ScreenedFamily[]> {
  progress?.stage('compare ways of coding');
  const few = samples.parts.selection.slice(0, SCREENING_SAMPLES);
  const screened: ScreenedFamily[] = [];
  for (const [i, family] of families.entries()) {
    const curve: (CurvePoint & { step: number })[] = [];
    // From coarse to fine: hopeless scales are the cheapest to measure.
    for (let step = GRID_STEPS - 1; step >= 0; step -= COARSE_STRIDE) {
      const coding = family.create(scaleOfStep(step));
      if (!coding) continue;
      const coded = await measureCoding(
        coding,
        few,
        samples.bench,
        ({ distance }) => distance > 2 * HOPELESS_DISTANCE,
      );
      if (coded.distance > HOPELESS_DISTANCE) continue;
      curve.push({ step, bytes: meanOf(coded.bytes), distance: coded.distance });
      if (coded.distance < NO_DISTANCE) break;
    }
    if (curve.length > 0) screened.push({ family, curve });
    progress?.progress(i + 1, families.length);
  }
  return screened;
}

/** The family of fewest bytes at equal damage, over the damage that it shares with the others near `distance`. */
export function bestFamily(
  screened: readonly ScreenedFamily[],
  distance: number = TYPICAL_DISTANCE,
): ScreenedFamily {
  if (screened.length === 0)
    throw new RangeError('samples expected outputs that survive some coding, got none');
  const range = rangeAround(distance);
  return screened.reduce((best, own) => (meanLogRatio(own.curve, best.curve, range) < 0 ? own : best));
}

/** The distances about one at which families are compared. */
export function rangeAround(distance: number): { low: number; high: number } {
  return { low: distance / DISTANCE_RANGE, high: distance * DISTANCE_RANGE };
}

/** The best families, best first: each is the best of those that are left. */
export function bestFamilies(
  screened: readonly ScreenedFamily[],
  distance: number,
  count: number,
): ScreenedFamily[] {
  const best: ScreenedFamily[] = [];
  for (let left = screened; left.length > 0 && best.length < count; ) {
    const next = bestFamily(left, distance);
    best.push(next);
    left = left.filter((own) => own !== next);
  }
  return best;
}

/** The grid step at which a family does a damage, about: straight between the points of its curve in logarithms. */
export function stepAtDistance({ curve }: ScreenedFamily, distance: number): number {
  const sorted = [...curve].filter((point) => point.distance > 0).sort((a, b) => a.distance - b.distance);
  const above = sorted.findIndex((point) => point.distance >= distance);
  if (above < 0) return Math.max(...curve.map(({ step }) => step));
  if (above === 0) return sorted[0].step;
  const [left, right] = [sorted[above - 1], sorted[above]];
  const share = Math.log(distance / left.distance) / Math.log(right.distance / left.distance);
  return Math.min(GRID_STEPS - 1, Math.floor(left.step + share * (right.step - left.step)));
}

/** The damage that a family does at a grid step, about; null beyond its curve. */
export function distanceAtStep({ curve }: ScreenedFamily, step: number): number | null {
  const sorted = [...curve].filter((point) => point.distance > 0).sort((a, b) => a.step - b.step);
  const above = sorted.findIndex((point) => point.step >= step);
  if (above < 0 || (above === 0 && sorted[0].step !== step)) return null;
  const right = sorted[above];
  if (right.step === step) return right.distance;
  const left = sorted[above - 1];
  const share = (step - left.step) / (right.step - left.step);
  return left.distance * (right.distance / left.distance) ** share;
}
