/**
 * A well-behaved client beside hostile ones: its times while each attack goes on, and the memory of the server. The bound of
 * memory is stated beforehand: what the server takes after its first requests, two and a half times the bytes that it may hold
 * (they are copied once for a worker, and freed when the collector comes round), 32 KiB for each connection that it may have, and
 * 64 MiB for the engine's heap. What an attack takes of the processor slows everybody down; what the server itself makes the
 * client wait is the time in the queue. Ends with status 1 if the bound is passed or a request of the well-behaved client fails.
 *
 * Usage: npm run build && node bench/hostile-clients.mjs [--seconds 10] > results/hostile-clients.json
 */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWebSocketTransport } from '@featherwire/runtime';
import { WebSocket } from 'ws';
import {
  ask,
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

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, only: { type: 'string' } },
});
const seconds = Number(values.seconds);
const network = await makeBundle();
const requests = await makeRequests(network, await makeFeatures(network, 4));
const requestFile = path.join(network.bundle.directory, '..', 'request.bin');
writeFileSync(requestFile, requests[0]);
const server = await startServer(network.bundle, [
  ...['--workers', '2', '--max-buffered-bytes', String(BUFFERED_BYTES)],
  ...['--max-connections', String(CONNECTIONS), '--receive-timeout-ms', '5000'],
]);
const transport = createWebSocketTransport({ url: server.streamUrl, WebSocket });
await wellBehaved(2);
const baseBytes = residentBytes(server.pid);
const boundBytes = baseBytes + 2.5 * BUFFERED_BYTES + CONNECTIONS * PER_CONNECTION_BYTES + HEAP_BYTES;
const attacks = [];
for (const name of values.only?.split(',') ?? ATTACKS) {
  const alone = await wellBehaved(seconds);
  const attacker = fork(
    fileURLToPath(new URL('service/attacks.mjs', import.meta.url)),
    [name, new URL(server.url).port, requestFile],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  await new Promise((resolve) => attacker.once('message', resolve));
  const beside = await wellBehaved(seconds);
  attacker.kill('SIGKILL');
  attacks.push({ name, alone, beside, p95Ratio: beside.p95Ms / alone.p95Ms });
  log(
    `${name}: p95 ${alone.p95Ms.toFixed(1)} ms alone, ${beside.p95Ms.toFixed(1)} ms beside it ` +
      `(${(beside.p95Ms / alone.p95Ms).toFixed(2)}), ${beside.failed} of ${beside.count} failed, ` +
      `in the queue ${beside.queueP95Ms.toFixed(1)} ms, ${(beside.peakBytes / 2 ** 20).toFixed(0)} MiB`,
  );
}
await transport.close();
server.child.kill('SIGTERM');
await server.exited;
const peakBytes = Math.max(...attacks.map(({ beside }) => beside.peakBytes));
const result = {
  ...{ network: network.name, baseBytes, boundBytes, peakBytes, attacks },
  machine: { cpu: cpus()[0].model, cores: availableParallelism(), node: process.version, load: loadavg()[0] },
  command: `node bench/hostile-clients.mjs ${process.argv.slice(2).join(' ')}`.trim(),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
log(
  `memory: ${mebibytes(baseBytes)} at first, ${mebibytes(peakBytes)} at most, ${mebibytes(boundBytes)} stated`,
);
const failed = attacks.some(({ alone, beside }) => alone.failed + beside.failed > 0);
process.exitCode = failed || peakBytes > boundBytes ? 1 : 0;

/** One request after another, with a pause in between as a camera has. */
async function wellBehaved(duration) {
  const end = performance.now() + 1000 * duration;
  const times = [];
  const queueTimes = [];
  let failed = 0;
  let peak = 0;
  for (let i = 0; performance.now() < end; i++) {
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
    peak = Math.max(peak, residentBytes(server.pid));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return {
    ...{ count: times.length + failed, failed, peakBytes: peak },
    ...{ p50Ms: quantile(times, 0.5), p95Ms: quantile(times, 0.95) },
    queueP95Ms: quantile(queueTimes, 0.95),
  };
}

function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function log(line) {
  process.stderr.write(`${line}\n`);
}
