/**
 * From trained units to operating points: each unit is coded in several ways, the ways are compared by whole frames on
 * samples for selection, and what is claimed of those that are kept is measured on samples that nothing was chosen by.
 */

import type { ProfiledPointSource } from '@featherwire/bundle/node';
import {
  type CodedSamples,
  meanOf,
  measureCoding,
  measurementOf,
  paretoFront,
  type SplitSamples,
} from '@featherwire/calibration';
import { type CodingProfile, writeProfile } from '@featherwire/codec';
import type { TensorOf } from '@featherwire/tensor';
import { designLatentProfile, type LatentProfileOptions } from '../../units/latent-profile.js';
import type { OpenUnit } from './trained-unit.js';

/** A point with what was measured of it. */
export type TrainedPoint = ProfiledPointSource & {
  readonly unit: string;
  readonly measured: ReturnType<typeof measurementOf>;
};

/** Ways of coding a latent: tables by neighborhood with and without rate-distortion optimization, plain tables. */
const CODINGS: readonly (Pick<LatentProfileOptions, 'coder' | 'maxLevels'> & { readonly lambda: number })[] =
  [
    { coder: 'rans-contexts', maxLevels: 16, lambda: 0 },
    { coder: 'rans-contexts', maxLevels: 16, lambda: 0.15 },
    { coder: 'rans', maxLevels: 64, lambda: 0 },
  ];
/** Training items whose latents tables are made from. */
const DESIGN_ITEMS = 1000;
/** Samples that ways are compared on, at most. */
const SELECTION_ITEMS = 400;
const CONFIDENCE = 0.95;

interface Candidate {
  readonly unit: OpenUnit;
  readonly profile: CodingProfile;
  readonly lambda: number;
  readonly bytesPerSample: number;
  readonly distance: number;
}

/** What measuring needs. */
export interface LadderOptions {
  readonly samples: SplitSamples;
  /** Points to keep, at most. */
  readonly pointCount: number;
  readonly progress?: { stage(label: string): void; progress(done: number, total: number): void };
}

/** Measures units, keeps those ways that none beats in both rate and distance, and measures the claims. */
export async function measureLadder(
  units: readonly OpenUnit[],
  { samples, pointCount, progress }: LadderOptions,
): Promise<TrainedPoint[]> {
  progress?.stage('compare ways of coding');
  const candidates: Candidate[] = [];
  for (const [i, unit] of units.entries()) {
    candidates.push(...(await candidatesOf(unit, samples)));
    progress?.progress(i + 1, units.length);
  }
  const kept = spread(paretoFront(candidates), pointCount);
  progress?.stage('measure the points on samples not seen before');
  const points: TrainedPoint[] = [];
  for (const [i, candidate] of kept.entries()) {
    const coded = await measure(candidate, candidate.unit, samples.parts.claim, samples);
    points.push(pointOf(candidate, coded, i, samples));
    progress?.progress(i + 1, kept.length);
  }
  return points;
}

async function candidatesOf(unit: OpenUnit, samples: SplitSamples): Promise<Candidate[]> {
  const { bench, parts } = samples;
  const latents: TensorOf<'float32'>[] = [];
  for (const number of parts.design.slice(0, DESIGN_ITEMS)) {
    bench.signal.throwIfAborted();
    latents.push(await unit.latentOf(await bench.features(number)));
  }
  const candidates: Candidate[] = [];
  for (const { lambda, ...options } of CODINGS) {
    const profile = designLatentProfile(latents, { ...options, backend: bench.backend });
    const coded = await measure(
      { profile, lambda },
      unit,
      parts.selection.slice(0, SELECTION_ITEMS),
      samples,
    );
    candidates.push({ unit, profile, lambda, bytesPerSample: meanOf(coded.bytes), distance: coded.distance });
  }
  return candidates;
}

function measure(
  { profile, lambda }: Pick<Candidate, 'profile' | 'lambda'>,
  unit: OpenUnit,
  numbers: readonly number[],
  { bench }: SplitSamples,
): Promise<CodedSamples> {
  return measureCoding({ profile, lambda, unit }, numbers, bench);
}

/** So many entries of a front, from its first to its last, about evenly by the logarithm of their bytes. */
export function spread<T extends { readonly bytesPerSample: number }>(
  front: readonly T[],
  count: number,
): T[] {
  if (front.length <= count) return [...front];
  if (count === 1) return [front[Math.floor(front.length / 2)]];
  const logs = front.map(({ bytesPerSample }) => Math.log(bytesPerSample));
  const kept = new Set<number>();
  for (let k = 0; k < count; k++) {
    const wanted = logs[0] + ((logs[logs.length - 1] - logs[0]) * k) / (count - 1);
    const free = logs.flatMap((_, i) => (kept.has(i) ? [] : i));
    kept.add(free.reduce((a, b) => (Math.abs(logs[b] - wanted) < Math.abs(logs[a] - wanted) ? b : a)));
  }
  return [...kept].sort((a, b) => a - b).map((i) => front[i]);
}

/** @param rank - among the points, from 0 for that of the fewest bytes */
function pointOf(
  { unit, profile, lambda }: Candidate,
  coded: CodedSamples,
  rank: number,
  samples: SplitSamples,
): TrainedPoint {
  return {
    id: `unit-${rank + 1}`,
    kind: 'profiled',
    unit: unit.source.id,
    profile: writeProfile(profile),
    ...(lambda > 0 && { lambda }),
    measured: measurementOf(coded, samples, samples.description, CONFIDENCE),
  };
}
