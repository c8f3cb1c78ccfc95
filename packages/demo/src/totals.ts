/**
 * Total times on links, computed from measured stage times and counted bytes. They are estimates: nothing here is
 * run over such a link.
 */

import type { LinkProfile } from '@featherwire/link';
import type { DemoRow } from './rows.js';
import { DEVICE_SLOWDOWNS, LINKS } from './scenario.js';

/** Computed totals of every row on one link, for one speed of the device. */
export interface TotalsOfLink {
  readonly link: LinkProfile;
  /** Factor on the measured device times. */
  readonly deviceSlowdown: number;
  /** By row id, in milliseconds. */
  readonly totalMs: Readonly<Record<string, number>>;
  /** Row of the smallest total among those whose character error rate is close to the best; see `eligibleRows`. */
  readonly winner: string;
}

/** Id of the row without a server. */
export const DEVICE_ID = 'device';

/** Rows compete for a link if their error rate is at most this above that of the network on the device. */
const COMPETING_LOSS = 0.01;

/** Totals of all rows on all links at all speeds of the device. */
export function computeTotals(rows: readonly DemoRow[]): TotalsOfLink[] {
  const eligible = new Set(eligibleRows(rows).map(({ id }) => id));
  return DEVICE_SLOWDOWNS.flatMap((deviceSlowdown) =>
    LINKS.map((link) => {
      const entries = rows.map((row) => [row.id, totalMs(row, link, deviceSlowdown)] as const);
      const competing = entries.filter(([id]) => eligible.has(id));
      const [winner] = competing.reduce((a, b) => (b[1] < a[1] ? b : a));
      return { link, deviceSlowdown, totalMs: Object.fromEntries(entries), winner };
    }),
  );
}

/** Rows that lose at most one point of character error rate to the network on the device. */
export function eligibleRows(rows: readonly DemoRow[]): DemoRow[] {
  const reference = rows.find(({ id }) => id === DEVICE_ID) ?? rows[0];
  return rows.filter((row) => row.errorRate.value <= reference.errorRate.value + COMPETING_LOSS);
}

/** Device, link and server one after the other; the measured loopback time is left out. */
export function totalMs(row: DemoRow, link: LinkProfile, deviceSlowdown: number): number {
  const { headMs, encodeMs, decodeMs, tailMs } = row.times;
  const device = (headMs + encodeMs) * deviceSlowdown;
  if (row.bytesSent === 0) return device;
  return (
    device +
    link.roundTripMs +
    transferMs(row.bytesSent, link.uplinkMbps) +
    transferMs(row.bytesReceived, link.downlinkMbps) +
    decodeMs +
    tailMs
  );
}

function transferMs(bytes: number, mbps: number): number {
  return (8 * bytes) / (mbps * 1e3);
}
