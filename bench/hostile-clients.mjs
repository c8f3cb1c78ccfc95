/**
 * A well-behaved client beside hostile ones: its times while each attack goes on, and the memory of the server. The bound of
 * memory is stated beforehand: what the server takes after its first requests, two and a half times the bytes that it may hold
 * (they are copied once for a worker, and freed when the collector comes round), 32 KiB for each connection that it may have, and
 * 64 MiB for the engine's heap. Ends with status 1 if the bound is passed or a request of the well-behaved client fails.
 *
 * Each attack is measured in two placements, in turns with nothing beside. `shared`: attackers, server and client on all
 * processors, so that what the attackers' own processes take slows everybody down as well. `apart`: attackers on the last
 * processor, server and client on all others, so that what is left is what the server spends on the attack, as when attackers are
 * other machines; it wants two processors and `taskset`. With two processors all of the server has one then, which its workers
 * share: whoever has the other worker for itself takes half of the time.
 *
 * Usage: npm run build && node bench/hostile-clients.mjs [--seconds 10] [--rounds 2] [--only flood] > results/hostile-clients.json
 */
import { execFileSync, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWebSocketTransport } from '@featherwire/runtime';
import { WebSocket } from 'ws';
import {
  ask,
  cpuSeconds,
  makeBundle,
  makeFeatures,
  makeRequests,
  quantile,
  residentBytes,
  startServer,
} from './service/serving.mjs';

const ATTACKS = ['slow-loris', 'half-open', 'lengths', 'frames', 'flood'];
const BUFFERED_BYTES = 2 ** 25;
const CONNECTIONS = 2048;
const PER_CONNECTION_BYTES = 2 ** 15;
const HEAP_BYTES = 2 ** 26;
const PAUSE_MS = 20;
const WARM_UP_SECONDS = 5;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '2' },
    only: { type: 'string' },
  },
});
const [seconds, rounds] = [values.seconds, values.rounds].map(Number);
const processors = availableParallelism();
const network = await makeBundle();
const requests = await makeRequests(network, await makeFeatures(network, 4));
const requestFile = path.join(network.bundle.directory, '..', 'request.bin');
writeFileSync(requestFile, requests[0]);
const server = await startServer(network.bundle, [
  ...['--workers', '2', '--max-buffered-bytes', String(BUFFERED_BYTES)],
  ...['--max-connections', String(CONNECTIONS), '--receive-timeout-ms', '5000'],
]);
const transport = createWebSocketTransport({ url: server.streamUrl, WebSocket });
await wellBehaved(WARM_UP_SECONDS);
const baseBytes = residentBytes(server.pid);
const boundBytes = baseBytes + 2.5 * BUFFERED_BYTES + CONNECTIONS * PER_CONNECTION_BYTES + HEAP_BYTES;
const placements = placementsHere();
const attacks = [];
for (const name of values.only?.split(',') ?? ATTACKS) {
  const row = { name };
  for (const placement of placements) row[placement.name] = await besideAttack(name, placement);
  attacks.push(row);
}
await transport.close();
server.child.kill('SIGTERM');
await server.exited;
const measured = attacks.flatMap((row) => placements.map(({ name }) => row[name]));
const peakBytes = Math.max(...measured.map(({ beside }) => beside.peakBytes));
const result = {
  ...{ network: network.name, baseBytes, boundBytes, peakBytes, placements, attacks },
  machine: { cpu: cpus()[0].model, cores: processors, node: process.version, load: loadavg()[0] },
  command: `node bench/hostile-clients.mjs ${process.argv.slice(2).join(' ')}`.trim(),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
log(
  `memory: ${mebibytes(baseBytes)} at first, ${mebibytes(peakBytes)} at most, ${mebibytes(boundBytes)} stated`,
);
const failed = measured.some(({ alone, beside }) => alone.failed + beside.failed > 0);
process.exitCode = failed || peakBytes > boundBytes ? 1 : 0;

/** Where the two sides run: lists of processors as `taskset` takes them. */
function placementsHere() {
  const all = processors > 1 ? `0-${processors - 1}` : '0';
  const shared = { name: 'shared', service: all, attackers: all };
  if (processors === 1) {
    log('apart: left out, it takes two processors');
    return [shared];
  }
  try {
    place(process.pid, all);
  } catch (error) {
    log(`apart: left out, taskset does not work here: ${error.message.split('\n')[0]}`);
    return [shared];
  }
  const last = processors - 1;
  const others = last > 1 ? `0-${last - 1}` : '0';
  return [shared, { name: 'apart', service: others, attackers: String(last) }];
}

/** Keeps all threads of a process, and those to come, on some processors. */
function place(pid, list) {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', list, String(pid)], { stdio: 'pipe' });
}

/** Times without and with an attack, in turns. */
async function besideAttack(name, { name: placement, service, attackers }) {
  if (placements.length > 1) for (const pid of [process.pid, server.pid]) place(pid, service);
  const turns = { alone: [], beside: [] };
  for (let round = 0; round < rounds; round++) {
    turns.alone.push(await wellBehaved(seconds));
    const attacker = fork(
      fileURLToPath(new URL('service/attacks.mjs', import.meta.url)),
      [name, new URL(server.url).port, requestFile],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    );
    if (placements.length > 1) place(attacker.pid, attackers);
    await new Promise((resolve) => attacker.once('message', resolve));
    turns.beside.push(await wellBehaved(seconds));
    attacker.kill('SIGKILL');
  }
  const [alone, beside] = [turns.alone, turns.beside].map(summaryOf);
  const p95Ratio = beside.p95Ms / alone.p95Ms;
  log(
    `${name}, ${placement}: p95 ${alone.p95Ms.toFixed(1)} ms alone, ${beside.p95Ms.toFixed(1)} ms beside it ` +
      `(${p95Ratio.toFixed(2)}), ${beside.failed} of ${beside.count} failed, in the queue ` +
      `${beside.queueP95Ms.toFixed(1)} ms, the server takes ${beside.cpuShare.toFixed(2)} of a processor, ${mebibytes(beside.peakBytes)}`,
  );
  return { alone, beside, p95Ratio };
}

/** One request after another, with a pause in between as a camera has. */
async function wellBehaved(duration) {
  const start = performance.now();
  const cpuStart = cpuSeconds(server.pid);
  const times = [];
  const queueTimes = [];
  let failed = 0;
  let peakBytes = 0;
  for (let i = 0; performance.now() < start + 1000 * duration; i++) {
    try {
      const { roundTripMs, times: stages } = await ask(transport, requests[i % requests.length], {
        timeoutMs: 20_000,
      });
      times.push(roundTripMs);
      queueTimes.push(stages.queueMs);
    } catch (error) {
      failed++;
      log(`the well-behaved client: ${error.code} ${error.message}`);
    }
    peakBytes = Math.max(peakBytes, residentBytes(server.pid));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const elapsed = (performance.now() - start) / 1000;
  return { times, queueTimes, failed, peakBytes, cpuShare: (cpuSeconds(server.pid) - cpuStart) / elapsed };
}

/** Of all turns together. */
function summaryOf(turns) {
  const times = turns.flatMap((turn) => turn.times);
  const failed = turns.reduce((sum, turn) => sum + turn.failed, 0);
  return {
    ...{ count: times.length + failed, failed, peakBytes: Math.max(...turns.map((turn) => turn.peakBytes)) },
    ...{ p50Ms: quantile(times, 0.5), p95Ms: quantile(times, 0.95) },
    queueP95Ms: quantile(
      turns.flatMap((turn) => turn.queueTimes),
      0.95,
    ),
    cpuShare: turns.reduce((sum, turn) => sum + turn.cpuShare, 0) / turns.length,
  };
}

function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function log(line) {
  process.stderr.write(`${line}\n`);
}
