/**
 * Speed of whole calls and of their stages on a rectified map of 512×28×28 float32 elements, beside a copy of the tensor and
 * beside zlib, brotli and, where Node has it, zstd on the same indices in fields of equal width (whose making is left out): in one process and on one
 * thread, rounds of everything in turns, times of the processor, medians of the ratios of each round.
 *
 * Usage: npm run build && node bench/codec-speed.mjs [--rounds 31] > results/codec-speed.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import * as compressors from 'node:zlib';
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateRawSync,
  inflateRawSync,
  constants as zlib,
} from 'node:zlib';
import {
  decodeFrame,
  decodeFrameInto,
  designTable,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  loadBackend,
} from '@featherwire/codec';
import { createRandom } from '@featherwire/tensor';

const SHAPE = [1, 512, 28, 28];
const LEVEL_COUNTS = [4, 8, 16];
const LANES = 32;
const TREE_LANES = 4;
const WARM_UP_CALLS = 40;
/** Processor time of a call is too short for the clock: as many of them as take this long are timed. */
const BATCH_MS = 8;

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '31' } } });
const rounds = Number(options.rounds);
const backend = await loadBackend('wasm');
const javascript = await loadBackend('javascript');
const data = rectifiedMap(createRandom(7));
const feature = { dtype: 'float32', shape: SHAPE, data };
const target = new Float32Array(data.length);

if (!compressors.zstdCompressSync)
  process.stderr.write(`skipped: zstd, which Node ${process.version} lacks\n`);
const rows = [];
for (const levelCount of LEVEL_COUNTS) rows.push(...measureLevels(levelCount));
const report = {
  command: 'node bench/codec-speed.mjs',
  machine: { processor: cpus()[0].model, node: process.version },
  settings: { rounds, shape: SHAPE },
  rows,
};
process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);

function measureLevels(levelCount) {
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low: 0, high: 2 } };
  const jobs = [{ name: 'copy of the tensor', run: () => target.set(data) }];
  for (const coder of ['rans', 'rans-packed', 'rans-contexts']) {
    const profile = { tensors: [designTensorProfile([feature], { quantizer, coder, backend })] };
    const profiles = new Map([[0, profile]]);
    const settings = { profile, point: 0, sequenceNumber: 1, backend };
    const frame = encodeBundledFrame([feature], settings);
    const bits = (8 * frame.length) / data.length;
    const name = `bundled frame, ${coder}`;
    jobs.push({ name: `${name}: encode`, bits, run: () => encodeBundledFrame([feature], settings) });
    jobs.push({ name: `${name}: decode`, run: () => decodeFrame(frame, { backend, profiles }) });
    const into = () => decodeFrameInto(frame, target, { backend, profiles });
    jobs.push({ name: `${name}: decode into memory at hand`, run: into });
  }
  const frames = ['rans', 'binary-fast'].map((coder) => {
    const own = { quantizer, coder, layout: 'dense', backend };
    const frame = encodeFrame(feature, own);
    const bits = (8 * frame.length) / data.length;
    const name = coder === 'rans' ? 'frame with its table' : `frame, ${coder}`;
    jobs.push({ name: `${name}: encode`, bits, run: () => encodeFrame(feature, own) });
    jobs.push({ name: `${name}: decode`, run: () => decodeFrame(frame, { backend }) });
    return frame;
  });
  jobs.push(...stages(quantizer, levelCount, frames[0]));
  return measured(jobs).map((row) => ({ levelCount, ...row }));
}

/** The stages of a frame with its table, and the peers. */
function stages(quantizer, levelCount, frame) {
  const { affine } = designTensorProfile([feature], { quantizer, backend }).quantizer;
  const indices = backend.quantize(data, affine);
  const counts = backend.countSymbols(indices, levelCount);
  const { table } = designTable(counts);
  const payload = backend.encodeRans(indices, table, LANES);
  const [, planes, rows, columns] = SHAPE;
  const geometry = { planes, rows, columns };
  const alphabet = { levelCount, background: affine.zeroPoint };
  const lanes = backend.encodeTrees(indices, geometry, alphabet, TREE_LANES);
  const fields = inFields(indices, Math.log2(levelCount));
  const deflated = deflateRawSync(fields, { level: 1 });
  const brotliOptions = { params: { [zlib.BROTLI_PARAM_QUALITY]: 1 } };
  const brotlied = brotliCompressSync(fields, brotliOptions);
  const bitsOf = ({ length }) => (8 * length) / data.length;
  return [
    { name: 'stage: range', run: () => backend.measureRange(data) },
    { name: 'stage: quantize', run: () => backend.quantize(data, affine) },
    { name: 'stage: count', run: () => backend.countSymbols(indices, levelCount) },
    { name: 'stage: table design', run: () => designTable(counts) },
    {
      name: 'stage: trees of bins encode',
      run: () => backend.encodeTrees(indices, geometry, alphabet, TREE_LANES),
    },
    { name: 'stage: trees of bins decode', run: () => backend.decodeTrees(lanes, geometry, alphabet) },
    {
      name: 'stage: rANS encode, JavaScript',
      run: () => javascript.encodeRans(indices, table, LANES),
    },
    {
      name: 'stage: rANS decode, JavaScript',
      run: () => javascript.decodeRans(payload, data.length, table),
    },
    { name: 'stage: rANS encode', run: () => backend.encodeRans(indices, table, LANES) },
    { name: 'stage: checksum', run: () => backend.crc32(frame) },
    { name: 'stage: rANS decode', run: () => backend.decodeRans(payload, data.length, table) },
    { name: 'stage: dequantize', run: () => backend.dequantize(indices, affine) },
    {
      name: 'zlib, level 1: encode',
      bits: bitsOf(deflated),
      run: () => deflateRawSync(fields, { level: 1 }),
    },
    { name: 'zlib, level 1: decode', run: () => inflateRawSync(deflated) },
    {
      name: 'brotli, quality 1: encode',
      bits: bitsOf(brotlied),
      run: () => brotliCompressSync(fields, brotliOptions),
    },
    { name: 'brotli, quality 1: decode', run: () => brotliDecompressSync(brotlied) },
    ...zstdJobs(fields, bitsOf),
  ];
}

/** zstd came to Node with 22.15. */
function zstdJobs(fields, bitsOf) {
  const { zstdCompressSync, zstdDecompressSync, constants } = compressors;
  if (!zstdCompressSync) return [];
  const settings = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
  const compressed = zstdCompressSync(fields, settings);
  return [
    {
      name: 'zstd, level 1: encode',
      bits: bitsOf(compressed),
      run: () => zstdCompressSync(fields, settings),
    },
    { name: 'zstd, level 1: decode', run: () => zstdDecompressSync(compressed) },
  ];
}

/** Times of all jobs, in turns. The first job is what ratios are to. */
function measured(jobs) {
  const timed = jobs.map((job) => {
    for (let call = 0; call < WARM_UP_CALLS; call++) job.run();
    const calls = Math.max(1, Math.round(BATCH_MS / timeOf(job.run, 5)));
    return { ...job, calls, times: [] };
  });
  for (let round = 0; round < rounds; round++) {
    for (const { run, calls, times } of timed) times.push(timeOf(run, calls));
  }
  const [copy] = timed;
  return timed.map(({ name, bits, times }) => ({
    name,
    bitsPerElement: bits ?? null,
    milliseconds: median(times),
    gigaElements: data.length / median(times) / 1e6,
    shareOfCopy: median(times.map((time, round) => copy.times[round] / time)),
  }));
}

/** Processor time of a call, in ms. */
function timeOf(run, calls) {
  const start = process.cpuUsage();
  for (let call = 0; call < calls; call++) run();
  const { user, system } = process.cpuUsage(start);
  return Math.max(user + system, 1) / 1000 / calls;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Indices in fields of `width` bits, 1, 2 or 4, or 3: what a general compressor is given. */
function inFields(indices, width) {
  const bytes = new Uint8Array(Math.ceil((indices.length * width) / 8));
  indices.forEach((index, i) => {
    const bit = i * width;
    bytes[bit >> 3] |= index << (bit & 7);
    if ((bit & 7) + width > 8) bytes[(bit >> 3) + 1] |= index >> (8 - (bit & 7));
  });
  return bytes;
}

/** Planes of a signal that neighbors share, less a threshold, rectified. */
function rectifiedMap(random) {
  const [, planes, rows, columns] = SHAPE;
  const values = new Float32Array(planes * rows * columns);
  const plane = new Float32Array(rows * columns);
  for (let p = 0; p < planes; p++) {
    const scale = 0.3 + random.nextUniform();
    for (let i = 0; i < plane.length; i++) {
      const left = i % columns > 0 ? plane[i - 1] : 0;
      const above = i >= columns ? plane[i - columns] : 0;
      plane[i] = 0.45 * (left + above) + random.nextNormal() / 2;
      values[p * plane.length + i] = Math.max(0, (plane[i] - 0.3) * scale);
    }
  }
  return values;
}
