/**
 * Bjøntegaard's measures (ITU-T VCEG-M33, 2001; VCEG-AI11, 2008): the mean difference of two rate-quality curves, as rate
 * at equal quality and as quality at equal rate. Curves are drawn over the logarithm of the rate; only what both
 * reach is compared, nothing is extrapolated.
 */

import { fitCubicPolynomial } from './cubic-polynomial.js';
import { interpolatePiecewise, type PiecewiseMethod } from './hermite-curve.js';
import type { CurvePoint, PlaneCurve } from './plane-curve.js';

/** A measured point of a rate-quality curve. */
export interface RatePoint {
  /** In any unit, the same for both curves; above 0. */
  readonly rate: number;
  /** Accuracy, PSNR or another metric of which more is better. */
  readonly quality: number;
}

/** How curves are drawn through their points. */
export interface BjontegaardOptions {
  /**
   * `pchip` by default. `cubic`, one polynomial of third degree, is the measure as first published and needs four points; the
   * others need two.
   */
  readonly method?: PiecewiseMethod | 'cubic';
  /**
   * What is done about points that a cheaper or equally cheap one is as good as. Rate-accuracy curves have such points, by
   * noise and by nature: accuracy may fall as the rate grows. `'envelope'` (default) leaves them out; `'refuse'` throws.
   */
  readonly dominated?: 'envelope' | 'refuse';
}

/**
 * Mean difference of rate at equal quality, in percent of the anchor's rate: below 0 if `test` needs less.
 * @returns null if no quality is reached by both curves
 * @throws {RangeError} if a curve has too few points or one is not finite, or dominated points are refused
 */
export function bjontegaardRate(
  anchor: readonly RatePoint[],
  test: readonly RatePoint[],
  options: BjontegaardOptions = {},
): number | null {
  const [a, b] = [anchor, test].map((points) =>
    curveOf(
      checkedPoints(points, options).map(({ rate, quality }) => ({ x: quality, y: Math.log(rate) })),
      options,
    ),
  );
  const difference = meanDifference(a, b);
  return difference === null ? null : 100 * Math.expm1(difference);
}

/**
 * Mean difference of quality at equal rate, in the unit of the quality: above 0 if `test` is better.
 * @returns null if no rate is reached by both curves
 * @throws {RangeError} as `bjontegaardRate`
 */
export function bjontegaardQuality(
  anchor: readonly RatePoint[],
  test: readonly RatePoint[],
  options: BjontegaardOptions = {},
): number | null {
  const [a, b] = [anchor, test].map((points) =>
    curveOf(
      checkedPoints(points, options).map(({ rate, quality }) => ({ x: Math.log(rate), y: quality })),
      options,
    ),
  );
  return meanDifference(a, b);
}

/**
 * The points that no cheaper or equally cheap one is as good as, by ascending rate; quality ascends too.
 * @param points - in any order; not modified
 */
export function rateEnvelope<Point extends RatePoint>(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (const point of [...points].sort((a, b) => a.rate - b.rate || b.quality - a.quality)) {
    if (kept.length === 0 || point.quality > kept[kept.length - 1].quality) kept.push(point);
  }
  return kept;
}

const CUBIC_POINT_COUNT = 4;

function checkedPoints(
  points: readonly RatePoint[],
  { method, dominated = 'envelope' }: BjontegaardOptions,
): RatePoint[] {
  const wrong = points.find(
    ({ rate, quality }) => !(rate > 0 && Number.isFinite(rate) && Number.isFinite(quality)),
  );
  if (wrong)
    throw new RangeError(`point expected a rate above 0 and a quality, got ${wrong.rate}, ${wrong.quality}`);
  const kept = rateEnvelope(points);
  if (dominated === 'refuse' && kept.length < points.length) {
    throw new RangeError(`points expected none that is dominated, got ${points.length - kept.length}`);
  }
  const fewest = method === 'cubic' ? CUBIC_POINT_COUNT : 2;
  if (kept.length < fewest) {
    throw new RangeError(`points expected at least ${fewest} that are not dominated, got ${kept.length}`);
  }
  return kept;
}

function curveOf(points: readonly CurvePoint[], { method = 'pchip' }: BjontegaardOptions): PlaneCurve {
  return method === 'cubic' ? fitCubicPolynomial(points) : interpolatePiecewise(points, method);
}

/** Mean of `b - a` where both are; null if they share no more than a point. */
function meanDifference(a: PlaneCurve, b: PlaneCurve): number | null {
  const low = Math.max(a.low, b.low);
  const high = Math.min(a.high, b.high);
  return low < high ? (b.integral(low, high) - a.integral(low, high)) / (high - low) : null;
}
