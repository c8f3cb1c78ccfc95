/** From measured codings to the points that are worth having. */

/** What decides between two points. */
export interface Rung {
  /** Mean bytes of a sample. */
  readonly bytesPerSample: number;
  /** Mean distance of the output from that of the unsplit network. */
  readonly distance: number;
}

/**
 * The points that do not beat the chosen one: those of other families, on other samples than it was chosen by, may, and must not
 * take its place.
 */
export function besideChosen<T extends Rung>(points: readonly T[], chosen: T): T[] {
  return points.filter(
    (point) =>
      point === chosen || point.bytesPerSample > chosen.bytesPerSample || point.distance > chosen.distance,
  );
}

/** Points that no other one beats in both rate and distance, from few bytes to many. */
export function paretoFront<T extends Rung>(points: readonly T[]): T[] {
  const sorted = [...points].sort((a, b) => a.bytesPerSample - b.bytesPerSample || a.distance - b.distance);
  const front: T[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const point of sorted) {
    if (point.distance >= least) continue;
    front.push(point);
    least = point.distance;
  }
  return front;
}
