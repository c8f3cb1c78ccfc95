/**
 * Operating points after the data changed, without labels: each point is redesigned from what was seen, compared with what
 * it was, and measured anew, all by the answers of the unsplit network on the same data. Ids stay, so that clients find
 * their points.
 */

import { measureBands } from './bands.js';
import type { CalibrationProgress, MeasuredPoint } from './calibration.js';
import { designSamples } from './design-families.js';
import type { Coding } from './families.js';
import { lossOf, meanOf, measureCoding } from './measure.js';
import { measurementOf } from './measurement.js';
import { redesign } from './redesign.js';
import { type OpenOptions, openSamples, type SplitSamples } from './split-samples.js';

/** A point of a bundle. */
export interface PointToRefresh {
  readonly id: string;
  readonly coding: Coding;
}

/** What to refresh. */
export interface RefreshOptions extends OpenOptions {
  readonly points: readonly PointToRefresh[];
  /** Of the intervals; 0.95 by default. */
  readonly confidence?: number;
  readonly progress?: CalibrationProgress;
}

/** What a coding does to the samples. */
export interface PointEffect {
  /** Mean bytes of a sample. */
  readonly bytesPerSample: number;
  /** Mean distance of the output from that of the unsplit network. */
  readonly distance: number;
  /** Hundredths of the agreement with the unsplit network that are lost. */
  readonly loss: number;
}

/** A point as it is now. */
export interface RefreshedPoint {
  readonly id: string;
  /** `kept`: the new design was no better in bytes or damage, or the coding is none that calibration designs. */
  readonly change: 'redesigned' | 'kept';
  readonly coding: Coding;
  /** Both on the samples that `measured` is of. */
  readonly before: PointEffect;
  readonly after: PointEffect;
  /** Agreement, bytes and bands, on samples that took no part in the design. */
  readonly measured: MeasuredPoint;
}

/** What refreshing made. */
export interface Refresh {
  /** In the order in which they were given. */
  readonly points: readonly RefreshedPoint[];
  readonly metric: { readonly name: string; readonly better: 'higher' | 'lower' };
  /** Samples of each part. */
  readonly samples: { readonly design: number; readonly selection: number; readonly claim: number };
}

/**
 * Refreshes points.
 * @throws {RangeError} if there are too few samples, or samples do not fit a point; as `calibrate`
 */
export async function refresh(options: RefreshOptions): Promise<Refresh> {
  const { source, points, progress } = options;
  const samples = await openSamples({ ...options, source: { ...source, truth: 'agreement' } });
  try {
    const { bench, parts } = samples;
    const cut = await designSamples(samples);
    progress?.stage('redesign and measure the points');
    const refreshed: RefreshedPoint[] = [];
    for (const [i, { id, coding }] of points.entries()) {
      bench.signal.throwIfAborted();
      const next = redesign(coding, cut, bench.backend);
      const isBetter = next !== null && (await improves(coding, next, samples));
      refreshed.push(await measurePoint(id, coding, isBetter ? next : coding, samples, options.confidence));
      progress?.progress(i + 1, points.length);
    }
    return {
      points: refreshed,
      metric: { name: samples.metricName, better: bench.better },
      samples: {
        design: parts.design.length,
        selection: parts.selection.length,
        claim: parts.claim.length,
      },
    };
  } finally {
    await samples.close();
  }
}

/** Steps are the same, so that a design is worse only if it neither saves bytes nor spares the output. */
async function improves(before: Coding, after: Coding, { parts, bench }: SplitSamples): Promise<boolean> {
  const old = await measureCoding(before, parts.selection, bench);
  const own = await measureCoding(after, parts.selection, bench);
  return meanOf(own.bytes) < meanOf(old.bytes) || own.distance < old.distance;
}

async function measurePoint(
  id: string,
  before: Coding,
  coding: Coding,
  samples: SplitSamples,
  confidence: number = 0.95,
): Promise<RefreshedPoint> {
  const { bench, parts } = samples;
  const effect = async (own: Coding) => {
    const coded = await measureCoding(own, parts.claim, bench);
    const { value: loss } = lossOf(coded, bench.better, confidence);
    return { coded, effect: { bytesPerSample: meanOf(coded.bytes), distance: coded.distance, loss } };
  };
  const after = await effect(coding);
  const old = coding === before ? after : await effect(before);
  const measured = measurementOf(after.coded, samples, samples.description, confidence);
  const bands = await measureBands(coding, parts.claim, bench);
  const change = coding === before ? 'kept' : 'redesigned';
  return { id, change, coding, before: old.effect, after: after.effect, measured: { ...measured, bands } };
}
