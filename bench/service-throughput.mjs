/**
 * The tail service beside the bare engine. In turns: the tail alone in a process, at several batch sizes and with as many
 * threads as there are cores; and `featherwire serve` under 32 clients, each with one request in flight. The clients run on the
 * same cores, so two ratios are given: of requests a second, and of what a request takes of the CPU, which leaves the clients
 * out. Then one client alone: what the service adds to the run of the tail.
 *
 * Usage: npm run build && node bench/service-throughput.mjs [--rounds 5] [--seconds 4] [--network mobilenetv2]
 *   [--workers 2] > results/service-throughput.json
 */
import { fork } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createLocalSession } from '@featherwire/inference/node';
import { createWebSocketTransport } from '@featherwire/runtime';
import { tensor } from '@featherwire/tensor';
import { WebSocket } from 'ws';
import {
  ask,
  cpuSeconds,
  makeBundle,
  makeFeatures,
  makeRequests,
  quantile,
  startServer,
} from './service/serving.mjs';

const CLIENTS = 32;
const BATCH_SIZES = [1, 2, 4, 8, 16, 32];
const LONE_REQUESTS = 200;

if (process.send) await runBare();
else await main();

async function main() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      clients: { type: 'string', default: String(CLIENTS) },
      network: { type: 'string' },
      workers: { type: 'string', default: '1' },
    },
  });
  const [rounds, seconds, clients, workers] = [
    values.rounds,
    values.seconds,
    values.clients,
    values.workers,
  ].map(Number);
  const threads = availableParallelism();
  const network = await makeBundle(values.network);
  const requests = await makeRequests(network, await makeFeatures(network, 8));
  const { name, cut } = { name: network.name, cut: network.bundle.manifest.cut[0] };

  const bare = fork(fileURLToPath(import.meta.url), [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const tell = (message) =>
    new Promise((resolve) => {
      bare.once('message', resolve);
      bare.send(message);
    });
  const tailShape = [1, ...cut.shape.slice(1)];
  await tell({ tail: network.bundle.partPath('tail'), input: cut.name, shape: tailShape, threads });
  const sizes = [];
  for (const size of BATCH_SIZES) sizes.push({ size, ...(await tell({ size, seconds: seconds / 2 })) });
  // By CPU time, which neighbors on the machine disturb least; all cores are busy at any size.
  const best = sizes.reduce((a, b) => (b.cpuMs < a.cpuMs ? b : a)).size;
  log(
    `bare, samples a second by batch: ${sizes.map((s) => `${s.size}: ${s.perSecond.toFixed(0)}`).join(', ')}`,
  );

  const server = await startServer(network.bundle, [
    ...['--workers', String(workers), '--threads', String(Math.max(1, Math.floor(threads / workers)))],
    ...['--max-batch', String(best)],
    ...['--max-requests-per-second', '1000000'],
  ]);
  const connections = Array.from({ length: clients }, () =>
    createWebSocketTransport({ url: server.streamUrl, WebSocket }),
  );
  await load(server, connections, requests, 1);
  const turns = [];
  for (let round = 0; round < rounds; round++) {
    const alone = await tell({ size: best, seconds });
    const served = await load(server, connections, requests, seconds);
    turns.push({ bare: alone, service: served });
    log(
      `round ${round + 1}: bare ${alone.perSecond.toFixed(0)}/s ${alone.cpuMs.toFixed(2)} ms of CPU, ` +
        `service ${served.perSecond.toFixed(0)}/s ${served.cpuMs.toFixed(2)} ms of CPU, clients ${served.clientCpuMs.toFixed(2)} ms`,
    );
  }
  const lone = await loneClient(connections[0], requests);
  for (const connection of connections) await connection.close();
  server.child.kill('SIGTERM');
  await server.exited;
  bare.kill();
  const median = (pick) => quantile(turns.map(pick), 0.5);
  const result = {
    ...{ network: name, cut: cut.name, cutShape: cut.shape, clients, threads, workers, bestBatch: best },
    bareByBatch: sizes,
    turns,
    throughputRatio: median(({ bare: b, service }) => service.perSecond / b.perSecond),
    cpuRatio: median(({ bare: b, service }) => b.cpuMs / service.cpuMs),
    meanRunSize: median(({ service }) => service.runSize),
    lone,
    machine: { cpu: cpus()[0].model, cores: threads, node: process.version, load: loadavg()[0] },
    command: `node bench/service-throughput.mjs ${process.argv.slice(2).join(' ')}`.trim(),
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  log(
    `service / bare: ${result.throughputRatio.toFixed(3)} of the requests a second, bare / service ` +
      `${result.cpuRatio.toFixed(3)} of the CPU of a request; alone, the service adds ${lone.addedP50Ms.toFixed(2)} ms (p50)`,
  );
}

/** Every connection asks as soon as it is answered. */
async function load(server, connections, requests, seconds) {
  const runs = await runCount(server);
  const [serverCpu, ownCpu, start] = [cpuSeconds(server.pid), process.cpuUsage(), performance.now()];
  const end = start + seconds * 1000;
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

/** The tail alone: told a model, then batch sizes and times. */
async function runBare() {
  let session;
  let model;
  process.on('message', async (message) => {
    if (message.tail) {
      model = message;
      session = await createLocalSession(model.tail, { intraOpThreads: model.threads });
      process.send('ready');
      return;
    }
    const shape = [message.size, ...model.shape.slice(1)];
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.5);
    const feeds = { [model.input]: tensor('float32', shape, data) };
    await session.run(feeds);
    const [cpu, start] = [process.cpuUsage(), performance.now()];
    let count = 0;
    while (performance.now() - start < 1000 * message.seconds) {
      await session.run(feeds);
      count += message.size;
    }
    const used = process.cpuUsage(cpu);
    const elapsed = (performance.now() - start) / 1000;
    process.send({ perSecond: count / elapsed, cpuMs: (used.user + used.system) / 1000 / count });
  });
}

function log(line) {
  process.stderr.write(`${line}\n`);
}
