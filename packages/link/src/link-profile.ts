/** A link between an edge and a server, as rates, delays and losses. */

/** What a link does to bytes. Both directions have the same delay, jitter, losses and outages. */
export interface LinkProfile {
  /** For people. */
  readonly name: string;
  /** From edge to server, in 10^6 bits of TCP payload a second: headers of TCP, IP and below are taken off already. */
  readonly uplinkMbps: number;
  /** From server to edge, in the same unit. */
  readonly downlinkMbps: number;
  /** Time of an empty segment and its acknowledgement, without queues and jitter. */
  readonly roundTripMs: number;
  /** Mean of what a segment takes longer than that one way; exponentially distributed. */
  readonly jitterMs: number;
  /** Share of segments that are lost and sent again, in [0, 1). */
  readonly lossRate: number;
  /** Times at which nothing passes; none by default. */
  readonly outage?: OutageTrace;
}

/** Outages that repeat. */
export interface OutageTrace {
  /** Length of the trace; it then begins again. */
  readonly periodMs: number;
  /** In ascending order, within the period, not overlapping. */
  readonly outages: readonly { readonly startMs: number; readonly lengthMs: number }[];
}

/** Bounds of a link's numbers, inclusive unless said. */
export const LINK_LIMITS = Object.freeze({
  /** 1 kbit/s. */
  lowestMbps: 0.001,
  /** 1 Tbit/s. */
  highestMbps: 1e6,
  /** Of round trip and jitter. */
  longestMs: 60_000,
  /** Exclusive: of the share of lost segments; above, nothing gets through in a time that anyone waits. */
  lossRate: 0.5,
});

/**
 * Checks a link.
 * @returns the same link
 * @throws {RangeError} naming the field that is out of range
 */
export function checkLink(link: LinkProfile): LinkProfile {
  const { lowestMbps, highestMbps, longestMs, lossRate } = LINK_LIMITS;
  for (const field of ['uplinkMbps', 'downlinkMbps'] as const) {
    checkRange(field, link[field], lowestMbps, highestMbps);
  }
  for (const field of ['roundTripMs', 'jitterMs'] as const) checkRange(field, link[field], 0, longestMs);
  if (!(link.lossRate >= 0 && link.lossRate < lossRate)) {
    throw new RangeError(`lossRate expected 0 to below ${lossRate}, got ${link.lossRate}`);
  }
  if (link.outage) checkOutage(link.outage);
  return link;
}

// Written so that NaN is refused too.
function checkRange(field: string, value: number, low: number, high: number): void {
  if (value >= low && value <= high) return;
  throw new RangeError(`${field} expected ${low} to ${high}, got ${value}`);
}

function checkOutage({ periodMs, outages }: OutageTrace): void {
  if (!(periodMs > 0 && periodMs < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`outage.periodMs expected more than 0, got ${periodMs}`);
  }
  let end = 0;
  for (const { startMs, lengthMs } of outages) {
    if (!(startMs >= end && lengthMs > 0 && startMs + lengthMs <= periodMs)) {
      const got = `${startMs} for ${lengthMs}`;
      throw new RangeError(`outage expected to lie in ${end} to ${periodMs} ms, got ${got}`);
    }
    end = startMs + lengthMs;
  }
  const total = outages.reduce((sum, { lengthMs }) => sum + lengthMs, 0);
  if (total >= periodMs) throw new RangeError('outages expected to leave some of the period, got none');
}

/** A link in words: name, rates, delays, losses. */
export function describeLink(link: LinkProfile): string {
  const { name, uplinkMbps, downlinkMbps, roundTripMs, jitterMs, lossRate } = link;
  const parts = [`${uplinkMbps} Mbit/s up`, `${downlinkMbps} Mbit/s down`, `${roundTripMs} ms round trip`];
  if (jitterMs > 0) parts.push(`${jitterMs} ms jitter`);
  if (lossRate > 0) parts.push(`${Number((100 * lossRate).toFixed(4))} % lost`);
  return `${name}: ${parts.join(', ')}`;
}
