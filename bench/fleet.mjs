/**
 * A fleet over NATS: nats-server, a gateway and workers, each a process of its own, and clients over WebSockets.
 *
 * Throughput with 1, 2 and 4 workers of one thread and without a fleet, in turns; the clients run on the same cores, so that what
 * a request takes of the CPU is given too. Then workers are killed with SIGKILL and replaced under load: clients send each
 * request once, every answer is compared, and the gateway's count of answers with the clients'. Then nats-server is away for
 * three seconds. Ends with status 1 if a request was lost, wrong or answered twice, or the clients did not recover.
 *
 * Usage: npm run build && node bench/fleet.mjs [--rounds 3] [--seconds 5] [--kill-seconds 60] > results/fleet.json
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createWebSocketTransport } from '@featherwire/runtime';
import { WebSocket } from 'ws';
import {
  ask,
  cpuSeconds,
  isClose,
  makeBundle,
  makeFeatures,
  makeRequests,
  outputOf,
  quantile,
  startServer,
  startService,
} from './service/serving.mjs';

const CLIENTS = 16;
const WORKER_COUNTS = [0, 1, 2, 4];
const KILL_INTERVAL_MS = 5000;
const OUTAGE_MS = 3000;
const RECOVERY_LIMIT_MS = 10_000;
const NO_RATE_LIMIT = ['--max-requests-per-second', '1000000'];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    'kill-seconds': { type: 'string', default: '60' },
  },
});
const network = await makeBundle();
const requests = await makeRequests(network, await makeFeatures(network, 4));
const nats = await startNats();
const gateway = await startService(['gateway', '--nats', nats.url, ...NO_RATE_LIMIT]);

const loads = [];
for (let round = 0; round < Number(values.rounds); round++) {
  for (const count of round % 2 === 0 ? WORKER_COUNTS : WORKER_COUNTS.toReversed()) {
    loads.push(await measure(count));
    process.stderr.write(`${JSON.stringify(loads.at(-1))}\n`);
  }
}
const kills = await killWorkers();
process.stderr.write(`${JSON.stringify(kills)}\n`);
const outage = await interruptNats();
process.stderr.write(`${JSON.stringify(outage)}\n`);
gateway.child.kill('SIGTERM');
const gatewayStatus = await gateway.exited;
await nats.stop();

const isGood =
  kills.lost === 0 &&
  kills.wrong === 0 &&
  kills.gatewayAnswers === kills.answered &&
  outage.recoveryMs < RECOVERY_LIMIT_MS &&
  gatewayStatus === 0;
const [{ model }] = cpus();
process.stdout.write(
  `${JSON.stringify(
    {
      ...{ command: 'node bench/fleet.mjs', network: network.name, requestBytes: requests[0].length },
      machine: { cpu: model, cores: availableParallelism(), load: loadavg()[0] },
      ...{ node: process.version, clients: CLIENTS },
      throughput: WORKER_COUNTS.map(summarize),
      ...{ kills, outage, gatewayStatus, isGood },
    },
    null,
    2,
  )}\n`,
);
process.exitCode = isGood ? 0 : 1;

/** Requests a second through so many workers; 0: a tail server without a fleet. */
async function measure(count) {
  const workers =
    count === 0 ? [await startServer(network.bundle, NO_RATE_LIMIT)] : await startWorkers(count);
  const front = count === 0 ? workers[0] : gateway;
  const processes = count === 0 ? workers : [gateway, nats, ...workers];
  const cpuOf = () => processes.map(({ pid }) => cpuSeconds(pid)).reduce((a, b) => a + b);
  const seconds = Number(values.seconds);
  const roundTrips = [];
  await drive(front, 1000, () => undefined);
  const before = cpuOf();
  const errors = await drive(front, 1000 * seconds, ({ roundTripMs }) => roundTrips.push(roundTripMs));
  const cpuMs = (1000 * (cpuOf() - before)) / roundTrips.length;
  for (const { child } of workers) child.kill('SIGTERM');
  const statuses = await Promise.all(workers.map(({ exited }) => exited));
  if (statuses.some((status) => status !== 0)) throw new Error(`workers ended with ${statuses}`);
  const milliseconds = { p50: quantile(roundTrips, 0.5), p95: quantile(roundTrips, 0.95) };
  return {
    workers: count,
    perSecond: roundTrips.length / seconds,
    cpuMs,
    milliseconds,
    errors: errors.length,
  };
}

/** Medians of the rounds. */
function summarize(workers) {
  const rows = loads.filter((load) => load.workers === workers);
  const median = (of) => Number(quantile(rows.map(of), 0.5).toFixed(2));
  return {
    workers,
    requestsPerSecond: median(({ perSecond }) => perSecond),
    cpuMsPerRequest: median(({ cpuMs }) => cpuMs),
    roundTripP50Ms: median(({ milliseconds }) => milliseconds.p50),
    roundTripP95Ms: median(({ milliseconds }) => milliseconds.p95),
    errors: rows.reduce((sum, { errors }) => sum + errors, 0),
  };
}

/** Two workers under load, one of them killed and replaced at each interval. */
async function killWorkers() {
  const workers = await startWorkers(2);
  const answersBefore = await countAnswers();
  const expected = await Promise.all(requests.map((_, i) => askOnce(gateway, i)));
  const counts = { kills: 0, sent: expected.length, answered: expected.length, wrong: 0 };
  const roundTrips = [];
  let isOver = false;
  const killer = (async () => {
    const start = performance.now();
    const killCount = Math.floor((1000 * Number(values['kill-seconds'])) / KILL_INTERVAL_MS);
    while (counts.kills < killCount) {
      const index = counts.kills++ % workers.length;
      await delay(start + counts.kills * KILL_INTERVAL_MS - performance.now());
      workers[index].child.kill('SIGKILL');
      await workers[index].exited;
      [workers[index]] = await startWorkers(1);
    }
    isOver = true;
  })();
  const errors = await drive(
    gateway,
    () => isOver,
    ({ index, frames, roundTripMs }) => {
      counts.answered++;
      roundTrips.push(roundTripMs);
      if (!isClose(outputOf(network, frames), expected[index])) counts.wrong++;
    },
  );
  await killer;
  counts.sent = counts.answered + errors.length;
  const gatewayAnswers = (await countAnswers()) - answersBefore;
  for (const { child } of workers) child.kill('SIGTERM');
  await Promise.all(workers.map(({ exited }) => exited));
  const milliseconds = {
    p50: quantile(roundTrips, 0.5),
    p99: quantile(roundTrips, 0.99),
    max: Math.max(...roundTrips),
  };
  return { ...counts, lost: errors.length, errors: countBy(errors), gatewayAnswers, milliseconds };
}

/** nats-server is killed and started again while clients go on asking. */
async function interruptNats() {
  const workers = await startWorkers(2);
  let answered = 0;
  let startedAt = Number.POSITIVE_INFINITY;
  let recoveredAt = Number.POSITIVE_INFINITY;
  const load = drive(gateway, 2000 + OUTAGE_MS + RECOVERY_LIMIT_MS, () => {
    answered++;
    if (startedAt < recoveredAt && performance.now() > startedAt)
      recoveredAt = Math.min(recoveredAt, performance.now());
  });
  await delay(2000);
  await nats.stop();
  await delay(OUTAGE_MS);
  await nats.start();
  startedAt = performance.now();
  const errors = await load;
  for (const { child } of workers) child.kill('SIGTERM');
  await Promise.all(workers.map(({ exited }) => exited));
  return { answered, refused: countBy(errors), recoveryMs: Math.round(recoveredAt - startedAt) };
}

function startWorkers(count) {
  const args = ['--nats', nats.url, ...NO_RATE_LIMIT];
  return Promise.all(Array.from({ length: count }, () => startServer(network.bundle, args)));
}

/**
 * Clients that ask one request after another, each sent once; after an error they wait a moment.
 * @param until - milliseconds, or a function that says when it is over
 * @returns codes of errors
 */
async function drive(front, until, answered) {
  const end = performance.now() + until;
  const isOver = typeof until === 'function' ? until : () => performance.now() >= end;
  const errors = [];
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    const transport = createWebSocketTransport({ url: front.streamUrl, WebSocket });
    for (let turn = client; !isOver(); turn++) {
      const index = turn % requests.length;
      try {
        answered({ index, ...(await ask(transport, requests[index])) });
      } catch (error) {
        errors.push(error.code ?? error.name);
        await delay(100);
      }
    }
    await transport.close();
  });
  await Promise.all(clients);
  return errors;
}

async function askOnce(front, index) {
  const transport = createWebSocketTransport({ url: front.streamUrl, WebSocket });
  const answer = await ask(transport, requests[index]);
  await transport.close();
  return outputOf(network, answer.frames);
}

/** Answers that the gateway gave, by its own count. */
async function countAnswers() {
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  const [, count = '0'] = /^featherwire_requests_total\{[^}]*outcome="ok"[^}]*\} (\d+)$/m.exec(metrics) ?? [];
  return Number(count);
}

function countBy(codes) {
  return Object.fromEntries(
    [...new Set(codes)].map((code) => [code, codes.filter((other) => other === code).length]),
  );
}

function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function startNats() {
  const file = ['nats-server', '/usr/sbin/nats-server'].find((name) => {
    try {
      return execFileSync(name, ['--version']);
    } catch {
      return false;
    }
  });
  if (!file) throw new Error('nats-server is not installed');
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  let child;
  const server = {
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return child.pid;
    },
    async start() {
      child = spawn(file, ['-a', '127.0.0.1', '-p', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
      for await (const line of child.stderr) if (String(line).includes('Server is ready')) break;
    },
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
  await server.start();
  return server;
}
