/** Links as options name them: `20mbps,40ms`, or `20mbps/80mbps,40ms,5ms` with another downlink and jitter. */

import type { PlanLink } from '@featherwire/planner';
import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { kbps: 1e-3, mbps: 1, gbps: 1e3 };
const RATE = '(\\d+(?:\\.\\d+)?)(kbps|mbps|gbps)';
const LINK = new RegExp(`^${RATE}(?:/${RATE})?,(\\d+(?:\\.\\d+)?)ms(?:,(\\d+(?:\\.\\d+)?)ms)?$`, 'i');

/** Parses a link. */
export function linkArgument(text: string): PlanLink {
  const [, up, upUnit, down = up, downUnit = upUnit, roundTrip, jitter = '0'] = LINK.exec(text.trim()) ?? [];
  const rate = (value: string, unit: string): number => Number(value) * UNITS[unit.toLowerCase()];
  const isLink = up !== undefined && Number(up) > 0 && Number(down) > 0;
  if (!isLink) {
    throw new InvalidArgumentError(
      'Expected UP[/DOWN],ROUNDTRIP[,JITTER] as in 20mbps,40ms or 5mbps/20mbps,60ms,8ms.',
    );
  }
  return {
    name: text.trim(),
    uplinkMbps: rate(up, upUnit),
    downlinkMbps: rate(down, downUnit),
    roundTripMs: Number(roundTrip),
    jitterMs: Number(jitter),
  };
}

/** Parses a time in milliseconds: `100ms`, or the number alone. */
export function millisecondsArgument(text: string): number {
  const value = Number(/^(\d+(?:\.\d+)?)(?:ms)?$/.exec(text.trim())?.[1]);
  if (value > 0) return value;
  throw new InvalidArgumentError('Expected a time above 0 as in 100ms.');
}
