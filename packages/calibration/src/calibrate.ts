/**
 * Calibration: the head runs over real data once, sensitivities are measured, families of codings are compared on a part of
 * the data, the smallest rate within the allowed loss is searched for there, and what is claimed of the points is measured
 * on samples that nothing was chosen by.
 */

import type { BlockSize } from '@featherwire/codec';
import type { CalibratedPoint, Calibration, CalibrationOptions, Comparison } from './calibration.js';
import {
  type Coding,
  channelFamily,
  deviationOf,
  type Family,
  rangeFamily,
  spectralFamily,
  type TensorSamples,
  tensorSamples,
} from './families.js';
import { paretoFront } from './ladder.js';
import { type CodedSamples, lossOf, meanOf, measureCoding } from './measure.js';
import { measurementOf } from './measurement.js';
import { measurePictures, type PictureRate } from './picture-rates.js';
import { channelAxisOf, type ProbedParts, probeParts } from './probed-parts.js';
import {
  bytesAtDistance,
  COARSE_STRIDE,
  type CurvePoint,
  coarsestThatHolds,
  GRID_STEPS,
  meanLogRatio,
  scaleOfStep,
} from './search.js';
import { spectralBasis } from './spectral-design.js';
import { openSamples, type SplitSamples } from './split-samples.js';

const LAMBDAS = [0, 0.15];
const BLOCK_SIZES: readonly BlockSize[] = [1, 4, 8];
const SPECTRAL_POWERS = [
  { frequency: 0, channel: 0 },
  { frequency: 1, channel: 0 },
  { frequency: 1, channel: 0.5 },
];
const ELEMENT_POWERS = [{ frequency: 0, channel: 0.5 }];
const SPECTRAL_LAMBDA = 0.15;
/** Elements that ranges and tables are made from, about: more change little and every design goes through them. */
const DESIGN_ELEMENTS = 2 ** 20;
const MIN_DESIGN_SAMPLES = 4;
/** Samples that families are first compared on. */
const SCREENING_SAMPLES = 32;
/** Damage beyond which no metric survives: nothing coarser is looked at. */
const HOPELESS_DISTANCE = 1;
/** Damage below which nothing finer is of use. */
const NO_DISTANCE = 4e-3;
/** Damage at which a point of loss is usual, and how far from a damage families are compared. */
const TYPICAL_DISTANCE = 0.05;
const DISTANCE_RANGE = 4;
/** Samples before the first look at whether a coding can still hold. */
const FIRST_LOOK = 96;
/** Probability with which the loss of the chosen coding is to be below the allowed one, as far as its samples tell. */
const CHOICE_CONFIDENCE = 0.8;
/** Grid steps between points of the ladder. */
const LADDER_STRIDE = 3;

/** A family with a rough curve. */
interface ScreenedFamily {
  readonly family: Family;
  readonly curve: readonly (CurvePoint & { readonly step: number })[];
}

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

/** Id of the point that was searched for. */
export function chosenId(maxLoss: number): string {
  return `max-loss-${String(maxLoss).replace(/[^0-9.]/g, '')}`;
}

async function familiesOf(samples: SplitSamples, options: CalibrationOptions): Promise<Family[]> {
  const { backend } = options;
  const cut: TensorSamples[] = [];
  for (let i = 0; i < samples.bench.tensorNames.length; i++) {
    const features = [];
    const most = Math.max(MIN_DESIGN_SAMPLES, Math.floor(DESIGN_ELEMENTS / samples.elementsPerSample));
    for (const sample of samples.parts.design.slice(0, most))
      features.push((await samples.bench.features(sample))[i]);
    cut.push(tensorSamples(features));
  }
  const families: Family[] = LAMBDAS.map((lambda) => rangeFamily(cut, lambda, backend));
  const isMap = cut.every(
    ({ samples: [{ shape }] }) => shape.length === 4 && Math.min(shape[2], shape[3]) > 1,
  );
  options.progress?.stage('measure what errors do to the output');
  const damage = await probeParts(samples, cut, isMap ? BLOCK_SIZES : [], options);
  if (!damage) return families;
  if (!isMap) {
    const channels = damage.map((own) => own.channels);
    const axes = cut.map(({ samples: [{ shape }] }) => channelAxisOf(shape));
    return [...families, channelFamily(cut, channels, axes, backend)];
  }
  for (const blockSize of BLOCK_SIZES) {
    if (!cut.every(({ samples: [{ shape }] }) => 2 * Math.min(shape[2], shape[3]) > blockSize)) continue;
    const bases = cut.map((tensor, i) =>
      spectralBasis(tensor.samples, blockSize, damageOf(damage[i], blockSize), deviationOf(tensor)),
    );
    for (const powers of blockSize === 1 ? ELEMENT_POWERS : SPECTRAL_POWERS)
      families.push(spectralFamily(cut, bases, powers, SPECTRAL_LAMBDA, backend));
  }
  return families;
}

function damageOf(
  { frequencies, channels }: ProbedParts,
  blockSize: BlockSize,
): { frequencies: Float64Array; channels: Float64Array } {
  return { frequencies: frequencies.get(blockSize)!, channels };
}

/** A rough curve of every family on a few samples. */
async function screen(
  families: readonly Family[],
  samples: SplitSamples,
  { progress }: CalibrationOptions,
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
function bestFamily(
  screened: readonly ScreenedFamily[],
  distance: number = TYPICAL_DISTANCE,
): ScreenedFamily {
  if (screened.length === 0)
    throw new RangeError('samples expected outputs that survive some coding, got none');
  const range = { low: distance / DISTANCE_RANGE, high: distance * DISTANCE_RANGE };
  return screened.reduce((best, own) => (meanLogRatio(own.curve, best.curve, range) < 0 ? own : best));
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

interface LadderOptions extends CalibrationOptions {
  readonly maxLoss: number;
  readonly pointCount: number;
  readonly confidence: number;
}

/** The chosen coding, finer ones and, with more than two points, a coarser one, all on samples that nothing was chosen by. */
async function measureLadder(
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
    rungs.push(pointOf(id, family, coding, coded, samples, options.confidence));
    progress?.progress(i + 1, pointCount);
  }
  return rungs;
}

function pointOf(
  id: string,
  family: Family,
  coding: Coding,
  coded: CodedSamples,
  samples: SplitSamples,
  confidence: number,
): CalibratedPoint {
  const bytesPerSample = meanOf(coded.bytes);
  return {
    id,
    family: family.name,
    kind: family.kind,
    coding,
    bytesPerSample,
    distance: coded.distance,
    bitsPerElement: (8 * bytesPerSample) / samples.elementsPerSample,
    measured: measurementOf(coded, samples, samples.description, confidence),
  };
}

/** What the best family of each other kind takes for the output of the chosen point, on the same samples. */
async function compareKinds(
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
