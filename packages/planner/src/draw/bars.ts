/** Bars of text: how the total of each way is made of device, link and server. */

import type { LinkProfile } from '@featherwire/link';
import type { RatedWay } from '../choice/choose.js';

/** The parts of a total in milliseconds. */
export interface TotalParts {
  readonly deviceMs: number;
  readonly linkMs: number;
  readonly serverMs: number;
}

/** Median time on each part of the way; they sum up to the median total. */
export function partsOf({ way, totalMs }: RatedWay): TotalParts {
  const deviceMs = way.deviceMs.p50;
  const serverMs = way.serverMs.p50;
  return { deviceMs, serverMs, linkMs: Math.max(0, totalMs.p50 - deviceMs - serverMs) };
}

/** Signs of the three parts, as a legend prints them. */
export const BAR_SIGNS = Object.freeze({ device: '█', link: '░', server: '▓' });

/** How many times as long as the shortest total the longest bar is drawn at most; longer ones are cut. */
const MAX_RATIO = 6;
const CUT_SIGN = '›';

/** The total that the longest bar stands for. @param ways - at least one */
export function longestBarMs(ways: readonly RatedWay[]): number {
  const totals = ways.map(({ totalMs }) => totalMs.p50);
  return Math.min(Math.max(...totals), MAX_RATIO * Math.min(...totals));
}

/**
 * One bar for each way, as long as its total; what is too long is cut and ends in `›`.
 * @param width - characters of the longest bar, from 1
 */
export function drawBars(ways: readonly RatedWay[], width: number): string[] {
  const longest = longestBarMs(ways);
  return ways.map((rated) => {
    const { deviceMs, linkMs, serverMs } = partsOf(rated);
    // Ends are rounded, not lengths: the bar is as long as its total whatever the parts are.
    const ends = [deviceMs, deviceMs + linkMs, deviceMs + linkMs + serverMs].map((ms) =>
      longest === 0 ? 0 : Math.min(width, Math.round((width * ms) / longest)),
    );
    const signs = [BAR_SIGNS.device, BAR_SIGNS.link, BAR_SIGNS.server];
    const bar = signs.map((sign, i) => sign.repeat(ends[i] - (ends[i - 1] ?? 0))).join('');
    return rated.totalMs.p50 > longest ? bar + CUT_SIGN : bar;
  });
}

/** A link in words. */
export function describeLink(link: LinkProfile): string {
  const { name, uplinkMbps, downlinkMbps, roundTripMs, jitterMs, lossRate } = link;
  const parts = [`${uplinkMbps} Mbit/s up`, `${downlinkMbps} Mbit/s down`, `${roundTripMs} ms round trip`];
  if (jitterMs > 0) parts.push(`${jitterMs} ms jitter`);
  if (lossRate > 0) parts.push(`${100 * lossRate} % lost`);
  return `${name}: ${parts.join(', ')}`;
}
