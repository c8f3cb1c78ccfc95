/**
 * Speed of whole calls and of their stages on a rectified map of 512×28×28 float32 elements, beside a copy of the tensor and
 * beside zlib, brotli and, where Node has it, zstd on the same indices in fields of equal width (whose making is left out): in one process and on one
 * thread, rounds of everything in turns, times of the processor, the lower quartile of each over the rounds.
 *
 * Usage: npm run build && node bench/codec-speed.mjs [--rounds 61] > results/codec-speed.json
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
import { decodeFrame, designTable, designTensorProfile, encodeFrame, loadBackend } from '@featherwire/codec';
import { frameCalls } from './frame-calls.mjs';
import { rectifiedMap } from './rectified-map.mjs';
import { timesInTurns } from './turns.mjs';

const SHAPE = [1, 512, 28, 28];
const LEVEL_COUNTS = [4, 8, 16];
const LANES = 32;
const TREE_LANES = 4;

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '61' } } });
const rounds = Number(options.rounds);
const backend = await loadBackend('wasm');
const javascript = await loadBackend('javascript');
const data = rectifiedMap(SHAPE, 7);
const feature = { dtype: 'float32', shape: SHAPE, data };

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
  const jobs = frameCalls(feature, quantizer, backend);
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
  return timesInTurns(jobs, rounds, processorClock, data.length).map((row) => ({ levelCount, ...row }));
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

/** Processor time of the process, in ms. */
function processorClock() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
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
