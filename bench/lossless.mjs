/**
 * Lossless coding of real float32 features, one row for each split tensor of the evaluation networks: whole frames by
 * rANS and by the binary coder, beside gzip (zlib, level 6), brotli (quality 5) and, where Node has it, zstd (level 3), of
 * the bytes as they are and of bytes shuffled into planes, each whole with its headers. Times are CPU times, medians of
 * rounds in which all coders take turns in one process; those of shuffled bytes are without the shuffling.
 *
 * Usage: npm run build && node bench/lossless.mjs [--images 3] > results/lossless.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import * as zlib from 'node:zlib';
import { decodeFrame, encodeFrame, loadBackend } from '@featherwire/codec';
import { bytesOfData } from '@featherwire/tensor';
import { mapSplitTensors } from './real-features.mjs';

const BROTLI_QUALITY = 5;
const GZIP_LEVEL = 6;
/** Rounds by the size of a tensor: about so many elements in all, within limits. */
const TIMED_ELEMENTS = 2_000_000;
const MIN_ROUNDS = 7;
const MAX_ROUNDS = 41;

const { values: options } = parseArgs({ options: { images: { type: 'string', default: '3' } } });
const images = Number(options.images);
const backend = await loadBackend();

/** Bytes to bytes and back. */
const general = {
  gzip: [(bytes) => zlib.gzipSync(bytes, { level: GZIP_LEVEL }), zlib.gunzipSync],
  brotli: [
    (bytes) =>
      zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    zlib.brotliDecompressSync,
  ],
  ...(zlib.zstdCompressSync && { zstd: [zlib.zstdCompressSync, zlib.zstdDecompressSync] }),
};
const rows = await mapSplitTensors(images, measureTensor);
const machine = { processor: cpus()[0]?.model.trim(), node: process.version, backend: backend.name };
const settings = { images, gzipLevel: GZIP_LEVEL, brotliQuality: BROTLI_QUALITY };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/lossless.mjs', machine, settings, rows }, null, 1)}\n`,
);

function measureTensor(network, tensor, features) {
  const bytes = {};
  for (const feature of features) {
    for (const [name, { encode, decode, expected }] of Object.entries(codersOf(feature))) {
      const coded = encode();
      if (Buffer.compare(decode(coded), expected) !== 0)
        throw new Error(`${name} of ${tensor} is not lossless`);
      bytes[name] = (bytes[name] ?? 0) + coded.length;
    }
  }
  const elements = features.reduce((sum, { data }) => sum + data.length, 0);
  const bits = Object.fromEntries(
    Object.entries(bytes).map(([name, total]) => [name, Number(((8 * total) / elements).toFixed(3))]),
  );
  const row = { network, tensor, shape: features[0].shape.slice(1), bits, ...timesOf(features[0]) };
  process.stderr.write(`${network} ${tensor}: ${JSON.stringify(row)}\n`);
  return [row];
}

/** Every coder on a feature, with what its decoder must give. */
function codersOf(feature) {
  const raw = Buffer.from(bytesOfData(feature.data));
  const shuffled = shuffle(raw, feature.data.BYTES_PER_ELEMENT);
  const quantizer = { kind: 'lossless' };
  const ours = (coder) => ({
    encode: () => encodeFrame(feature, { quantizer, coder, backend }),
    decode: (frame) => Buffer.from(bytesOfData(decodeFrame(frame, { backend }).data)),
    expected: raw,
  });
  const coders = { rans: ours('rans'), auto: ours('auto'), binary: ours('binary') };
  for (const [name, [encode, decode]] of Object.entries(general)) {
    coders[name] = { encode: () => encode(raw), decode, expected: raw };
    coders[`${name}Shuffled`] = { encode: () => encode(shuffled), decode, expected: shuffled };
  }
  return coders;
}

/** First all lowest bytes, then the next, as the shuffle filters of HDF5 and Blosc do. */
function shuffle(bytes, elementBytes) {
  const count = bytes.length / elementBytes;
  const shuffled = Buffer.alloc(bytes.length);
  for (let i = 0; i < bytes.length; i++)
    shuffled[(i % elementBytes) * count + Math.floor(i / elementBytes)] = bytes[i];
  return shuffled;
}

/** Median CPU milliseconds of each coder, both ways. */
function timesOf(feature) {
  const coders = Object.entries(codersOf(feature));
  const coded = new Map(coders.map(([name, { encode }]) => [name, encode()]));
  const samples = Object.fromEntries(coders.map(([name]) => [name, { encode: [], decode: [] }]));
  const rounds = Math.min(MAX_ROUNDS, Math.max(MIN_ROUNDS, Math.round(TIMED_ELEMENTS / feature.data.length)));
  for (let round = 0; round < rounds; round++) {
    for (const [name, { encode, decode }] of coders) {
      samples[name].encode.push(cpuMs(encode));
      samples[name].decode.push(cpuMs(() => decode(coded.get(name))));
    }
  }
  const median = (list) => Number(list.sort((a, b) => a - b)[list.length >> 1].toFixed(3));
  const medians = (way) => Object.fromEntries(coders.map(([name]) => [name, median(samples[name][way])]));
  return { rounds, encodeCpuMs: medians('encode'), decodeCpuMs: medians('decode') };
}

function cpuMs(run) {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
