/**
 * How fast the codec is on this machine: whole frames, single stages, and byte coders of Node on the same indices, all
 * in one run and on one thread. Times are of the processor, not of the wall, so that neighbors on the machine matter
 * less; a rate is the median of several batches, with the slowest and the fastest beside it.
 */

import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateRawSync,
  inflateRawSync,
} from 'node:zlib';
import {
  type Backend,
  type CoderChoice,
  decodeFrame,
  designTable,
  encodeFrame,
  type FeatureGeometry,
  quantizeValue,
  uniformQuantizer,
} from '@featherwire/codec';
import { createRandom, type TensorOf } from '@featherwire/tensor';
import { bitsPerElement as elementRate } from '../metrics/rate-units.js';

/** What is measured. */
export interface CodecSpeedOptions {
  readonly backend: Backend;
  /** Shape of the feature, [C, H, W]; 512 × 28 × 28 by default. */
  readonly shape?: readonly [number, number, number];
  readonly levelCounts?: readonly number[];
  /** Processor time of one batch; 60 ms by default. */
  readonly batchMs?: number;
  /** Batches of a measurement, odd; 5 by default. */
  readonly batchCount?: number;
  /** Called after each row. */
  readonly onRow?: (row: SpeedRow) => void;
  readonly signal?: AbortSignal;
}

/** Millions of elements a second. */
export interface Rate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** One thing measured in both directions. */
export interface SpeedRow {
  readonly levelCount: number;
  readonly kind: 'frame' | 'stage' | 'peer';
  readonly name: string;
  readonly encode: Rate | null;
  readonly decode: Rate | null;
  /** Coded bits of an element, all bytes counted; null for what codes nothing. */
  readonly bitsPerElement: number | null;
}

/** Clip limit of the synthetic feature: nearly all of its elements lie below. */
const HIGH = 4;
const LANES = 32;

/** Measures every row; takes about a second a row. */
export function measureCodecSpeed(options: CodecSpeedOptions): SpeedRow[] {
  const { backend, shape = [512, 28, 28], levelCounts = [2, 4, 16, 256], onRow } = options;
  const feature = syntheticFeature(shape);
  const rows: SpeedRow[] = [];
  const add = (row: SpeedRow): void => {
    options.signal?.throwIfAborted();
    rows.push(row);
    onRow?.(row);
  };
  const copy = new Float32Array(feature.data.length);
  const rate = measureRate(() => copy.set(feature.data), feature.data.length, options);
  add({
    levelCount: 0,
    kind: 'peer',
    name: 'memcpy of float32',
    encode: rate,
    decode: rate,
    bitsPerElement: 32,
  });
  for (const levelCount of levelCounts) {
    for (const coder of ['rans', 'binary-fast', 'binary'] as const)
      add(frameRow(feature, levelCount, coder, backend, options));
    for (const row of stageRows(feature, levelCount, backend, options)) add(row);
    for (const row of peerRows(feature, levelCount, backend, options)) add(row);
  }
  return rows;
}

/**
 * A rectified feature with smooth maps: Gaussian noise averaged over 3 × 3, scaled and shifted by channel.
 * @returns float32 [C, H, W], the same for the same shape
 */
export function syntheticFeature([channels, height, width]: readonly [
  number,
  number,
  number,
]): TensorOf<'float32'> {
  const random = createRandom(1);
  const data = new Float32Array(channels * height * width);
  const noise = new Float32Array((height + 2) * (width + 2));
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < noise.length; i++) noise[i] = random.nextNormal();
    const scale = 0.3 + random.nextUniform();
    const shift = random.nextNormal() * 0.3 - 0.1;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let dy = 0; dy < 3; dy++) {
          for (let dx = 0; dx < 3; dx++) sum += noise[(y + dy) * (width + 2) + x + dx];
        }
        data[(channel * height + y) * width + x] = Math.max(0, (sum / 3) * scale + shift);
      }
    }
  }
  return { dtype: 'float32', shape: [1, channels, height, width], data };
}

function frameRow(
  feature: TensorOf<'float32'>,
  levelCount: number,
  coder: CoderChoice,
  backend: Backend,
  options: CodecSpeedOptions,
): SpeedRow {
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low: 0, high: HIGH } } as const;
  const encode = () => encodeFrame(feature, { quantizer, coder, layout: 'dense', backend });
  const frame = encode();
  const count = feature.data.length;
  return {
    ...{ levelCount, kind: 'frame', name: `frame, ${coder}`, bitsPerElement: (8 * frame.length) / count },
    encode: measureRate(encode, count, options),
    decode: measureRate(() => decodeFrame(frame, { backend }), count, options),
  };
}

function stageRows(
  feature: TensorOf<'float32'>,
  levelCount: number,
  backend: Backend,
  options: CodecSpeedOptions,
): SpeedRow[] {
  const quantizer = uniformQuantizer(levelCount, 0, HIGH);
  const indices = backend.quantize(feature.data, quantizer) as Uint8Array;
  const { table } = designTable(backend.countSymbols(indices, levelCount));
  const payload = backend.encodeRans(indices, table, LANES);
  const [, planes, rows, columns] = feature.shape;
  const geometry: FeatureGeometry = { planes, rows, columns };
  const alphabet = { levelCount, background: quantizeValue(0, quantizer) };
  const bins = backend.encodeBins(indices, geometry, alphabet);
  const count = indices.length;
  const rate = (work: () => unknown): Rate => measureRate(work, count, options);
  const row = (name: string, encode: Rate | null, decode: Rate | null, bytes: number | null): SpeedRow => ({
    ...{
      levelCount,
      kind: 'stage',
      name,
      encode,
      decode,
      bitsPerElement: bytes && elementRate(bytes, count),
    },
  });
  return [
    row(
      'quantize',
      rate(() => backend.quantize(feature.data, quantizer)),
      rate(() => backend.dequantize(indices, quantizer)),
      null,
    ),
    row(
      'count symbols',
      rate(() => backend.countSymbols(indices, levelCount)),
      null,
      null,
    ),
    row(
      `rANS, ${LANES} lanes`,
      rate(() => backend.encodeRans(indices, table, LANES)),
      rate(() => backend.decodeRans(payload, count, table)),
      payload.bytes.length,
    ),
    row(
      'binary',
      rate(() => backend.encodeBins(indices, geometry, alphabet)),
      rate(() => backend.decodeBins(bins, geometry, alphabet)),
      bins.length,
    ),
  ];
}

function peerRows(
  feature: TensorOf<'float32'>,
  levelCount: number,
  backend: Backend,
  options: CodecSpeedOptions,
): SpeedRow[] {
  const indices = backend.quantize(feature.data, uniformQuantizer(levelCount, 0, HIGH)) as Uint8Array;
  const brotli = (quality: number) => () =>
    brotliCompressSync(indices, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
  const peers: [string, () => Uint8Array, (bytes: Uint8Array) => unknown][] = [
    ['deflate, level 1', () => deflateRawSync(indices, { level: 1 }), (bytes) => inflateRawSync(bytes)],
    ['deflate, level 6', () => deflateRawSync(indices, { level: 6 }), (bytes) => inflateRawSync(bytes)],
    ['brotli, quality 1', brotli(1), (bytes) => brotliDecompressSync(bytes)],
    ['brotli, quality 5', brotli(5), (bytes) => brotliDecompressSync(bytes)],
  ];
  return peers.map(([name, encode, decode]) => {
    const bytes = encode();
    return {
      ...{ levelCount, kind: 'peer', name, bitsPerElement: elementRate(bytes.length, indices.length) },
      encode: measureRate(encode, indices.length, options),
      decode: measureRate(() => decode(bytes), indices.length, options),
    };
  });
}

/** Millions of elements a second of processor time, after a warm-up of one batch. */
function measureRate(work: () => unknown, elements: number, options: CodecSpeedOptions): Rate {
  const { batchMs = 60, batchCount = 5 } = options;
  const repeats = repeatsOfBatch(work, batchMs);
  const rates: number[] = [];
  for (let batch = 0; batch < batchCount; batch++) {
    const microseconds = processorTime(work, repeats);
    rates.push((elements * repeats) / microseconds);
  }
  rates.sort((a, b) => a - b);
  return { median: rates[rates.length >> 1], low: rates[0], high: rates[rates.length - 1] };
}

/** Calls that fill a batch; finding out is the warm-up. */
function repeatsOfBatch(work: () => unknown, batchMs: number): number {
  let repeats = 1;
  while (processorTime(work, repeats) < batchMs * 1000) repeats *= 2;
  return repeats;
}

function processorTime(work: () => unknown, repeats: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < repeats; i++) work();
  const { user, system } = process.cpuUsage(before);
  return Math.max(1, user + system);
}
