/**
 * The codec on a GPU: from a feature in a GPU buffer to the bytes of its frame in host memory at hand and back, time of the wall, with
 * the time of the kernels by time stamps beside it, under a table and, up to 16 levels, under contexts; then features of 64 MiB,
 * one call after the other and several under way. Every frame is first compared with that of the WebAssembly backend; beside its bytes stand those of the division that a CPU chooses.
 * On a software adapter times would say nothing and are left out.
 *
 * Usage: npm ci && npm run build && node bench/webgpu-speed.mjs [--rounds 100] [--levels 4,16,64,256] [--large-mib 64]
 *   [--in-flight 3] [--shapes 512x28x28,256x52x52] [--software] > results/webgpu-speed.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { designTensorProfile, encodeBundledFrame, loadBackend } from '@featherwire/codec';
import { indicesPerSymbol } from '@featherwire/codec/parts';
import { elementCount } from '@featherwire/tensor';
import { chooseContextDivision, chooseDivision, createGpuCodec } from '@featherwire/webgpu';
import { openNodeDevice } from '@featherwire/webgpu/node';
import { rectifiedMap } from './rectified-map.mjs';

const POINT = 1;
/** Up to here several indices are a symbol, and there are contexts. */
const MAX_PACKED_LEVELS = 16;
/** Channels, rows and columns of the large feature, which has as many items as it takes. */
const LARGE_ITEM = [256, 64, 64];
const WARM_UP_ROUNDS = 10;
const FEATURE_USAGE = 0x80 | 0x04 | 0x08; // STORAGE, COPY_SRC, COPY_DST
const SOFTWARE = /swiftshader|llvmpipe|software/i;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    levels: { type: 'string', default: '4,16,64,256' },
    shapes: { type: 'string', default: '512x28x28,256x52x52' },
    'large-mib': { type: 'string', default: '64' },
    'in-flight': { type: 'string', default: '3' },
    software: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const inFlight = Number(options['in-flight']);
const shapes = options.shapes.split(',').map((shape) => [1, ...shape.split('x').map(Number)]);
const largeMiB = Number(options['large-mib']);
if (largeMiB > 0)
  shapes.push([Math.ceil((largeMiB * 2 ** 20) / 4 / elementCount(LARGE_ITEM)), ...LARGE_ITEM]);

const { device, adapterInfo, close } = await openNodeDevice(options.software ? { software: 'fallback' } : {});
const { vendor, architecture, device: deviceName, description } = adapterInfo;
const adapter = { vendor, architecture, device: deviceName, description };
const isSoftware = SOFTWARE.test(Object.values(adapter).join(' '));
const backend = await loadBackend('wasm');
const kernelTimes = [];
const codec = createGpuCodec(device);
// Time stamps are taken in calls of their own, so that they are in no time of the wall.
const timed = device.features.has('timestamp-query')
  ? createGpuCodec(device, { onKernelTime: (_, nanoseconds) => kernelTimes.push(nanoseconds / 1e6) })
  : null;

const rows = [];
for (const shape of shapes) {
  const feature = { dtype: 'float32', shape, data: rectifiedMap(shape, 7) };
  for (const levelCount of options.levels.split(',').map(Number))
    for (const coder of levelCount <= MAX_PACKED_LEVELS ? ['rans-packed', 'rans-contexts'] : ['rans'])
      rows.push(...(await measure(feature, levelCount, coder)));
}
codec.close();
timed?.close();
close();
const machine = { adapter, processor: cpus()[0].model, node: process.version };
const settings = { rounds, inFlight };
const note = isSoftware ? 'a software adapter: frames are compared, times are left out' : undefined;
const command = ['node bench/webgpu-speed.mjs', ...process.argv.slice(2)].join(' ');
process.stdout.write(
  `${JSON.stringify({ command, machine, ...(note && { note }), settings, rows }, null, 1)}\n`,
);

/** A profile made from part of a feature (contexts from its first item, tables from some planes), and its division for a GPU. */
function profileOf(feature, levelCount, coder) {
  const { shape } = feature;
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low: 0, high: 2 } };
  const design = { quantizer, coder, backend };
  if (coder === 'rans-contexts') {
    const tensor = designTensorProfile([itemOf(feature)], { ...design, varyingAxes: [0] });
    return { profile: { tensors: [tensor] }, division: chooseContextDivision(shape, tensor.coder.model) };
  }
  const tensor = designTensorProfile([sampleOf(feature)], { ...design, varyingAxes: [0, 1] });
  const perSymbol = coder === 'rans' ? 1 : indicesPerSymbol(levelCount);
  return { profile: { tensors: [tensor] }, division: chooseDivision(shape, perSymbol) };
}

async function measure(feature, levelCount, coder) {
  const { shape, data } = feature;
  const { profile, division } = profileOf(feature, levelCount, coder);
  const profiles = new Map([[POINT, profile]]);
  const coding = { profile, point: POINT, sequenceNumber: 0, ...division };
  const buffer = device.createBuffer({ label: 'feature', size: data.byteLength, usage: FEATURE_USAGE });
  device.queue.writeBuffer(buffer, 0, data);
  const target = device.createBuffer({ label: 'target', size: data.byteLength, usage: FEATURE_USAGE });
  const input = { shape, buffer };
  const frame = await codec.encodeBundledFrame(input, coding);
  if (Buffer.compare(frame, encodeBundledFrame([feature], { ...coding, backend })) !== 0)
    throw new Error(
      `[${shape}], ${levelCount} levels, ${coder}: another frame than the WebAssembly backend's`,
    );
  await codec.decodeFrame(frame, { profiles, target });
  // Calls under way at the same time write the same bytes.
  const memory = new Uint8Array(frame.length);
  const calls = {
    encode: (by) => by.encodeBundledFrame(input, { ...coding, target: memory }),
    decode: (by) => by.decodeFrame(frame, { profiles, target }),
  };
  const undivided = { profile, point: POINT, sequenceNumber: 0, backend };
  const oneChunkBytes = encodeBundledFrame([feature], undivided).length;
  const sizes = { frameBytes: frame.length, oneChunkBytes };
  const common = { shape, elements: data.length, levelCount, coder, ...division, ...sizes };
  const measured = [];
  for (const [direction, call] of Object.entries(calls)) {
    const times = await timesOf(call, data.byteLength);
    measured.push({ ...common, direction, ...(!isSoftware && times) });
  }
  buffer.destroy();
  target.destroy();
  return measured;
}

async function timesOf(call, inputBytes) {
  const wall = [];
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const start = performance.now();
    await call(codec);
    if (round >= 0) wall.push(performance.now() - start);
  }
  kernelTimes.length = 0;
  if (timed) for (let round = 0; round < rounds; round++) await call(timed);
  const overlapping = await overlappingMs(call);
  const rate = (ms) => Number((inputBytes / ms / 1e6).toFixed(2));
  return {
    wallMs: quantiles(wall),
    kernelMs: timed ? quantiles(kernelTimes) : null,
    gigabytesPerSecond: rate(median(wall)),
    overlappingGigabytesPerSecond: rate(overlapping),
  };
}

/** Time for each call with several under way. */
async function overlappingMs(call) {
  const start = performance.now();
  let left = rounds;
  const worker = async () => {
    while (left-- > 0) await call(codec);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (performance.now() - start) / rounds;
}

/** One plane of 64 of a feature's first item, from which a profile is made: designing on all of a large one takes minutes. */
function sampleOf({ dtype, shape, data }) {
  const part = [1, Math.max(1, Math.floor(shape[1] / 64)), ...shape.slice(2)];
  return { dtype, shape: part, data: data.slice(0, elementCount(part)) };
}

/** The first item of a feature: a context model knows all channels. */
function itemOf({ dtype, shape, data }) {
  const part = [1, ...shape.slice(1)];
  return { dtype, shape: part, data: data.slice(0, elementCount(part)) };
}

function quantiles(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => Number(sorted[Math.floor((sorted.length - 1) * share)].toFixed(4));
  return { p10: at(0.1), median: at(0.5), p90: at(0.9) };
}

function median(times) {
  return quantiles(times).median;
}
