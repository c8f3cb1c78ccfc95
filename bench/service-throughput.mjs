/**
 * The tail service beside the bare engine, network by network. In turns: the tail alone, at the best of several batch sizes, in
 * one process with as many threads as there are cores or in as many processes of one thread; and `featherwire serve` under 32
 * clients, each with one request in flight. The clients run on the same cores, so two ratios are given: of requests a second, and
 * of what a request takes of the CPU, which leaves the clients out. What a request takes beside its tail is of the service and
 * depends little on the tail; nine times that is the tail from which on the ratio is 90 %. Then one client alone: what the service
 * adds to the run of the tail. Networks that are not there are named and left out.
 *
 * Usage: npm run build && node bench/service-throughput.mjs [--rounds 5] [--seconds 4] [--networks squeezenet,recognizer]
 *   [--workers 2] > results/service-throughput.json
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createWebSocketTransport } from '@featherwire/runtime';
import { WebSocket } from 'ws';
import { createBareTails } from './service/bare-tail.mjs';
import {
  ask,
  cpuSeconds,
  makeBundle,
  makeFeatures,
  makeRequests,
  quantile,
  serviceNetworks,
  startServer,
} from './service/serving.mjs';

const BATCH_SIZES = [1, 2, 4, 8, 16, 32];
const LONE_REQUESTS = 200;
/** The engine of JavaScript compiles what is used much: what that takes is of the first seconds, not of a request. */
const WARM_UP_SECONDS = 20;
/** That the service is to reach of the bare tail. */
const SHARE = 0.9;

const cores = availableParallelism();
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    clients: { type: 'string', default: '32' },
    networks: { type: 'string' },
    workers: { type: 'string', default: String(cores) },
  },
});
const [rounds, seconds, clients, workers] = [
  values.rounds,
  values.seconds,
  values.clients,
  values.workers,
].map(Number);
const threads = Math.max(1, Math.floor(cores / workers));

const networks = [];
for (const { name, isThere } of serviceNetworks()) {
  if (values.networks && !values.networks.split(',').includes(name)) continue;
  if (isThere) networks.push(await measure(name));
  else log(`${name}: left out, it is not among the evaluation networks here`);
}
const result = {
  ...{ clients, workers, threads, networks },
  machine: { cpu: cpus()[0].model, cores, node: process.version, load: loadavg()[0] },
  command: `node bench/service-throughput.mjs ${process.argv.slice(2).join(' ')}`.trim(),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);

async function measure(name) {
  const network = await makeBundle(name);
  const requests = await makeRequests(network, await makeFeatures(network, 8));
  const [cut] = network.bundle.manifest.cut;
  const { best, bareByBatch } = await bestBare(network, cut);
  const server = await startServer(network.bundle, [
    ...['--workers', String(workers), '--threads', String(threads)],
    ...['--max-requests-per-second', '1000000'],
  ]);
  const connections = Array.from({ length: clients }, () =>
    createWebSocketTransport({ url: server.streamUrl, WebSocket }),
  );
  await load(server, connections, requests, WARM_UP_SECONDS);
  const turns = [];
  for (let round = 0; round < rounds; round++) {
    const bare = await best.tails.run(best.size, seconds);
    const service = await load(server, connections, requests, seconds);
    turns.push({ bare, service });
    log(
      `${name}, round ${round + 1}: bare ${bare.perSecond.toFixed(0)}/s ${bare.cpuMs.toFixed(2)} ms of CPU, service ` +
        `${service.perSecond.toFixed(0)}/s ${service.cpuMs.toFixed(2)} ms, clients ${service.clientCpuMs.toFixed(2)} ms`,
    );
  }
  const lone = await loneClient(connections[0], requests);
  for (const connection of connections) await connection.close();
  server.child.kill('SIGTERM');
  await server.exited;
  best.tails.close();
  return summarize(name, { network, cut, requests, best, bareByBatch, turns, lone });
}

/** The composition and batch size that take least CPU, which neighbors on the machine disturb less than the time. */
async function bestBare({ bundle }, { name, shape }) {
  const sizes = typeof shape[0] === 'number' ? [1] : BATCH_SIZES;
  const bareByBatch = [];
  let best;
  for (const [processes, perProcess] of [
    [1, cores],
    [cores, 1],
  ].slice(0, cores)) {
    const settings = { tail: bundle.partPath('tail'), input: { name, shape } };
    const tails = await createBareTails({ ...settings, processes, threads: perProcess });
    for (const size of sizes) {
      const row = { processes, threads: perProcess, size, ...(await tails.run(size, seconds / 2)) };
      bareByBatch.push(row);
      if (best && best.cpuMs <= row.cpuMs) continue;
      if (best && best.tails !== tails) best.tails.close();
      best = { ...row, tails };
    }
    if (best.tails !== tails) tails.close();
  }
  return { best, bareByBatch };
}

function summarize(name, { network, cut, requests, best, bareByBatch, turns, lone }) {
  const median = (pick) => quantile(turns.map(pick), 0.5);
  const costMs = median(({ bare, service }) => service.cpuMs - bare.cpuMs);
  const row = {
    ...{ name, network: network.name, cut: cut.name, cutShape: cut.shape, requestBytes: requests[0].length },
    best: { processes: best.processes, threads: best.threads, size: best.size },
    ...{ bareByBatch, turns },
    tailCpuMs: median(({ bare }) => bare.cpuMs),
    serviceCpuMs: median(({ service }) => service.cpuMs),
    costMs,
    reachedFromMs: (costMs * SHARE) / (1 - SHARE),
    throughputRatio: median(({ bare, service }) => service.perSecond / bare.perSecond),
    cpuRatio: median(({ bare, service }) => bare.cpuMs / service.cpuMs),
    meanRunSize: median(({ service }) => service.runSize),
    lone,
  };
  log(
    `${name}: service / bare ${row.throughputRatio.toFixed(3)} of the requests a second, bare / service ` +
      `${row.cpuRatio.toFixed(3)} of the CPU of a request; the service takes ${costMs.toFixed(2)} ms beside the tail's ` +
      `${row.tailCpuMs.toFixed(2)}, 90 % from ${row.reachedFromMs.toFixed(1)}; alone, it adds ${lone.addedP50Ms.toFixed(2)} ms (p50)`,
  );
  return row;
}

/** Every connection asks as soon as it is answered. */
async function load(server, connections, requests, duration) {
  const runs = await runCount(server);
  const [serverCpu, ownCpu, start] = [cpuSeconds(server.pid), process.cpuUsage(), performance.now()];
  const end = start + duration * 1000;
  let count = 0;
  const loop = async (connection, i) => {
    for (let n = i; performance.now() < end; n++) {
      await ask(connection, requests[n % requests.length]);
      count++;
    }
  };
  await Promise.all(connections.map(loop));
  const elapsed = (performance.now() - start) / 1000;
  const own = process.cpuUsage(ownCpu);
  const after = await runCount(server);
  return {
    perSecond: count / elapsed,
    cpuMs: (1000 * (cpuSeconds(server.pid) - serverCpu)) / count,
    clientCpuMs: (own.user + own.system) / 1000 / count,
    runSize: (after.sum - runs.sum) / (after.count - runs.count),
  };
}

/** Sum and number of the sizes of runs that requests shared. */
async function runCount({ url }) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name) =>
    Number(new RegExp(`^featherwire_run_size_${name}\\{.*\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  return { sum: value('sum'), count: value('count') };
}

async function loneClient(connection, requests) {
  const added = [];
  const total = [];
  for (let i = 0; i < LONE_REQUESTS; i++) {
    const { times, roundTripMs } = await ask(connection, requests[i % requests.length]);
    added.push(roundTripMs - times.tailMs);
    total.push(roundTripMs);
  }
  return {
    addedP50Ms: quantile(added, 0.5),
    addedP95Ms: quantile(added, 0.95),
    totalP50Ms: quantile(total, 0.5),
  };
}

function log(line) {
  process.stderr.write(`${line}\n`);
}
