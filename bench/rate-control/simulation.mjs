/**
 * Frames at equal distance over a link whose rate changes, on a simulated clock: what a policy that chooses their points
 * achieves, beside an oracle that knows the trace. The link is that of the lab, with jitter and losses.
 *
 * A frame that comes while another is on its way is dropped. A frame counts if any point could have met the budget over an
 * idle link without jitter and losses; only such frames are in the shares and means. The oracle takes the most accurate of
 * these points each time, and nothing disturbs it: no policy is better.
 */
import { rateSchedule, sentAtMs } from '@featherwire/link';
import { createVirtualLink } from '@featherwire/runtime/node';
import { createRandom } from '@featherwire/tensor';

/** Of an answer: the scores of a classifier are sent as indices or as a short list. */
export const ANSWER_BYTES = 300;
/** Deviation of the bytes of a frame and of the times of both ends, as shares of the means. */
const SPREAD = 0.05;

/**
 * @param setting - `{ link, points: [{ id, bytes, loss }], budgetMs, intervalMs, deviceMs, serverMs, lengthMs }`
 * @param policy - `{ choose(atMs): id, observe?(exchange, atMs) }`
 * @returns the frames in order: `{ atMs, best, point, totalMs }`, `best` null where nothing could have met the budget, `point` null for a dropped frame
 */
export function simulate(setting, policy, seed) {
  const { link, points, intervalMs, deviceMs, serverMs, lengthMs } = setting;
  const random = createRandom(seed);
  const virtual = createVirtualLink(link, () => random.nextUniform());
  const spread = () => Math.max(0.5, 1 + SPREAD * random.nextNormal());
  const frames = [];
  let freeAtMs = 0;
  for (let atMs = 0; atMs < lengthMs; atMs += intervalMs) {
    const best = bestPoint(setting, atMs);
    if (atMs < freeAtMs) {
      frames.push({ atMs, best, point: null, totalMs: Number.POSITIVE_INFINITY });
      continue;
    }
    const id = policy.choose(atMs);
    const uplinkBytes = Math.round(points.find((point) => point.id === id).bytes * spread());
    const [device, server] = [deviceMs * spread(), serverMs * spread()];
    const sentMs = atMs + device;
    const answeredMs = virtual.exchange(
      { uplinkBytes, downlinkBytes: ANSWER_BYTES, serverMs: server },
      sentMs,
    );
    const totalMs = answeredMs - atMs;
    const exchange = {
      point: id,
      bytes: uplinkBytes,
      linkMs: answeredMs - sentMs - server,
      beforeMs: 0, // the head's time is the device's
      deviceMs: device,
      serverMs: server,
      totalMs,
    };
    policy.observe?.(exchange, answeredMs);
    frames.push({ atMs, best, point: id, totalMs });
    freeAtMs = answeredMs;
  }
  return frames;
}

/** The most accurate point that meets the budget over an idle link without disturbances, null if none does. */
export function bestPoint({ link, points, budgetMs, deviceMs, serverMs }, atMs) {
  const [uplink, downlink] = ['uplink', 'downlink'].map((direction) => rateSchedule(link, direction));
  const oneWayMs = link.roundTripMs / 2;
  const fitting = points.filter(({ bytes }) => {
    const arrivedMs = sentAtMs(uplink, atMs + deviceMs, bytes) + oneWayMs;
    const answeredMs = sentAtMs(downlink, arrivedMs + serverMs, ANSWER_BYTES) + oneWayMs;
    return answeredMs - atMs <= budgetMs;
  });
  if (fitting.length === 0) return null;
  return fitting.reduce((best, point) => (point.loss < best.loss ? point : best)).id;
}

/**
 * What came of a run. Losses are points of the metric.
 * @returns `withinBudget` of the frames that count; `meanLoss` of their answers; `oracleLoss` of the oracle's; `inTimeAccuracy` and
 *   `oracleAccuracy` with nothing for a late or dropped frame, as shares of the unsplit network's
 */
export function summarize(frames, { points, budgetMs, unsplit }) {
  const lossOf = new Map(points.map(({ id, loss }) => [id, loss]));
  const counted = frames.filter(({ best }) => best !== null);
  const answered = counted.filter(({ point }) => point !== null);
  const inTime = answered.filter(({ totalMs }) => totalMs <= budgetMs);
  const mean = (list, value) => list.reduce((sum, frame) => sum + value(frame), 0) / list.length;
  return {
    frames: frames.length,
    counted: counted.length,
    withinBudget: inTime.length / counted.length,
    dropped: (counted.length - answered.length) / counted.length,
    meanLoss: mean(answered, ({ point }) => lossOf.get(point)),
    oracleLoss: mean(counted, ({ best }) => lossOf.get(best)),
    inTimeAccuracy: inTime.reduce((sum, { point }) => sum + unsplit - lossOf.get(point), 0) / counted.length,
    oracleAccuracy: mean(counted, ({ best }) => unsplit - lossOf.get(best)),
  };
}
