/**
 * Links by name. Each says where its numbers come from; those that are assumed say so, and none replaces measuring the
 * link that matters.
 */

import type { LinkProfile } from './link-profile.js';

/** A link with the origin of its numbers. */
export interface NamedLink extends LinkProfile {
  /** Published source of rates and round trip; jitter and losses are assumed wherever it does not mention them. */
  readonly source: string;
}

const WEB_PAGE_TEST = 'WebPageTest, connectivity preset';

/** By the name that commands take. */
export const NAMED_LINKS = Object.freeze({
  '3g': {
    ...{ name: '3G', uplinkMbps: 0.768, downlinkMbps: 1.6, roundTripMs: 300 },
    ...{ jitterMs: 20, lossRate: 0.005 },
    source: `${WEB_PAGE_TEST} "3G (1.6 Mbps/768 Kbps 300ms RTT)"; jitter and losses assumed`,
  },
  lte: {
    ...{ name: 'LTE', uplinkMbps: 12, downlinkMbps: 12, roundTripMs: 70 },
    ...{ jitterMs: 8, lossRate: 0.001 },
    source: `${WEB_PAGE_TEST} "LTE (12 Mbps/12 Mbps 70ms RTT)"; jitter and losses assumed`,
  },
  '5g': {
    ...{ name: '5G', uplinkMbps: 50, downlinkMbps: 300, roundTripMs: 25 },
    ...{ jitterMs: 4, lossRate: 0.0005 },
    source: 'assumed, in the order of what field studies of mid-band 5G report (arXiv:2310.11000)',
  },
  wifi: {
    ...{ name: 'Wi-Fi', uplinkMbps: 40, downlinkMbps: 100, roundTripMs: 10 },
    ...{ jitterMs: 3, lossRate: 0.0005 },
    source: 'assumed: a home network on a fixed line with 40 Mbit/s up',
  },
  satellite: {
    ...{ name: 'satellite', uplinkMbps: 15, downlinkMbps: 150, roundTripMs: 50 },
    ...{ jitterMs: 10, lossRate: 0.004 },
    source:
      'low orbit: round trip of Michel et al., A First Look at Starlink Performance, IMC 2022; the rest assumed',
  },
  'uplink-20': {
    ...{ name: '20 Mbit/s uplink', uplinkMbps: 20, downlinkMbps: 80, roundTripMs: 20 },
    ...{ jitterMs: 0, lossRate: 0 },
    source: 'a round number: a fixed line without disturbances, for comparisons',
  },
} satisfies Record<string, NamedLink>);

/** The names that `parseLink` takes. */
export const LINK_NAMES: readonly string[] = Object.freeze(Object.keys(NAMED_LINKS));
