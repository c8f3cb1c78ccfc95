/** Curves through points of a plane, as Bjøntegaard's measures integrate them. */

/** A point; both numbers are finite. */
export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

/** A curve over an interval. */
export interface PlaneCurve {
  /** Where the curve begins; it says nothing of what lies before. */
  readonly low: number;
  readonly high: number;
  /** @param x - from `low` to `high` */
  valueAt(x: number): number;
  /** Exact area below the curve. @param from - and `to`: from `low` to `high` */
  integral(from: number, to: number): number;
}
