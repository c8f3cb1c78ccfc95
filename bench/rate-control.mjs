/**
 * A latency budget over a link like a drive through LTE cells: 0.3 to 20 Mbit/s with outages, ten minutes, 150 ms, a frame
 * each 200 ms. The rate controller beside every fixed point, a plain average of rates, one that is told the rate at the
 * moment of sending, and an oracle that knows the trace (`rate-control/simulation.mjs` says what it counts). The controller
 * has no knowledge of the trace. `--real` measures a real client, server and shaped link instead, once, by the clock.
 *
 * Usage: npm run build && node bench/rate-control.mjs [--seeds 40] [--real] [--seconds 600] [--out results/rate-control.json]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { LTE_DRIVE, parseLinkTrace, syntheticTrace } from '@featherwire/link';
import { createRandom } from '@featherwire/tensor';
import { measuredLadder } from './rate-control/ladders.mjs';
import { averagePolicy, controllerPolicy, fixedPolicy, toldPolicy } from './rate-control/policies.mjs';
import { CUT, NETWORK, runReal } from './rate-control/real.mjs';
import { bestPoint, simulate, summarize } from './rate-control/simulation.mjs';

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '40' },
    seconds: { type: 'string', default: '600' },
    real: { type: 'boolean', default: false },
    out: { type: 'string', default: 'results/rate-control.json' },
  },
});
const BUDGET_MS = 150;
const INTERVAL_MS = 200;
/** Of SqueezeNet's parts on this project's machine, and a little more. */
const STAGES = { deviceMs: 12, serverMs: 10 };
const LADDERS = [
  ['squeezenet1_1', 'pool5'],
  ['squeezenet1_1', 'pool3'],
];
const TRACE = 'packages/link/traces/lte-drive.json';
const recorded = parseLinkTrace(readFileSync(new URL(`../${TRACE}`, import.meta.url), 'utf8'), TRACE);
const lengthMs = 1_000 * Number(options.seconds);

const report = existsSync(options.out)
  ? JSON.parse(readFileSync(options.out, 'utf8'))
  : { command: 'node bench/rate-control.mjs, then with --real' };
if (options.real) report.real = await measureReal();
else report.simulated = LADDERS.map(([network, tensor]) => simulateLadder(measuredLadder(network, tensor)));
writeFileSync(options.out, `${JSON.stringify(report, null, 1)}\n`);

/** Traces of many seeds, and the recorded one with its frames for the plot. */
function simulateLadder(ladder) {
  const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => i + 1);
  const rows = {};
  for (const seed of seeds) {
    const random = createRandom(1000 + seed); // other traces than the recorded one
    const link = { ...recorded, rates: syntheticTrace(LTE_DRIVE, () => random.nextUniform()) };
    const setting = { link, ...ladder, ...STAGES, budgetMs: BUDGET_MS, intervalMs: INTERVAL_MS, lengthMs };
    for (const [name, policy] of Object.entries(policiesOf(setting))) {
      rows[name] ??= [];
      rows[name].push(summarize(simulate(setting, policy, seed), setting));
    }
    process.stderr.write(`${ladder.name}: trace ${seed} of ${seeds.length}\n`);
  }
  const setting = {
    link: recorded,
    ...ladder,
    ...STAGES,
    budgetMs: BUDGET_MS,
    intervalMs: INTERVAL_MS,
    lengthMs,
  };
  const frames = simulate(setting, controllerPolicy(setting), 1);
  const recordedRows = Object.entries(policiesOf(setting)).map(([name, policy]) => ({
    policy: name,
    ...rounded(summarize(simulate(setting, policy, 1), setting)),
  }));
  return {
    ...{ ladder: ladder.name, unsplit: ladder.unsplit, points: ladder.points, ...STAGES },
    ...{ budgetMs: BUDGET_MS, intervalMs: INTERVAL_MS, seconds: lengthMs / 1_000, traces: seeds.length },
    policies: Object.entries(rows).map(([policy, list]) => ({ policy, ...summaryOf(list) })),
    recorded: { trace: TRACE, policies: recordedRows, frames: compact(frames, ladder.points) },
  };
}

function policiesOf(setting) {
  return {
    controller: controllerPolicy(setting),
    'average of rates': averagePolicy(setting),
    'told the rate': toldPolicy(setting),
    ...Object.fromEntries(setting.points.map(({ id, bytes }) => [`always ${bytes} B`, fixedPolicy(id)])),
  };
}

/** Means over the traces, and the worst trace for the two bars. */
function summaryOf(list) {
  const keys = ['withinBudget', 'dropped', 'meanLoss', 'oracleLoss', 'inTimeAccuracy', 'oracleAccuracy'];
  const means = Object.fromEntries(
    keys.map((key) => [key, list.reduce((sum, row) => sum + row[key], 0) / list.length]),
  );
  return rounded({
    ...means,
    worstWithinBudget: Math.min(...list.map(({ withinBudget }) => withinBudget)),
    worstLossBeyondOracle: Math.max(...list.map(({ meanLoss, oracleLoss }) => meanLoss - oracleLoss)),
    tracesWithin95: list.filter(({ withinBudget }) => withinBudget >= 0.95).length,
    tracesWithinOnePoint: list.filter(({ meanLoss, oracleLoss }) => meanLoss - oracleLoss <= 1).length,
  });
}

async function measureReal() {
  const log = (text) => process.stderr.write(`${text}\n`);
  const { setting, frames: played } = await runReal({
    ...{ link: recorded, budgetMs: BUDGET_MS, intervalMs: INTERVAL_MS, lengthMs, log },
  });
  const frames = played.map((frame) => ({ ...frame, best: bestPoint(setting, frame.atMs) }));
  const answered = frames.filter(({ point, best }) => point !== null && best !== null);
  return {
    machine: { processor: cpus()[0]?.model.trim(), node: process.version },
    ...{ trace: TRACE, network: NETWORK, tensor: CUT, points: setting.points },
    ...{
      deviceMs: setting.deviceMs,
      serverMs: setting.serverMs,
      budgetMs: BUDGET_MS,
      intervalMs: INTERVAL_MS,
    },
    ...rounded(summarize(frames, setting)),
    agreement: answered.reduce((sum, { agreement }) => sum + agreement, 0) / answered.length,
    failures: frames.filter(({ failed }) => failed).length,
    frames: compact(frames, setting.points),
  };
}

/** One row a frame: position of the point or -1, of the oracle's or -1, and tenths of milliseconds or -1. */
function compact(frames, points) {
  const position = (id) => points.findIndex((point) => point.id === id);
  return {
    point: frames.map(({ point }) => position(point)),
    oracle: frames.map(({ best }) => position(best)),
    totalMs: frames.map(({ totalMs }) => (Number.isFinite(totalMs) ? Math.round(totalMs) : -1)),
  };
}

function rounded(record) {
  const round = (value) => (typeof value === 'number' ? Number(value.toFixed(4)) : value);
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, round(value)]));
}
