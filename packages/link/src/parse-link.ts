/** Links as people type them: a name, or rates, round trip, jitter and losses. */

import { checkLink, type LinkProfile } from './link-profile.js';
import { parseLinkTrace } from './link-trace.js';
import { LINK_NAMES, NAMED_LINKS } from './named-links.js';

const TRACE = /^trace:/i;
const RATES = /^(\d+(?:\.\d+)?)(?:\/(\d+(?:\.\d+)?))?(k|m|g)bps$/;
const ROUND_TRIP = /^(\d+(?:\.\d+)?)ms$/;
const JITTER = /^jitter=(\d+(?:\.\d+)?)ms$/;
const LOSS = /^loss=(\d+(?:\.\d+)?)%$/;
const MBPS_OF_UNIT = { k: 0.001, m: 1, g: 1000 } as const;

/**
 * Reads a link: one of `LINK_NAMES`, or parts between commas, of which the first two must be there: `20mbps` for both
 * directions or `20/80mbps` for up and down (also `kbps`, `gbps`), `40ms` for the round trip, `jitter=5ms`, `loss=0.5%`.
 * A name may be followed by parts that replace its own, and so may `trace:FILE`, but for its rates.
 * @param readTrace - the text of a trace's file; without it there are no traces
 * @throws {RangeError} if the text is none of these, or a number is out of range; what `readTrace` throws
 */
export function parseLink(text: string, readTrace?: (file: string) => string): LinkProfile {
  const [first, ...others] = text.split(',').map((part) => part.trim());
  const lower = first.toLowerCase();
  if (readTrace && TRACE.test(first)) {
    const file = first.replace(TRACE, '');
    const trace = parseLinkTrace(readTrace(file), file);
    return checkLink({ ...trace, ...readParts(others, text, false) });
  }
  const named = NAMED_LINKS[lower as keyof typeof NAMED_LINKS] as LinkProfile | undefined;
  const given = readParts(named ? others : [first, ...others], text, true);
  const { uplinkMbps, downlinkMbps, roundTripMs } = { ...named, ...given };
  if (uplinkMbps === undefined || downlinkMbps === undefined || roundTripMs === undefined) {
    throw unreadable(text);
  }
  const { jitterMs = 0, lossRate = 0 } = { ...named, ...given };
  const name =
    named && others.length === 0
      ? named.name
      : [lower, ...others.map((part) => part.toLowerCase())].join(', ');
  return checkLink({ name, uplinkMbps, downlinkMbps, roundTripMs, jitterMs, lossRate });
}

function readParts(parts: readonly string[], text: string, hasRates: boolean): Partial<LinkProfile> {
  const read = parts.map((part) => partOf(part.toLowerCase(), text));
  if (!hasRates && read.some(({ uplinkMbps }) => uplinkMbps !== undefined))
    throw new RangeError(`link expected no rates beside those of its trace, got '${text}'`);
  return Object.assign({}, ...read);
}

function partOf(part: string, text: string): Partial<LinkProfile> {
  const rates = RATES.exec(part);
  if (rates) {
    const [, up, down = up, unit] = rates;
    const scale = MBPS_OF_UNIT[unit as keyof typeof MBPS_OF_UNIT];
    return { uplinkMbps: Number(up) * scale, downlinkMbps: Number(down) * scale };
  }
  const [, roundTrip] = ROUND_TRIP.exec(part) ?? [];
  if (roundTrip) return { roundTripMs: Number(roundTrip) };
  const [, jitter] = JITTER.exec(part) ?? [];
  if (jitter) return { jitterMs: Number(jitter) };
  const [, loss] = LOSS.exec(part) ?? [];
  if (loss) return { lossRate: Number(loss) / 100 };
  throw unreadable(text);
}

function unreadable(text: string): RangeError {
  const forms = `${LINK_NAMES.join(', ')}, or as 20mbps,40ms or 20/80mbps,40ms,jitter=5ms,loss=0.5%`;
  return new RangeError(`link expected ${forms}, got '${text}'`);
}
