/**
 * A long run of the tail service under load with faults injected: clients that break off, damaged requests, requests with
 * deadlines that cannot be kept, bundles exchanged (SIGHUP), metrics scraped. Every request of the well-behaved clients has to be
 * answered rightly, and the memory of the server has to stay flat: the mean of the last third no more than a tenth and 16 MiB
 * over that of the middle third. Ends with status 1 otherwise.
 *
 * Usage: npm run build && node bench/soak.mjs [--minutes 60] > results/soak.json
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { createWebSocketTransport, parseMessage, serializeMessage } from '@featherwire/runtime';
import { createHttpTransport } from '@featherwire/runtime/node';
import { createRandom } from '@featherwire/tensor';
import { WebSocket } from 'ws';
import {
  ask,
  isClose,
  makeBundle,
  makeFeatures,
  makeRequests,
  outputOf,
  quantile,
  residentBytes,
  startServer,
  withId,
} from './service/serving.mjs';

const CLIENTS = 6;
const PAUSE_MS = 10;
const SAMPLE_MS = 1000;
const FAULT_MS = 200;
const FLAT = { share: 0.1, bytes: 2 ** 24 };

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
const end = performance.now() + 60_000 * Number(values.minutes);
const network = await makeBundle();
const requests = await makeRequests(network, await makeFeatures(network, 4));
const server = await startServer(network.bundle, ['--workers', '1', '--max-batch', '4']);
const random = createRandom(3);
const counts = { answered: 0, lost: 0, wrong: 0, faults: 0, reloads: 0 };
const samples = [];

const expected = [];
const probe = createWebSocketTransport({ url: server.streamUrl, WebSocket });
for (const request of requests) expected.push(await answerOf(probe, request));
await Promise.all([
  ...Array.from({ length: CLIENTS }, (_, i) => client(i)),
  every(SAMPLE_MS, sample),
  every(FAULT_MS, fault),
]);
await probe.close();
server.child.kill('SIGTERM');
const status = await server.exited;

const third = Math.floor(samples.length / 3);
const mean = (part) => part.reduce((sum, { bytes }) => sum + bytes, 0) / part.length;
const middleBytes = mean(samples.slice(third, 2 * third));
const lastBytes = mean(samples.slice(2 * third));
const isFlat = lastBytes <= middleBytes * (1 + FLAT.share) + FLAT.bytes;
const heaps = samples.map(({ heapBytes }) => heapBytes);
const result = {
  ...{ minutes: Number(values.minutes), network: network.name, ...counts, status },
  memory: {
    middleBytes,
    lastBytes,
    isFlat,
    heapP10Bytes: [heaps.slice(third, 2 * third), heaps.slice(2 * third)].map((part) => quantile(part, 0.1)),
  },
  samples: samples.filter((_, i) => i % Math.ceil(samples.length / 200) === 0),
  machine: { cpu: cpus()[0].model, cores: availableParallelism(), node: process.version },
  command: `node bench/soak.mjs ${process.argv.slice(2).join(' ')}`.trim(),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
process.stderr.write(
  `${counts.answered} answered, ${counts.lost} lost, ${counts.wrong} wrong, ${counts.faults} faults, ${counts.reloads} reloads; ` +
    `${(middleBytes / 2 ** 20).toFixed(1)} MiB, then ${(lastBytes / 2 ** 20).toFixed(1)} MiB; ended with ${status}\n`,
);
process.exitCode = isFlat && counts.lost + counts.wrong === 0 && status === 0 ? 0 : 1;

/** The first output's frame: a tail gives the same bytes again, up to rounding where it is run in batches. */
async function answerOf(transport, request) {
  const { frames } = await ask(transport, request, { timeoutMs: 30_000 });
  return outputOf(network, frames);
}

async function client(i) {
  const transport =
    i % 2
      ? createHttpTransport({ url: server.url })
      : createWebSocketTransport({ url: server.streamUrl, WebSocket });
  for (let n = i; performance.now() < end; n++) {
    const k = n % requests.length;
    try {
      const values_ = await answerOf(transport, requests[k]);
      counts[isClose(values_, expected[k]) ? 'answered' : 'wrong']++;
    } catch (error) {
      counts.lost++;
      process.stderr.write(`lost: ${error.code} ${error.message}\n`);
    }
    await sleep(PAUSE_MS);
  }
  await transport.close();
}

async function sample() {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const heapBytes = Number(/^featherwire_nodejs_heap_size_used_bytes (\S+)$/m.exec(text)[1]);
  samples.push({
    seconds: Math.round(performance.now() / 1000),
    bytes: residentBytes(server.pid),
    heapBytes,
  });
}

async function fault() {
  counts.faults++;
  const transport = createWebSocketTransport({ url: server.streamUrl, WebSocket });
  const request = requests[random.nextInteger(requests.length)];
  try {
    switch (random.nextInteger(4)) {
      case 0: // breaks off
        void ask(transport, request).catch(() => undefined);
        await sleep(random.nextInteger(10));
        break;
      case 1: {
        // damaged
        const bytes = withId(request, transport.nextRequestId());
        bytes[24 + random.nextInteger(bytes.length - 24)] ^= 1 << random.nextInteger(8);
        await transport.exchange(bytes, { timeoutMs: 30_000 });
        break;
      }
      case 2: // late
        await ask(transport, serializeMessage({ ...parseMessage(request), deadlineMs: 0 })).catch(
          () => undefined,
        );
        break;
      default:
        server.child.kill('SIGHUP');
        counts.reloads++;
    }
  } catch (error) {
    process.stderr.write(`fault: ${error.code} ${error.message}\n`);
  }
  await transport.close();
}

async function every(ms, action) {
  while (performance.now() < end) {
    await sleep(ms);
    await action();
  }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
