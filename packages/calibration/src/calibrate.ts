/**
 * Calibration: the head runs over real data once, sensitivities are measured, families of codings are compared on a part of
 * the data, the smallest rate within the allowed loss is searched for there, and what is claimed of the points is measured
 * on samples that nothing was chosen by.
 */

import type { Calibration, CalibrationOptions } from './calibration.js';
import { compareKinds } from './comparisons.js';
import { familiesOf } from './design-families.js';
import { lossOfExchange } from './exchanged-answers.js';
import { besideChosen, paretoFront } from './ladder.js';
import { lossOf } from './measure.js';
import { chosenId, measureLadder } from './measure-ladder.js';
import { measurePictures, type PictureRate } from './picture-rates.js';
import { screen } from './screening.js';
import { findSmallest } from './smallest-rate.js';
import { openSamples, type SplitSamples } from './split-samples.js';

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
    const smallest = await findSmallest(screened, samples, maxLoss, options);
    const rungs = await measureLadder(screened, smallest, samples, {
      ...options,
      maxLoss,
      pointCount,
      confidence,
    });
    const { best, held } = smallest;
    const exchanged = await lossOfExchange(samples.parts.selection, samples.bench, confidence);
    const chosen = rungs.find(({ id }) => id === chosenId(maxLoss));
    return {
      points: paretoFront(chosen ? besideChosen(rungs, chosen) : rungs),
      chosen: chosen?.id ?? null,
      maxLoss,
      metric: { name: samples.metricName, better: samples.bench.better },
      samples: {
        design: samples.parts.design.length,
        selection: samples.parts.selection.length,
        claim: samples.parts.claim.length,
      },
      selectionLoss: held ? lossOf(held.value, samples.bench.better, confidence).value : null,
      exchangedLoss: exchanged?.value ?? null,
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
