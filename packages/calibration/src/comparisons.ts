/** What the chosen coding saves against other kinds, at the same output. */

import type { CalibrationOptions, Comparison } from './calibration.js';
import { type CodedSamples, meanOf, measureCoding } from './measure.js';
import { bestFamily, type ScreenedFamily } from './screening.js';
import { bytesAtDistance, type CurvePoint, GRID_STEPS, scaleOfStep } from './search.js';
import type { SplitSamples } from './split-samples.js';

/** What the best family of each other kind takes for the output of the chosen point, on the same samples. */
export async function compareKinds(
  screened: readonly ScreenedFamily[],
  best: ScreenedFamily,
  chosen: CodedSamples,
  samples: SplitSamples,
  { progress }: CalibrationOptions,
): Promise<Comparison[]> {
  progress?.stage('compare with other kinds of coding');
  const bytes = meanOf(chosen.bytes);
  const comparisons: Comparison[] = [];
  for (const kind of ['range', 'coefficients', 'sensitivity'] as const) {
    const others = screened.filter(({ family }) => family.kind === kind && family !== best.family);
    if (others.length === 0 || kind === best.family.kind) continue;
    const other = bestFamily(others, chosen.distance);
    const bytesPerSample = await bytesForDistance(other, chosen.distance, samples);
    if (bytesPerSample === null) continue;
    comparisons.push({
      family: other.family.name,
      kind,
      bytesPerSample,
      saved: 1 - bytes / bytesPerSample,
    });
  }
  return comparisons;
}

/** Measures a family on the samples for selection on both sides of a distance, and takes the bytes between. */
async function bytesForDistance(
  { family, curve }: ScreenedFamily,
  distance: number,
  samples: SplitSamples,
): Promise<number | null> {
  const nearest = curve.reduce((a, b) =>
    Math.abs(Math.log(b.distance / distance)) < Math.abs(Math.log(a.distance / distance)) ? b : a,
  );
  const points: CurvePoint[] = [];
  for (let step = nearest.step, round = 0; round < 6 && step >= 0 && step < GRID_STEPS; round++) {
    const coding = family.create(scaleOfStep(step));
    if (!coding) break;
    const coded = await measureCoding(coding, samples.parts.selection, samples.bench);
    points.push({ bytes: meanOf(coded.bytes), distance: coded.distance });
    const found = bytesAtDistance(points, distance);
    if (found !== null) return found;
    step += coded.distance > distance ? -1 : 1;
  }
  return null;
}
