/** From measured codings to the points that are worth having. */

/** What decides between two points. */
export interface Rung {
  /** Mean bytes of a sample. */
  readonly bytesPerSample: number;
  /** Mean distance of the output from that of the unsplit network. */
  readonly distance: number;
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
