/**
 * Chunks on several threads against one thread: whole frames of rectified maps, time of the wall, calls of both in turns, also on
 * features and elements in memory that the threads share, against one thread and memory at hand. Of
 * each call the lowest decile counts, which other work on the machine changes least; on a machine that is busy all the time even
 * that says little, so that the load stands beside.
 *
 * Usage: npm run build && node bench/chunk-speed.mjs [--threads 2] [--rounds 60] > results/chunk-speed.json
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import {
  decodeFrame,
  decodeFrameInParallel,
  decodeFrameInto,
  designTensorProfile,
  encodeBundledFrame,
  encodeBundledFrameInParallel,
  encodeFrame,
  encodeFrameInParallel,
  loadBackend,
} from '@featherwire/codec';
import { createChunkPool } from '@featherwire/codec/node';
import { rectifiedMap } from './rectified-map.mjs';

const SHAPES = [
  [1, 512, 28, 28],
  [16, 512, 28, 28],
];
const LEVEL_COUNT = 4;
const CODERS = ['rans', 'binary-fast', 'binary'];
/** Elements beyond which the slowest coder is left out. */
const MAX_BINARY_ELEMENTS = 2 ** 20;
const WARM_UP_ROUNDS = 5;

const { values: options } = parseArgs({
  options: { threads: { type: 'string', default: '2' }, rounds: { type: 'string', default: '60' } },
});
const threads = Number(options.threads);
const rounds = Number(options.rounds);
const backend = await loadBackend('wasm');
const pool = await createChunkPool({ workerCount: threads - 1, backend: 'wasm' });
const loadBefore = loadavg()[0];
const rows = [];
for (const shape of SHAPES) {
  const feature = { dtype: 'float32', shape, data: rectifiedMap(shape, 7) };
  for (const coder of CODERS) {
    if (coder === 'binary' && feature.data.length > MAX_BINARY_ELEMENTS) continue;
    rows.push(...(await measure(feature, coder)));
  }
}
await pool.close();
const machine = { processor: cpus()[0].model, cores: cpus().length, node: process.version };
const load = { before: loadBefore, after: loadavg()[0] };
const settings = { threads, rounds, levelCount: LEVEL_COUNT };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/chunk-speed.mjs', machine, load, settings, rows }, null, 1)}\n`,
);

async function measure(feature, coder) {
  const quantizer = { kind: 'uniform', levelCount: LEVEL_COUNT, range: { kind: 'fixed', low: 0, high: 2 } };
  const settings = { quantizer, coder, layout: 'dense', chunkCount: threads, backend };
  const frame = encodeFrame(feature, settings);
  sameBytes(frame, await encodeFrameInParallel(feature, settings, pool), coder);
  const common = inSharedMemory(feature);
  const into = new Float32Array(feature.data.length);
  const sharedInto = new Float32Array(new SharedArrayBuffer(into.byteLength));
  const calls = {
    encode: [() => encodeFrame(feature, settings), () => encodeFrameInParallel(feature, settings, pool)],
    decode: [() => decodeFrame(frame, { backend }), () => decodeFrameInParallel(frame, { backend }, pool)],
    'decode, shared memory': [
      () => decodeFrameInto(frame, into, { backend }),
      () => decodeFrameInParallel(frame, { backend }, pool, sharedInto),
    ],
  };
  if (coder === 'rans') {
    const profile = { tensors: [designTensorProfile([feature], { quantizer, coder, backend })] };
    const bundled = { profile, point: 0, sequenceNumber: 1, chunkCount: threads, backend };
    const alone = () => encodeBundledFrame([feature], bundled);
    const together = () => encodeBundledFrameInParallel([common], bundled, pool);
    sameBytes(alone(), await together(), coder);
    calls['encode by a profile, shared memory'] = [alone, together];
  }
  const rowsOfCoder = [];
  for (const [direction, [alone, together]] of Object.entries(calls)) {
    const times = { alone: [], together: [] };
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
      const pair = { alone: await timeOf(alone), together: await timeOf(together) };
      if (round < 0) continue;
      times.alone.push(pair.alone);
      times.together.push(pair.together);
    }
    const [one, several] = [lowestDecile(times.alone), lowestDecile(times.together)];
    rowsOfCoder.push({
      elements: feature.data.length,
      coder,
      direction,
      oneThreadMs: Number(one.toFixed(3)),
      threadsMs: Number(several.toFixed(3)),
      speedup: Number((one / several).toFixed(2)),
    });
  }
  return rowsOfCoder;
}

function sameBytes(one, other, coder) {
  if (Buffer.compare(one, other) !== 0) throw new Error(`${coder}: frames differ`);
}

function inSharedMemory({ dtype, shape, data }) {
  const common = new Float32Array(new SharedArrayBuffer(data.byteLength));
  common.set(data);
  return { dtype, shape, data: common };
}

async function timeOf(call) {
  const start = performance.now();
  await call();
  return performance.now() - start;
}

function lowestDecile(times) {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 10)];
}
