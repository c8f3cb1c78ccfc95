/**
 * Calibration: the head runs over real data once, sensitivities are measured, families of codings are compared on a part of
 * the data, the smallest rate within the allowed loss is searched for there, and what is claimed of the points is measured
 * on samples that nothing was chosen by.
 */

import type { Calibration, CalibrationOptions } from './calibration.js';
import { compareKinds } from './comparisons.js';
import { familiesOf } from './design-families.js';
import { paretoFront } from './ladder.js';
import { type CodedSamples, lossOf, meanOf, measureCoding } from './measure.js';
import { chosenId, measureLadder } from './measure-ladder.js';
import { measurePictures, type PictureRate } from './picture-rates.js';
import { bestFamily, type ScreenedFamily, screen } from './screening.js';
import { COARSE_STRIDE, coarsestThatHolds, GRID_STEPS, scaleOfStep } from './search.js';
import { openSamples, type SplitSamples } from './split-samples.js';

/** Samples before the first look at whether a coding can still hold. */
const FIRST_LOOK = 96;
/** Probability with which the loss of the chosen coding is to be below the allowed one, as far as its samples tell. */
const CHOICE_CONFIDENCE = 0.8;

/**
 * Calibrates a split network.
 * @throws {RangeError} if an option is out of range, or there are too few samples
 * @throws the signal's reason when it is raised; whatever data and sessions throw
 */
export async function calibrate(options: CalibrationOptions): Promise<Calibration> {
  const { maxLoss = 1, pointCount = 5, confidence = 0.95 } = options;
  if (!(maxLoss >= 0)) throw new RangeError(`maxLoss expected a number of at least 0, got ${maxLoss}`);
  if (!Number.isInteger(pointCount) || pointCount < 1)
    throw new RangeError(`pointCount expected an integer of at least 1, got ${pointCount}`);
  const samples = await openSamples(options);
  try {
    const families = await familiesOf(samples, options);
    const screened = await screen(families, samples, options);
    const { best, held } = await findSmallest(screened, samples, maxLoss, confidence, options);
    const rungs = await measureLadder(best, held?.step ?? null, samples, {
      ...options,
      maxLoss,
      pointCount,
      confidence,
    });
    const chosen = rungs.find(({ id }) => id === chosenId(maxLoss))?.id ?? null;
    return {
      points: paretoFront(rungs),
      chosen,
      maxLoss,
      metric: { name: samples.metricName, better: samples.bench.better },
      samples: {
        design: samples.parts.design.length,
        selection: samples.parts.selection.length,
        claim: samples.parts.claim.length,
      },
      selectionLoss: held ? lossOf(held.value, samples.bench.better, confidence).value : null,
      comparisons: held ? await compareKinds(screened, best, held.value, samples, options) : [],
      families: screened.map(({ family, curve }) => ({
        name: family.name,
        curve: curve.map(({ bytes, distance }) => ({ bytes, distance })),
      })),
      pictures: await comparePictures(samples, maxLoss, options),
      elementsPerSample: samples.elementsPerSample,
    };
  } finally {
    await samples.close();
  }
}

async function comparePictures(
  samples: SplitSamples,
  maxLoss: number,
  { source, progress }: CalibrationOptions,
): Promise<PictureRate[]> {
  progress?.stage('send the picture instead');
  return measurePictures(source, samples, maxLoss);
}

/** The smallest rate within the loss: where the best family's damage is known, another may be better there. */
async function findSmallest(
  screened: readonly ScreenedFamily[],
  samples: SplitSamples,
  maxLoss: number,
  confidence: number,
  options: CalibrationOptions,
): Promise<{
  readonly best: ScreenedFamily;
  readonly held: { readonly step: number; readonly value: CodedSamples } | null;
}> {
  const first = bestFamily(screened);
  const held = await findWithinLoss(first, samples, maxLoss, confidence, options);
  if (!held) return { best: first, held };
  const second = bestFamily(screened, held.value.distance);
  if (second === first) return { best: first, held };
  const other = await findWithinLoss(second, samples, maxLoss, confidence, options);
  const isSmaller = other && meanOf(other.value.bytes) < meanOf(held.value.bytes);
  return isSmaller ? { best: second, held: other } : { best: first, held };
}

/** The coarsest coding of a family that holds the loss on the samples for selection. */
async function findWithinLoss(
  { family, curve }: ScreenedFamily,
  samples: SplitSamples,
  maxLoss: number,
  confidence: number,
  { progress }: CalibrationOptions,
): Promise<{ readonly step: number; readonly value: CodedSamples } | null> {
  progress?.stage(`find the smallest rate that loses at most ${maxLoss}`);
  const { better } = samples.bench;
  const steps = curve.map(({ step }) => step);
  let looks = 0;
  return coarsestThatHolds(
    Math.min(...steps) - COARSE_STRIDE,
    Math.min(GRID_STEPS, Math.max(...steps) + COARSE_STRIDE),
    async (step) => {
      const coding = family.create(scaleOfStep(Math.max(0, step)));
      if (!coding) return null;
      // What has already lost too much for certain need not be measured to the end.
      const isLost = (sofar: CodedSamples): boolean =>
        sofar.bytes.length >= FIRST_LOOK && lossOf(sofar, better, confidence).low > maxLoss;
      const coded = await measureCoding(coding, samples.parts.selection, samples.bench, isLost);
      progress?.progress(++looks, Math.max(looks, Math.ceil(Math.log2(GRID_STEPS))));
      return holdsLoss(coded, better, maxLoss) ? coded : null;
    },
  );
}

/**
 * Whether a coding is chosen: its loss and the one-sided error of that are within the allowed loss. Few samples have wide
 * errors, which count as half the allowed loss at most, so that there is a point to choose; the claim shows how wide.
 */
function holdsLoss(coded: CodedSamples, better: 'higher' | 'lower', maxLoss: number): boolean {
  const { value, high } = lossOf(coded, better, 2 * CHOICE_CONFIDENCE - 1);
  return value + Math.min(high - value, maxLoss / 2) <= maxLoss;
}
