/** The ladder around the chosen coding, measured on samples that nothing was chosen by. */

import { areHits, bitsPerElement, compareHits } from '@featherwire/eval';
import { measureBands } from './bands.js';
import type { CalibratedPoint, CalibrationOptions } from './calibration.js';
import type { Coding, Family } from './families.js';
import { type CodedSamples, meanOf, measureCoding } from './measure.js';
import { measurementOf } from './measurement.js';
import type { ScreenedFamily } from './screening.js';
import { GRID_STEPS, scaleOfStep } from './search.js';
import type { SplitSamples } from './split-samples.js';

/** Grid steps between points of the ladder. */
const LADDER_STRIDE = 3;

interface LadderOptions extends CalibrationOptions {
  readonly maxLoss: number;
  readonly pointCount: number;
  readonly confidence: number;
}

/** The chosen coding, finer ones and, with more than two points, a coarser one, all on samples that nothing was chosen by. */
export async function measureLadder(
  { family, curve }: ScreenedFamily,
  chosenStep: number | null,
  samples: SplitSamples,
  options: LadderOptions,
): Promise<CalibratedPoint[]> {
  const { pointCount, progress } = options;
  progress?.stage('measure the points on samples not seen before');
  const start = chosenStep ?? Math.min(...curve.map(({ step }) => step));
  const coarser = pointCount > 2 ? 1 : 0;
  const rungs: CalibratedPoint[] = [];
  for (let i = 0; i < pointCount; i++) {
    const step = start + (coarser - i) * LADDER_STRIDE;
    if (step < 0 || step >= GRID_STEPS) continue;
    const coding = family.create(scaleOfStep(step));
    if (!coding) continue;
    const coded = await measureCoding(coding, samples.parts.claim, samples.bench);
    const id = step === chosenStep ? chosenId(options.maxLoss) : `step-${step}`;
    rungs.push(await pointOf(id, family, coding, coded, samples, options.confidence));
    progress?.progress(i + 1, pointCount);
  }
  return rungs;
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
