/**
 * The rate of one direction of a link over time, and when bytes that begin at some time have left: what a shaper and a
 * simulation of it share. A rate is constant, stands still in outages, or follows a recorded trace.
 */

import type { LinkProfile, OutageTrace, RateTrace } from './link-profile.js';

/** A direction of a link. */
export type LinkDirection = 'uplink' | 'downlink';

/** A rate that is constant for a while. */
export interface RatePiece {
  /** 10^6 bits a second; 0 in an outage. */
  readonly mbps: number;
  /** Milliseconds since the link began; after the time asked for, infinite if nothing changes any more. */
  readonly untilMs: number;
}

/** Rates over time. */
export interface RateSchedule {
  /** @param atMs - since the link began, not negative */
  rateAt(atMs: number): RatePiece;
}

/** 10^6 bits a second are 125 bytes a millisecond. */
const BYTES_PER_MS_OF_MBPS = 125;

/** The rates of a link that `checkLink` takes. */
export function rateSchedule(link: LinkProfile, direction: LinkDirection): RateSchedule {
  if (link.rates) return traceSchedule(link.rates, direction);
  const mbps = direction === 'uplink' ? link.uplinkMbps : link.downlinkMbps;
  const { outage } = link;
  if (outage && outage.outages.length > 0) return { rateAt: (atMs) => rateBesideOutages(mbps, outage, atMs) };
  const piece = { mbps, untilMs: Number.POSITIVE_INFINITY };
  return { rateAt: () => piece };
}

/**
 * When bytes have left that begin at some time and have the link to themselves. Bytes that are done where an outage begins
 * are not held up by it.
 */
export function sentAtMs(schedule: RateSchedule, startMs: number, byteLength: number): number {
  let nowMs = startMs;
  let leftBytes = byteLength;
  for (;;) {
    if (leftBytes <= 0) return nowMs;
    const { mbps, untilMs } = schedule.rateAt(nowMs);
    const bytesPerMs = mbps * BYTES_PER_MS_OF_MBPS;
    const doneMs = nowMs + leftBytes / bytesPerMs;
    if (doneMs <= untilMs) return doneMs;
    leftBytes -= (untilMs - nowMs) * bytesPerMs;
    nowMs = untilMs;
  }
}

function traceSchedule(
  { stepMs, uplinkMbps, downlinkMbps }: RateTrace,
  direction: LinkDirection,
): RateSchedule {
  const rates = direction === 'uplink' ? uplinkMbps : (downlinkMbps ?? uplinkMbps);
  return {
    rateAt(atMs) {
      const step = Math.floor(atMs / stepMs);
      return { mbps: rates[step % rates.length], untilMs: (step + 1) * stepMs };
    },
  };
}

function rateBesideOutages(mbps: number, { periodMs, outages }: OutageTrace, atMs: number): RatePiece {
  const begunMs = Math.floor(atMs / periodMs) * periodMs;
  const found = outages.find(({ startMs, lengthMs }) => begunMs + startMs + lengthMs > atMs);
  const { startMs, lengthMs } = found ?? outages[0];
  const start = begunMs + startMs + (found ? 0 : periodMs);
  return atMs < start ? { mbps, untilMs: start } : { mbps: 0, untilMs: start + lengthMs };
}
