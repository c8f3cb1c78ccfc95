/** The ladder around the chosen coding, measured on samples that nothing was chosen by. */

import { areHits, bitsPerElement, compareHits } from '@featherwire/eval';
import { measureBands } from './bands.js';
import type { CalibratedPoint, CalibrationOptions } from './calibration.js';
import { designSamples } from './design-families.js';
import type { Coding, Family } from './families.js';
import { refineCoding } from './fine-contexts.js';
import { type CodedSamples, meanOf, measureCoding } from './measure.js';
import { measurementOf } from './measurement.js';
import { bestFamily, distanceAtStep, rangeAround, type ScreenedFamily, stepAtDistance } from './screening.js';
import { GRID_STEPS, meanLogRatio, scaleOfStep } from './search.js';
import type { SmallestRate } from './smallest-rate.js';
import type { SplitSamples } from './split-samples.js';

/** Grid steps between points of the ladder. */
const LADDER_STRIDE = 3;
/** Share of the bytes that another family has to save on rough curves. */
const CLEAR_SAVING = 0.1;

interface LadderOptions extends CalibrationOptions {
  readonly maxLoss: number;
  readonly pointCount: number;
  readonly confidence: number;
}

/**
 * The chosen coding, finer ones and, with more than two points, a coarser one, all on samples that nothing was chosen by. Steps
 * between them are those of the best family at the chosen damage; where another one is clearly better, it takes the place.
 */
export async function measureLadder(
  screened: readonly ScreenedFamily[],
  { best, held }: SmallestRate,
  samples: SplitSamples,
  options: LadderOptions,
): Promise<CalibratedPoint[]> {
  const { pointCount, progress } = options;
  progress?.stage('measure the points on samples not seen before');
  const start = held?.step ?? Math.min(...best.curve.map(({ step }) => step));
  const coarser = pointCount > 2 ? 1 : 0;
  const rungs: CalibratedPoint[] = [];
  const cut = options.contexts === 'least' ? await designSamples(samples) : null;
  for (let i = 0; i < pointCount; i++) {
    const step = start + (coarser - i) * LADDER_STRIDE;
    if (step < 0 || step >= GRID_STEPS) continue;
    const isChosen = step === held?.step;
    const rung = isChosen ? { family: best.family, step } : rungAt(screened, best, step);
    const created = rung.family.create(scaleOfStep(rung.step));
    if (!created) continue;
    const coding = cut ? refineCoding(created, cut, samples.bench.backend) : created;
    const coded = await measureCoding(coding, samples.parts.claim, samples.bench);
    const id = isChosen ? chosenId(options.maxLoss) : `step-${step}`;
    rungs.push(await pointOf(id, rung.family, coding, coded, samples, options.confidence));
    progress?.progress(i + 1, pointCount);
  }
  return rungs;
}

/** A step of the best family, or that of the same damage of a family that is clearly better there. */
function rungAt(
  screened: readonly ScreenedFamily[],
  best: ScreenedFamily,
  step: number,
): { family: Family; step: number } {
  const distance = distanceAtStep(best, step);
  if (distance === null) return { family: best.family, step };
  const other = bestFamily(screened, distance);
  const isBetter = meanLogRatio(other.curve, best.curve, rangeAround(distance)) < Math.log(1 - CLEAR_SAVING);
  return isBetter
    ? { family: other.family, step: stepAtDistance(other, distance) }
    : { family: best.family, step };
}

async function pointOf(
  id: string,
  family: Family,
  coding: Coding,
  coded: CodedSamples,
  samples: SplitSamples,
  confidence: number,
): Promise<CalibratedPoint> {
  const bytesPerSample = meanOf(coded.bytes);
  const bands = await measureBands(coding, samples.parts.claim, samples.bench);
  return {
    id,
    family: family.name,
    kind: family.kind,
    coding,
    bytesPerSample,
    distance: coded.distance,
    bitsPerElement: bitsPerElement(bytesPerSample, samples.elementsPerSample),
    measured: { ...measurementOf(coded, samples, samples.description, confidence), bands },
    hits:
      areHits(coded.ratios) && areHits(coded.references) ? compareHits(coded.references, coded.ratios) : null,
  };
}

/** Id of the point that was searched for. */
export function chosenId(maxLoss: number): string {
  return `max-loss-${String(maxLoss).replace(/[^0-9.]/g, '')}`;
}
