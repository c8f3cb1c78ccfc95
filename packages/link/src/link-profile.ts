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
  /** Rates over time, of which `uplinkMbps` and `downlinkMbps` are then the means; not together with `outage`. */
  readonly rates?: RateTrace;
}

/** Rates in steps of equal length, in 10^6 bits a second; 0 is an outage. After the last step it begins again. */
export interface RateTrace {
  /** A whole number from 1. */
  readonly stepMs: number;
  readonly uplinkMbps: readonly number[];
  /** As many; those of the uplink by default. */
  readonly downlinkMbps?: readonly number[];
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
  if (link.rates) checkRates(link.rates, link.outage);
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

function checkRates(
  { stepMs, uplinkMbps, downlinkMbps = uplinkMbps }: RateTrace,
  outage?: OutageTrace,
): void {
  if (outage) throw new RangeError('outage expected to be left out beside rates, got both');
  if (!(Number.isInteger(stepMs) && stepMs >= 1))
    throw new RangeError(`rates.stepMs expected a whole number from 1, got ${stepMs}`);
  if (downlinkMbps.length !== uplinkMbps.length)
    throw new RangeError(`rates expected ${uplinkMbps.length} of the downlink, got ${downlinkMbps.length}`);
  for (const rates of [uplinkMbps, downlinkMbps]) {
    for (const rate of rates)
      if (rate !== 0) checkRange('rate', rate, LINK_LIMITS.lowestMbps, LINK_LIMITS.highestMbps);
    if (!rates.some((rate) => rate > 0)) throw new RangeError('rates expected one above 0, got none');
  }
}

/** A link in words: name, rates, delays, losses. */
export function describeLink(link: LinkProfile): string {
  const { name, uplinkMbps, downlinkMbps, roundTripMs, jitterMs, lossRate, rates } = link;
  const parts = rates
    ? [describeRates(rates.uplinkMbps, rates.stepMs)]
    : [`${uplinkMbps} Mbit/s up`, `${downlinkMbps} Mbit/s down`];
  parts.push(`${roundTripMs} ms round trip`);
  if (jitterMs > 0) parts.push(`${jitterMs} ms jitter`);
  if (lossRate > 0) parts.push(`${Number((100 * lossRate).toFixed(4))} % lost`);
  return `${name}: ${parts.join(', ')}`;
}

function describeRates(uplinkMbps: readonly number[], stepMs: number): string {
  const rates = uplinkMbps.filter((rate) => rate > 0);
  const [low, high] = rates.reduce(
    ([lowest, highest], rate) => [Math.min(lowest, rate), Math.max(highest, rate)],
    [Number.POSITIVE_INFINITY, 0],
  );
  const seconds = Math.round((uplinkMbps.length * stepMs) / 1000);
  const outages = rates.length < uplinkMbps.length ? ' and outages' : '';
  return `${Number(low.toFixed(3))} to ${Number(high.toFixed(3))} Mbit/s up${outages} over ${seconds} s`;
}
