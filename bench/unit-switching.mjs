/**
 * What changing the rate from frame to frame costs: requests to a server in this process, at the points of a bundle that
 * have units, in rounds that alternate between staying at each point in turn and changing it with every request. Each round
 * has the same requests in another order, so that the difference of their times is the price of the change. Times are those
 * of the processor, of client, server and all their threads; wall times of unit and codec stand beside them.
 *
 * Usage: npm run build && node bench/unit-switching.mjs BUNDLE [--rounds 20] [--load 4] > results/unit-switching.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { readBundle } from '@featherwire/bundle/node';
import { loadBackend } from '@featherwire/codec';
import { createWorkerSession } from '@featherwire/inference/node';
import { createEdgeClient, createWebSocketTransport } from '@featherwire/runtime';
import { createTailServer, openReductions } from '@featherwire/runtime/node';
import { createRandom, elementCount, tensor } from '@featherwire/tensor';
import { WebSocket } from 'ws';

/** Requests at each point in a round. */
const REPEATS = 8;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '20' }, load: { type: 'string', default: '4' } },
});
const bundle = await readBundle(positionals[0]);
const { manifest } = bundle;
const points = manifest.operatingPoints.filter(({ unit }) => unit !== undefined);
const backend = await loadBackend();
const server = await createTailServer({ bundles: [bundle] });
const reductions = await openReductions(bundle, points);
const head = await createWorkerSession(bundle.partPath('head'));
const transport = createWebSocketTransport({ url: server.streamUrl, WebSocket });
const client = createEdgeClient({ bundle, reductions: reductions.sessions, transport, backend });
const features = (await head.run(Object.fromEntries(manifest.inputs.map((spec) => [spec.name, noise(spec)]))))
  .outputs;

const inTurn = points.flatMap(({ id }) => Array(REPEATS).fill(id));
const changing = Array.from({ length: REPEATS }, () => points.map(({ id }) => id)).flat();
const times = { staying: [], changing: [] };
let failed = 0;
await send(inTurn, 1); // every unit has run once
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [name, order] of round % 2 === 0 ? orders() : orders().reverse())
    times[name].push(await send(order, 1));
}
// Under load: several requests in flight, each at another point than the one before.
const loaded = await send(changing, Number(options.load));
const { bundles } = server.stats();
const processor = (name) => times[name].map(({ processorMs }) => processorMs);
const staying = processor('staying');
const differences = processor('changing').map((ms, round) => ms - staying[round]);
const network = manifest.head.bytes + manifest.tail.bytes;
const storage = (manifest.units ?? []).map(({ id, reduction, restoration }) => ({
  unit: id,
  shareOfNetwork: rounded((reduction.bytes + restoration.bytes) / network),
}));
const result = {
  command: 'node bench/unit-switching.mjs BUNDLE',
  machine: { processor: cpus()[0]?.model.trim(), node: process.version },
  network: manifest.model.name,
  points: points.length,
  rounds: Number(options.rounds),
  requestsPerRound: inTurn.length,
  stayingMs: spread(staying),
  changingMs: spread(processor('changing')),
  changeMs: spread(differences),
  codingWallMs: spread(times.changing.map(({ codingMs }) => codingMs)),
  underLoad: { inFlight: Number(options.load), codingWallMs: rounded(loaded.codingMs) },
  failedRequests: failed,
  workerRestarts: bundles[0].restarts,
  storage,
};
process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
await transport.close();
await head.close();
await reductions.close();
await server.close();

function orders() {
  return [
    ['staying', inTurn],
    ['changing', changing],
  ];
}

/** Sends requests, so many in flight. @returns mean milliseconds of a request: of the processor, and of unit and codec */
async function send(order, inFlight) {
  let sum = 0;
  const before = process.cpuUsage();
  for (let from = 0; from < order.length; from += inFlight) {
    const batch = order.slice(from, from + inFlight);
    const results = await Promise.allSettled(
      batch.map((coding) => client.inferFeature(features, { coding })),
    );
    for (const { status, value } of results) {
      if (status === 'rejected') failed++;
      else sum += value.times.encodeMs + value.times.decodeMs;
    }
  }
  const { user, system } = process.cpuUsage(before);
  return { processorMs: (user + system) / 1000 / order.length, codingMs: sum / order.length };
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => rounded(sorted[Math.round(share * (sorted.length - 1))]);
  return { median: at(0.5), p10: at(0.1), p90: at(0.9) };
}

function noise({ shape }) {
  const random = createRandom(1);
  const sizes = shape.map((size) => (typeof size === 'number' ? size : 1));
  return tensor(
    'float32',
    sizes,
    Float32Array.from({ length: elementCount(sizes) }, () => random.nextNormal()),
  );
}

function rounded(value) {
  return Number(value.toFixed(4));
}
