/**
 * Recorded links: text to a profile with its rates over time. Two forms are read: this project's JSON document, and the
 * traces of Mahimahi (Netravali et al., "Mahimahi: Accurate Record-and-Replay for HTTP", USENIX ATC 2015), in which each
 * line is a millisecond at which a packet of 1500 bytes could be sent, once for every packet.
 */

import { checkLink, type LinkProfile } from './link-profile.js';

/** Fields of a link that a trace may leave to others. */
export type LinkDelays = Pick<LinkProfile, 'roundTripMs' | 'jitterMs' | 'lossRate'>;

/** What a trace without delays is given: those of a lightly loaded LTE cell. */
export const DEFAULT_TRACE_DELAYS: LinkDelays = Object.freeze({ roundTripMs: 50, jitterMs: 0, lossRate: 0 });

const PACKET_BYTES = 1500;
/** Packets are counted in steps of this length. */
const PACKET_STEP_MS = 100;
/** 10^6 bits a second of a byte a millisecond. */
const MBPS_OF_BYTE_PER_MS = 0.008;
const MAX_STEPS = 1_000_000;

/**
 * Reads a trace. The profile's two rates are the means of the trace.
 * @param text - `{"stepMs", "uplinkMbps": […], "downlinkMbps"?: […], "roundTripMs"?, "jitterMs"?, "lossRate"?, "name"?}`, or
 *   a Mahimahi trace, whose rates are of both directions
 * @param name - of a trace that has none
 * @throws {RangeError} if it is neither, or a number is out of range
 */
export function parseLinkTrace(text: string, name: string): LinkProfile {
  return text.trimStart().startsWith('{') ? readDocument(text, name) : readPackets(text, name);
}

function readDocument(text: string, name: string): LinkProfile {
  const document = parseJson(text, name);
  const { stepMs, uplinkMbps, downlinkMbps } = document;
  const isList = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((rate) => typeof rate === 'number');
  if (
    !(
      typeof stepMs === 'number' &&
      isList(uplinkMbps) &&
      (downlinkMbps === undefined || isList(downlinkMbps))
    )
  )
    throw new RangeError(`trace ${name} expected stepMs and a list uplinkMbps of numbers, got others`);
  const delayOf = (field: keyof LinkDelays): number => {
    const value = document[field] ?? DEFAULT_TRACE_DELAYS[field];
    if (typeof value === 'number') return value;
    throw new RangeError(`trace ${name} expected a number as ${field}, got ${JSON.stringify(value)}`);
  };
  return checkLink({
    name: typeof document.name === 'string' ? document.name : name,
    uplinkMbps: meanOf(uplinkMbps),
    downlinkMbps: meanOf(downlinkMbps ?? uplinkMbps),
    roundTripMs: delayOf('roundTripMs'),
    jitterMs: delayOf('jitterMs'),
    lossRate: delayOf('lossRate'),
    rates: { stepMs, uplinkMbps, ...(downlinkMbps && { downlinkMbps }) },
  });
}

function parseJson(text: string, name: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new RangeError(`trace ${name} expected JSON: ${(cause as Error).message}`, { cause });
  }
}

function readPackets(text: string, name: string): LinkProfile {
  const times = text.trim().split(/\s+/).map(Number);
  const isTrace = times.every((time, i) => Number.isInteger(time) && time >= (i === 0 ? 0 : times[i - 1]));
  const stepCount = Math.ceil((times.at(-1) ?? 0) / PACKET_STEP_MS);
  if (!isTrace || stepCount === 0 || stepCount > MAX_STEPS)
    throw new RangeError(`trace ${name} expected JSON or ascending milliseconds, one a line, got others`);
  const packets = new Float64Array(stepCount);
  for (const time of times) packets[Math.min(stepCount - 1, Math.floor(time / PACKET_STEP_MS))]++;
  const mbpsOfPacket = (PACKET_BYTES / PACKET_STEP_MS) * MBPS_OF_BYTE_PER_MS;
  const uplinkMbps = Array.from(packets, (count) => count * mbpsOfPacket);
  const mean = meanOf(uplinkMbps);
  const rates = { stepMs: PACKET_STEP_MS, uplinkMbps };
  return checkLink({ name, uplinkMbps: mean, downlinkMbps: mean, ...DEFAULT_TRACE_DELAYS, rates });
}

function meanOf(rates: readonly number[]): number {
  return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
}
