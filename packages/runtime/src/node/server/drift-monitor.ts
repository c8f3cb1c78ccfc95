/**
 * The watch on drift of one bundle: running means of what clients say their features look like, point by point, against
 * the bands that calibration measured. A mean that leaves its band is told once, and once more when it is back.
 */

import type { BundleManifest, ShareBand, TensorBand } from '@featherwire/bundle';
import type { FeatureSummary } from '@featherwire/codec';
import type { ServerLogger } from './logger.js';

/** The watch of one bundle. */
export interface DriftMonitor {
  /** Tensors of the cut, for each of which a request has a summary. */
  readonly tensorCount: number;
  /**
   * Takes the summaries of one request.
   * @param point - position of its profiled point
   */
  add(point: number, statistics: readonly FeatureSummary[]): void;
  /** The points that requests with statistics came by, in manifest order. */
  report(): readonly PointDrift[];
}

/** What came by one point. */
export interface PointDrift {
  /** Id of the point. */
  readonly point: string;
  /** Requests with statistics so far. */
  readonly requests: number;
  /** In manifest order. */
  readonly tensors: readonly TensorDrift[];
}

/** What one cut tensor looked like lately: means over about the last 64 requests. */
export interface TensorDrift {
  readonly tensor: string;
  readonly saturatedShare: number;
  readonly backgroundShare: number;
  /** Mean of the smallest elements. */
  readonly low: number;
  /** Mean of the largest elements. */
  readonly high: number;
  /** `unknown` without a band, and until there are enough requests to tell. */
  readonly state: 'unknown' | 'within' | 'drifted';
}

/** A request's weight in the means, once there are this many. */
const WINDOW = 64;
/** Requests before anything is told. */
const LEAST_REQUESTS = 32;
/** Share of a band by which a mean must be inside again: at its edge it would come and go. */
const RETURN_MARGIN = 0.1;

/** @param label - of the bundle, for the log */
export function createDriftMonitor(
  manifest: BundleManifest,
  label: string,
  logger: ServerLogger,
): DriftMonitor {
  const points = new Map<number, PointWatch>();
  return {
    tensorCount: manifest.cut.length,
    add(position, statistics) {
      const point = manifest.operatingPoints[position];
      let watch = points.get(position);
      if (!watch) {
        const bands = manifest.cut.map(({ name }) => bandOf(point.measured?.bands, name));
        watch = { requests: 0, watches: bands.map(watchOf) };
        points.set(position, watch);
      }
      watch.requests++;
      for (const [i, tensor] of watch.watches.entries()) {
        const change = update(tensor, statistics[i], watch.requests);
        if (change) logger.warn(`${label}, point '${point.id}', tensor '${manifest.cut[i].name}': ${change}`);
      }
    },
    report: () =>
      [...points]
        .sort(([a], [b]) => a - b)
        .map(([position, { requests, watches }]) => ({
          point: manifest.operatingPoints[position].id,
          requests,
          tensors: watches.map(({ mean, band, drifted }, i) => ({
            tensor: manifest.cut[i].name,
            ...mean,
            state: stateOf(band, drifted, requests),
          })),
        })),
  };
}

interface PointWatch {
  requests: number;
  readonly watches: readonly TensorWatch[];
}

interface TensorWatch {
  readonly band: TensorBand | undefined;
  mean: FeatureSummary;
  /** What is outside its band. */
  readonly drifted: Set<WatchedShare>;
}

/** The shares that have bands, with their names in both records. */
const WATCHED = [
  { share: 'saturatedShare', band: 'saturated' },
  { share: 'backgroundShare', band: 'background' },
] as const;
type WatchedShare = (typeof WATCHED)[number]['band'];

function bandOf(bands: readonly TensorBand[] | undefined, name: string): TensorBand | undefined {
  return bands?.find(({ tensor }) => tensor === name);
}

function watchOf(band: TensorBand | undefined): TensorWatch {
  const mean = { saturatedShare: 0, backgroundShare: 0, low: 0, high: 0 };
  return { band, mean, drifted: new Set() };
}

function stateOf(
  band: TensorBand | undefined,
  drifted: ReadonlySet<WatchedShare>,
  requests: number,
): TensorDrift['state'] {
  if (!band || requests < LEAST_REQUESTS) return 'unknown';
  return drifted.size > 0 ? 'drifted' : 'within';
}

/** @returns what to tell, if a share left its band or came back */
function update(watch: TensorWatch, found: FeatureSummary, requests: number): string | undefined {
  // The first requests count equally; later ones push out the older.
  const weight = 1 / Math.min(requests, WINDOW);
  const towards = (mean: number, value: number): number => mean + weight * (value - mean);
  const { mean, band, drifted } = watch;
  watch.mean = {
    saturatedShare: towards(mean.saturatedShare, found.saturatedShare),
    backgroundShare: towards(mean.backgroundShare, found.backgroundShare),
    low: towards(mean.low, found.low),
    high: towards(mean.high, found.high),
  };
  if (!band || requests < LEAST_REQUESTS) return undefined;
  const changes = WATCHED.flatMap(({ share, band: name }) => {
    const value = watch.mean[share];
    const limits = band[name];
    if (!drifted.has(name) && !isWithin(value, limits, 0)) {
      drifted.add(name);
      return [`the share of ${name} elements drifted to ${percent(value)}, calibrated ${describe(limits)}`];
    }
    if (drifted.has(name) && isWithin(value, limits, RETURN_MARGIN * (limits.high - limits.low))) {
      drifted.delete(name);
      return [`the share of ${name} elements is back at ${percent(value)}, calibrated ${describe(limits)}`];
    }
    return [];
  });
  return changes.length > 0 ? changes.join('; ') : undefined;
}

/** A limit of 0 or 1 cannot be passed, so that it needs no margin. */
function isWithin(value: number, { low, high }: ShareBand, margin: number): boolean {
  return value >= (low === 0 ? 0 : low + margin) && value <= (high === 1 ? 1 : high - margin);
}

function describe({ low, high }: ShareBand): string {
  return `${percent(low)} to ${percent(high)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
