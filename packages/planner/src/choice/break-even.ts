/**
 * From which bandwidth on which way is the fastest. Totals are straight lines in the reciprocal of the bandwidth, so the
 * fastest way of every bandwidth is the lower envelope of these lines and break-evens are where two of them cross: exact,
 * without a search.
 */

import type { TotalLine } from './total.js';

/** A range of bandwidths with its fastest way. */
export interface BandwidthRange {
  readonly wayId: string;
  /** In Mbit/s, 0 for the lowest range. */
  readonly fromMbps: number;
  /** Null for the highest range, which has no end. */
  readonly toMbps: number | null;
}

/** A way's total by its id. */
export interface WayLine extends TotalLine {
  readonly wayId: string;
}

/**
 * The fastest way of every bandwidth above 0, in ascending ranges that leave nothing out. Of ways that are equally fast
 * everywhere the first one is named.
 * @param lines - at least one; numbers finite and from 0
 */
export function fastestByBandwidth(lines: readonly WayLine[]): BandwidthRange[] {
  const ranges: BandwidthRange[] = [];
  // From infinite bandwidth down, where the fixed part alone counts; each next line has fewer bits.
  let current = lines.reduce((best, line) => (isFasterAtOnce(line, best) ? line : best));
  let toMbps: number | null = null;
  for (;;) {
    const next = nextCrossing(current, lines);
    ranges.push({ wayId: current.wayId, fromMbps: next?.mbps ?? 0, toMbps });
    if (!next) return ranges.reverse();
    current = next.line;
    toMbps = next.mbps;
  }
}

/** True if `line` is below `best` for all bandwidths that are high enough. */
function isFasterAtOnce(line: TotalLine, best: TotalLine): boolean {
  return line.fixedMs < best.fixedMs || (line.fixedMs === best.fixedMs && line.kilobits < best.kilobits);
}

/** The first line that goes below `current` as the bandwidth falls, and where; undefined if none does. */
function nextCrossing(
  current: TotalLine,
  lines: readonly WayLine[],
): { readonly line: WayLine; readonly mbps: number } | undefined {
  let found: { line: WayLine; mbps: number } | undefined;
  for (const line of lines) {
    if (line.kilobits >= current.kilobits) continue; // never below at a lower bandwidth
    const mbps = (current.kilobits - line.kilobits) / (line.fixedMs - current.fixedMs);
    // Of lines that cross at one bandwidth, that with the fewest bits is the lowest below it.
    if (!found || mbps > found.mbps || (mbps === found.mbps && line.kilobits < found.line.kilobits)) {
      found = { line, mbps };
    }
  }
  return found;
}
