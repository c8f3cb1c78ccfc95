/** A network link as totals are computed for it. */

/** A link by its rates and its round trip. */
export interface Link {
  readonly name: string;
  readonly uplinkMbps: number;
  readonly downlinkMbps: number;
  /** Time of an empty request and its answer. */
  readonly roundTripMs: number;
}
