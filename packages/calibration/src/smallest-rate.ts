/**
 * The smallest rate within a loss. Codings are ranked by what they do to the outputs, which few samples tell well; how much of
 * that is allowed follows from the losses of coarse codings (`loss-law.ts`). The loss of the coding itself only has a veto.
 */

import type { CalibrationOptions } from './calibration.js';
import { distanceWithinLoss, type LossGrowth, type LossProbe } from './loss-law.js';
import { type CodedSamples, lossOf, meanOf, measureCoding } from './measure.js';
import { bestFamilies, bestFamily, NO_DISTANCE, type ScreenedFamily } from './screening.js';
import { COARSE_STRIDE, coarsestThatHolds, GRID_STEPS, type Probe, scaleOfStep } from './search.js';
import type { SplitSamples } from './split-samples.js';

/** Standard deviations by which the loss is to be within the allowed one: nine times in ten, as far as the samples tell. */
const CHOICE_DEVIATIONS = 1.28;
/** Confidence of the interval of a coding's own loss that has to reach down to the allowed one. */
const VETO_CONFIDENCE = 0.6;
/** Confidence of an interval of a standard deviation to either side. */
const ONE_DEVIATION = 0.68;
/** Samples before the first look at whether a coding has lost too much to be of use. */
const FIRST_LOOK = 96;
/** Losses beyond this multiple of the allowed one, and of a point, follow no law any more: metrics end at 0. */
const FAR = 8;
/** Families whose coarsest coding within the loss is searched for. */
const CLOSE_FAMILIES = 3;
/** Factor around the allowed distance within which a rough curve may be wrong. */
const CURVE_ERROR = 1.5;

/** A family with its coarsest coding within the loss; null if none was. */
export interface SmallestRate {
  readonly best: ScreenedFamily;
  readonly held: Probe<CodedSamples> | null;
}

/** The coarsest coding of the best family, or of one that turns out to be better at its damage. */
export async function findSmallest(
  screened: readonly ScreenedFamily[],
  samples: SplitSamples,
  maxLoss: number,
  { progress }: CalibrationOptions,
): Promise<SmallestRate> {
  progress?.stage(`find the smallest rate that loses at most ${maxLoss}`);
  const first = bestFamily(screened);
  const search: Search = { samples, maxLoss, measured: new Map() };
  const allowed = await findAllowedDistance(first, search);
  progress?.progress(1, 2);
  // The best may be another one at that damage than at the usual one, and rough curves do not tell close ones apart.
  const candidates = new Set([first, ...bestFamilies(screened, allowed, CLOSE_FAMILIES)]);
  let found: SmallestRate = { best: first, held: null };
  for (const best of candidates) {
    const held = await findWithin(best, allowed, search, best === first ? 'doubt' : 'none');
    const isSmaller = held && (!found.held || meanOf(held.value.bytes) < meanOf(found.held.value.bytes));
    if (isSmaller) found = { best, held };
  }
  progress?.progress(2, 2);
  return found;
}

interface Search {
  readonly samples: SplitSamples;
  readonly maxLoss: number;
  /** By family and step; null for codings of nothing and those that were lost. */
  readonly measured: Map<string, CodedSamples | null>;
}

/** From coarse codings to finer ones, until the loss of one is expected to be allowed. */
async function findAllowedDistance(family: ScreenedFamily, search: Search): Promise<number> {
  const { samples, maxLoss } = search;
  const growth: LossGrowth = samples.truth === 'agreement' ? 'root' : 'linear';
  const probes: LossProbe[] = [];
  let allowed = NO_DISTANCE;
  for (const { step } of [...family.curve].sort((a, b) => b.step - a.step)) {
    const coded = await measureStep(family, step, search);
    if (!coded) continue;
    const { value, low, high } = lossOf(coded, samples.bench.better, ONE_DEVIATION);
    if (value > farLoss(maxLoss)) continue;
    probes.push({ distance: coded.distance, loss: value, error: Math.max((high - low) / 2, Number.EPSILON) });
    allowed = Math.max(NO_DISTANCE, distanceWithinLoss(probes, growth, maxLoss, CHOICE_DEVIATIONS));
    if (coded.distance <= allowed) break;
  }
  return allowed;
}

/**
 * The coarsest coding of a family within a distance, whose own loss does not speak against it.
 * @param excess - `doubt`: while samples are too few to tell its loss, that may be more than the allowed one by what chance
 *   explains. The distance is that of the first family's losses, so that this would leave the others, of which the smallest is
 *   taken, too much luck: `none`
 */
async function findWithin(
  family: ScreenedFamily,
  allowed: number,
  search: Search,
  excess: 'doubt' | 'none',
): Promise<Probe<CodedSamples> | null> {
  const { samples, maxLoss } = search;
  const look = async (step: number): Promise<CodedSamples | null> => {
    const coded = await measureStep(family, Math.max(0, step), search);
    if (!coded || coded.distance > allowed) return null;
    const { value, low, high } = lossOf(coded, samples.bench.better, VETO_CONFIDENCE);
    const isInDoubt = excess === 'doubt' && high - low > maxLoss;
    return (isInDoubt ? low : value) <= maxLoss ? coded : null;
  };
  const steps = family.curve.map(({ step }) => step);
  const stepsWhere = (holds: (distance: number) => boolean): number[] =>
    family.curve.filter(({ distance }) => holds(distance)).map(({ step }) => step);
  const finest = Math.min(...steps) - COARSE_STRIDE;
  const from = Math.max(finest, ...stepsWhere((distance) => distance <= allowed / CURVE_ERROR)) - 1;
  const to = Math.min(
    Math.max(...steps) + COARSE_STRIDE,
    GRID_STEPS,
    ...stepsWhere((distance) => distance > allowed * CURVE_ERROR),
  );
  return (await coarsestThatHolds(from, to, look)) ?? (await coarsestThatHolds(finest, from + 1, look));
}

async function measureStep(
  { family }: ScreenedFamily,
  step: number,
  { samples, maxLoss, measured }: Search,
): Promise<CodedSamples | null> {
  const key = `${step} ${family.name}`;
  const known = measured.get(key);
  if (known !== undefined) return known;
  const { bench, parts } = samples;
  const coding = family.create(scaleOfStep(step));
  // What has lost too much for certain need not be measured to the end.
  const isLost = (sofar: CodedSamples): boolean =>
    sofar.bytes.length >= FIRST_LOOK && lossOf(sofar, bench.better, ONE_DEVIATION).low > farLoss(maxLoss);
  const coded = coding && (await measureCoding(coding, parts.selection, bench, isLost));
  const result = coded && coded.bytes.length === parts.selection.length ? coded : null;
  measured.set(key, result);
  return result;
}

function farLoss(maxLoss: number): number {
  return FAR * Math.max(1, maxLoss);
}
