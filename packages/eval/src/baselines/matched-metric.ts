/** The smallest rate of a baseline at which a task metric is no worse than a target. */

/** What a caller measured at one quality. */
export interface QualityMeasurement {
  /** Mean bytes per sample that would travel. */
  readonly bytesPerSample: number;
  readonly metric: number;
}

/** A measurement with the quality it was made at. */
export interface QualityPoint extends QualityMeasurement {
  readonly quality: number;
}

/** What to search. */
export interface MatchedMetricSearch {
  /** Measures one quality on the whole data set; called once for each quality looked at. */
  readonly measure: (quality: number) => Promise<QualityMeasurement>;
  /** The metric to reach. */
  readonly target: number;
  /** Which metrics are no worse than the target: `'higher'` for accuracy, `'lower'` for error rates. */
  readonly better: 'higher' | 'lower';
  /** Qualities to choose from, each once; 5, 10 … 100 by default. Rate and metric should grow with quality. */
  readonly qualities?: readonly number[];
  /**
   * `'bisect'` (default) looks at about log2 of the qualities and relies on the metric getting better with
   * quality; `'exhaustive'` looks at all, for metrics too noisy for that.
   */
  readonly strategy?: 'bisect' | 'exhaustive';
}

/** What the search found. */
export interface MatchedMetricResult {
  /** The point of smallest rate among those measured that reach the target; null if none does. */
  readonly match: QualityPoint | null;
  /** All points measured, by ascending quality. */
  readonly points: readonly QualityPoint[];
}

const DEFAULT_QUALITIES: readonly number[] = Array.from({ length: 20 }, (_, i) => 5 * (i + 1));

/**
 * Searches the qualities.
 * @throws {RangeError} if there are no qualities or the target is NaN; whatever `measure` throws
 */
export async function findQualityAtMatchedMetric(search: MatchedMetricSearch): Promise<MatchedMetricResult> {
  const { measure, target, better, strategy = 'bisect' } = search;
  const qualities = [...new Set(search.qualities ?? DEFAULT_QUALITIES)].sort((a, b) => a - b);
  if (qualities.length === 0) throw new RangeError('qualities expected at least one, got none');
  if (Number.isNaN(target)) throw new RangeError('target expected a number, got NaN');
  const points: QualityPoint[] = [];
  const reachesTarget = ({ metric }: QualityMeasurement): boolean =>
    better === 'higher' ? metric >= target : metric <= target;
  const look = async (quality: number): Promise<QualityPoint> => {
    const { bytesPerSample, metric } = await measure(quality);
    const point = { quality, bytesPerSample, metric };
    points.push(point);
    return point;
  };
  if (strategy === 'exhaustive') for (const quality of qualities) await look(quality);
  else await bisect(qualities, async (quality) => reachesTarget(await look(quality)));
  points.sort((a, b) => a.quality - b.quality);
  const match = points
    .filter(reachesTarget)
    .reduce<QualityPoint | null>(
      (best, point) => (best && best.bytesPerSample <= point.bytesPerSample ? best : point),
      null,
    );
  return { match, points };
}

/** Tests qualities until the lowest that passes and its lower neighbour have been looked at. */
async function bisect(
  qualities: readonly number[],
  passes: (quality: number) => Promise<boolean>,
): Promise<void> {
  let low = 0; // all below `low` are taken to fail
  let high = qualities.length; // all from `high` on are taken to pass
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (await passes(qualities[middle])) high = middle;
    else low = middle + 1;
  }
}
