/**
 * Predicted totals against real ones. The PP-OCR recognizer is cut at several tensors; every way is run for real: an edge
 * client here, a tail server in another process, a shaped link between them. Two predictions stand beside it: `planned`, from
 * stages that the planner measured beforehand, and `predicted`, from stages of requests over plain loopback in turns with
 * the real ones, which other work on the machine meets alike. The device is four times as slow as this machine: its network
 * waits after each run for three times what the run took. Around every break-even bandwidth both neighbors are run in turns
 * at three bandwidths on either side.
 *
 * Usage: node bench/plan-check.mjs [--samples 12] > results/plan-check.json
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadModel, splitToBundle } from '@featherwire/authoring';
import { addOperatingPoints, readBundle } from '@featherwire/bundle/node';
import { loadBackend } from '@featherwire/codec';
import {
  createTextLines,
  encodePicture,
  findPpOcrFiles,
  PP_OCR_INPUT,
  ppOcrPreprocessing,
  readPpOcrAlphabet,
  scoreOfTask,
} from '@featherwire/eval';
import { quantiles } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import { parseLink } from '@featherwire/link';
import { declaredOutputs } from '@featherwire/onnx';
import {
  choose,
  designLadder,
  measureSplit,
  measureUnsplit,
  pointSource,
  prepareSamples,
  readReference,
  totalOf,
  wayOf,
} from '@featherwire/planner';
import { createEdgeClient, createWebSocketTransport } from '@featherwire/runtime';
import { startLinkLab } from '@featherwire/runtime/node';
import { WebSocket } from 'ws';

const { values: options } = parseArgs({ options: { samples: { type: 'string', default: '12' } } });
const SAMPLES = Number(options.samples);
const WARM_UP = 2;
const WIDTH = 320;
const CUTS = ['p2o.AveragePool.1', 'squeeze_0.tmp_0', 'p2o.Add.119'];
const LINKS = ['1mbps,40ms', '5mbps,40ms', '20mbps,20ms'];
const DEVICE_SLOWDOWN = 4;
const BREAK_EVEN_FACTORS = [4, 2, 1.4];
const FACTORS = { deviceNetwork: DEVICE_SLOWDOWN, deviceCoding: 1, serverNetwork: 1, serverCoding: 1 };
/** As `featherwire plan` counts them: message, and WebSocket frame from 126 to 65,535 bytes. */
const OVERHEAD = { requestBytes: 27, answerBytes: 35 };

const log = (line) => process.stderr.write(`${line}\n`);
const root = mkdtempSync(path.join(tmpdir(), 'featherwire-plan-check-'));
const closing = [];
try {
  const report = await check();
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
} finally {
  for (const close of closing.reverse()) await close();
  rmSync(root, { recursive: true, force: true });
}

async function check() {
  const busyBefore = loadavg()[0];
  const backend = await loadBackend('auto');
  const { samples, bundles, context } = await prepare(backend);
  const server = await startServer(bundles.map(({ directory }) => directory));
  const reference = await readReference(bundles[0], context);
  log('measure the stages');
  const unsplitWays = await measureUnsplit(
    bundles[0],
    reference,
    { maxLossPoints: 100, deviceMacs: null },
    context,
  );
  const measured = unsplitWays.filter(({ kind }) => kind !== 'picture');
  const runners = new Map([
    ['device', await deviceRunner(bundles[0])],
    ['png', pictureRunner(bundles[0], backend)],
  ]);
  for (const bundle of bundles) {
    const [way] = await measureSplit(bundle, reference, context);
    measured.push(way);
    runners.set(way.id, await splitRunner(bundle, backend));
  }
  const planned = measured.map((way) => wayOf(way, FACTORS, OVERHEAD));
  const rows = [];
  for (const link of LINKS.map(parseLink)) {
    for (const way of planned.filter(({ kind }) => kind !== 'device')) {
      const { totals, stages } = await runInTurns(link, server, samples, runners.get(way.id));
      rows.push(rowOf(way, { ...way, ...stages }, link, totals.p50));
      const { plannedMs, predictedMs, measuredMs } = rows.at(-1);
      log(
        `${way.id} over ${link.name}: ${plannedMs} planned, ${predictedMs} predicted, ${measuredMs} measured`,
      );
    }
  }
  const breakEvens = await checkBreakEvens(planned, server, samples, runners);
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  return {
    command: `node bench/plan-check.mjs --samples ${SAMPLES}`,
    machine: { processor: cpus()[0].model.trim(), cores: availableParallelism(), node: process.version },
    settings: {
      samples: SAMPLES,
      deviceSlowdown: DEVICE_SLOWDOWN,
      loadBefore: busyBefore,
      loadAfter: loadavg()[0],
    },
    medianPlannedError: median(rows.map(({ plannedError }) => plannedError)),
    medianPredictedError: median(rows.map(({ predictedError }) => predictedError)),
    rows,
    breakEvens,
  };
}

function rowOf(planned, fresh, link, measuredMs) {
  const plannedMs = totalOf(planned, link).p50;
  const predictedMs = totalOf(fresh, link).p50;
  return {
    way: planned.id,
    link: link.name,
    bytes: planned.uplinkBytes.p50,
    plannedMs: round(plannedMs),
    predictedMs: round(predictedMs),
    measuredMs: round(measuredMs),
    plannedError: round(Math.abs(plannedMs - measuredMs) / measuredMs),
    predictedError: round(Math.abs(predictedMs - measuredMs) / measuredMs),
  };
}

/** Both neighbors of every break-even, at bandwidths on either side: does the one win that should? */
async function checkBreakEvens(ways, server, samples, runners) {
  const base = parseLink(LINKS[0]);
  const now = await timeInTurns(ways, server, samples, runners);
  const { ranges } = choose(now, base, { maxLossPoints: 100 });
  log(`ranges: ${ranges.map(({ wayId, fromMbps }) => `${wayId} from ${fromMbps.toFixed(2)}`).join(', ')}`);
  const checked = [];
  for (const [i, { fromMbps, wayId: above }] of ranges.entries()) {
    if (i === 0) continue;
    const below = ranges[i - 1].wayId;
    const points = [];
    for (const factor of [...BREAK_EVEN_FACTORS.map((f) => 1 / f), ...[...BREAK_EVEN_FACTORS].reverse()]) {
      const link = { ...base, uplinkMbps: fromMbps * factor };
      const pair = [runners.get(above), runners.get(below)];
      const [aboveMs, belowMs] = await runPair(link, server, samples, pair);
      const winner = aboveMs < belowMs ? above : below;
      points.push({
        mbps: round(link.uplinkMbps),
        belowMs: round(belowMs),
        aboveMs: round(aboveMs),
        confirmed: winner === (factor > 1 ? above : below),
      });
      log(
        `${below} | ${above} at ${points.at(-1).mbps} Mbit/s: ${belowMs.toFixed(1)} | ${aboveMs.toFixed(1)}`,
      );
    }
    checked.push({ below, above, mbps: round(fromMbps), points });
  }
  return checked;
}

async function prepare(backend) {
  const files = findPpOcrFiles();
  const loaded = await loadModel(files.recognizer, { [PP_OCR_INPUT]: [1, 3, 48, WIDTH] });
  const [{ name: scores }] = declaredOutputs(loaded.model);
  const preprocessing = ppOcrPreprocessing(WIDTH);
  const task = { kind: 'ctc-text', output: `${scores}_argmax`, alphabet: await readPpOcrAlphabet() };
  const data = await createTextLines({ split: 'test', count: 4 * SAMPLES });
  const samples = await prepareSamples(data, { input: PP_OCR_INPUT, preprocessing, count: 2 * SAMPLES });
  const context = {
    ...{ samples, backend, parallelism: availableParallelism(), timedSamples: SAMPLES },
    score: scoreOfTask(task, 'labels'),
    progress: { stage: log, progress: () => undefined },
    signal: new AbortController().signal,
  };
  const bundles = [];
  for (const tensor of CUTS) {
    log(`split at ${tensor}`);
    const directory = path.join(root, `cut-${bundles.length}`);
    const plan = { tensors: [tensor], directory, argMax: { output: scores, axis: 2 }, preprocessing, task };
    const { bundle } = await splitToBundle(loaded, { ...plan, keepWhole: true, runs: 1 });
    const head = await createWorkerSession(bundle.partPath('head'));
    const features = [];
    for (const { feeds } of samples.design) features.push((await head.run(feeds)).outputs);
    await head.close();
    const point = designLadder(features, bundle.manifest.cut, backend)[1];
    await addOperatingPoints(directory, [pointSource(point)]);
    bundles.push(await readBundle(directory));
  }
  return { samples: samples.list.slice(0, SAMPLES), bundles, context };
}

async function startServer(directories) {
  const main = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'serve', ...directories, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  closing.push(
    () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  );
  return new Promise((resolve, reject) => {
    let printed = '';
    child.once('exit', () => reject(new Error('the server ended')));
    child.stdout.on('data', (text) => {
      printed += text;
      const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1];
      if (port) resolve(Number(port));
    });
  });
}

/** A connection through a shaped link. */
async function throughLab(link, serverPort, work) {
  const lab = await startLinkLab({ link, target: { host: '127.0.0.1', port: serverPort } });
  const transport = openTransport(lab.port);
  try {
    return await work(transport);
  } finally {
    await transport.close();
    await lab.close();
  }
}

function openTransport(port) {
  return createWebSocketTransport({ url: `ws://127.0.0.1:${port}/v1/stream`, WebSocket });
}

/** Each sample over plain loopback, for the stages, and over the link, for the total. */
async function runInTurns(link, serverPort, samples, run) {
  const straight = openTransport(serverPort);
  try {
    return await throughLab(link, serverPort, async (transport) => {
      const totals = [];
      const stages = [];
      for (const [i, sample] of [...samples.slice(0, WARM_UP), ...samples].entries()) {
        const { times } = await run(sample, straight);
        const { totalMs } = (await run(sample, transport)).times;
        if (i < WARM_UP) continue;
        totals.push(totalMs);
        stages.push(times);
      }
      return { totals: quantiles(totals), stages: endTimes(stages) };
    });
  } finally {
    await straight.close();
  }
}

/** Median totals of two ways over a link, sample by sample in turns. */
async function runPair(link, serverPort, samples, runs) {
  return throughLab(link, serverPort, async (transport) => {
    const totals = runs.map(() => []);
    for (const [i, sample] of [...samples.slice(0, WARM_UP), ...samples].entries()) {
      for (const [way, run] of runs.entries()) {
        const { totalMs } = (await run(sample, transport)).times;
        if (i >= WARM_UP) totals[way].push(totalMs);
      }
    }
    return totals.map((list) => quantiles(list).p50);
  });
}

/** The ways with the stages of requests over plain loopback, all ways in turns. */
async function timeInTurns(ways, serverPort, samples, runners) {
  const straight = openTransport(serverPort);
  try {
    const stages = ways.map(() => []);
    for (const [i, sample] of [...samples.slice(0, WARM_UP), ...samples].entries()) {
      for (const [at, { id }] of ways.entries()) {
        const { times } = await runners.get(id)(sample, straight);
        if (i >= WARM_UP) stages[at].push(times);
      }
    }
    return ways.map((way, at) => ({ ...way, ...endTimes(stages[at]) }));
  } finally {
    await straight.close();
  }
}

/** Times on both ends; what has no stages is a network on the device. */
function endTimes(list) {
  const of = (sum) => quantiles(list.map(sum));
  return {
    deviceMs: of(({ headMs, encodeMs = 0, readMs = 0 }) => headMs + encodeMs + readMs),
    serverMs: of(({ decodeMs = 0, tailMs = 0, respondMs = 0 }) => decodeMs + tailMs + respondMs),
  };
}

/** A session that takes so many times as long. */
async function slowSession(file) {
  const session = await createWorkerSession(file);
  closing.push(() => session.close());
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    async run(feeds) {
      const start = performance.now();
      const result = await session.run(feeds);
      const end = start + DEVICE_SLOWDOWN * (performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, end - performance.now()));
      return result;
    },
    close: () => session.close(),
  };
}

async function deviceRunner(bundle) {
  const whole = await slowSession(bundle.partPath('whole'));
  return async ({ feeds }) => {
    const start = performance.now();
    await whole.run(feeds);
    const totalMs = performance.now() - start;
    return { times: { headMs: totalMs, totalMs } };
  };
}

function pictureRunner(bundle, backend) {
  return async ({ pixels }, transport) => {
    const client = createEdgeClient({ bundle, transport, backend });
    const { bytes, encodeMs } = await encodePicture(pixels, { codec: 'png' });
    const { times } = await client.sendPicture(bytes);
    return { times: { ...times, encodeMs, totalMs: times.totalMs + encodeMs } };
  };
}

async function splitRunner(bundle, backend) {
  const head = await slowSession(bundle.partPath('head'));
  const [{ id: coding }] = bundle.manifest.operatingPoints;
  return ({ feeds }, transport) =>
    createEdgeClient({ bundle, head, transport, backend }).infer(feeds, { coding });
}

function round(value) {
  return Number(value.toPrecision(4));
}
