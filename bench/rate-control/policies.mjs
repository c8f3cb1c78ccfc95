/** Ways to choose the point of a frame: the controller of the runtime, and what it is compared with. */
import { rateSchedule } from '@featherwire/link';
import { createRateController } from '@featherwire/runtime';

/** Bytes of a request in the 95th percentile: 1.645 deviations of 5 %. */
const P95_OF_MEAN = 1.08;
const MS_OF_BYTE_AT_ONE_MBPS = 0.008;
/** Of the baselines: room that they leave, and the share that a new rate has in the average. */
const MARGIN = 1.2;
const AVERAGE_SHARE = 0.5;

/** The controller, with nothing known of the link. */
export function controllerPolicy({ points, budgetMs }) {
  const rated = points.map(({ id, bytes, loss }) => ({
    ...{ id, loss },
    bytes: { mean: bytes, p95: Math.round(P95_OF_MEAN * bytes) },
  }));
  const controller = createRateController({ points: rated, budgetMs });
  return {
    choose: (atMs) => controller.choose(atMs).point,
    observe: (exchange, atMs) => controller.observe(exchange, atMs),
  };
}

/** The same point always. */
export function fixedPolicy(id) {
  return { choose: () => id };
}

/** The logarithm of the rate averaged over exchanges, the round trip known. */
export function averagePolicy(setting) {
  const { roundTripMs, jitterMs } = setting.link;
  let mbps = 1;
  return {
    choose: () => largestFitting(setting, mbps),
    observe({ bytes, linkMs }) {
      const sample = (bytes * MS_OF_BYTE_AT_ONE_MBPS) / Math.max(1, linkMs - roundTripMs - jitterMs);
      mbps = mbps ** (1 - AVERAGE_SHARE) * sample ** AVERAGE_SHARE;
    },
  };
}

/** Told the rate of the trace at the moment of each frame: what estimating cannot do better, short of foresight. */
export function toldPolicy(setting) {
  const uplink = rateSchedule(setting.link, 'uplink');
  return { choose: (atMs) => largestFitting(setting, uplink.rateAt(atMs).mbps) };
}

/** With room for a share of the sending time and for jitter both ways. */
function largestFitting({ points, link, budgetMs, deviceMs, serverMs }, mbps) {
  const leftMs = budgetMs - link.roundTripMs - 2 * link.jitterMs - deviceMs - serverMs;
  const fitting = points.findLast(({ bytes }) => (MARGIN * bytes * MS_OF_BYTE_AT_ONE_MBPS) / mbps <= leftMs);
  return (fitting ?? points[0]).id;
}
