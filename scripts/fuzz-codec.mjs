/**
 * Feeds the decoder with mutated, truncated and random frames of every mode, on both backends, until the time is up.
 * Each must end in a tensor or a `BitstreamError`, the same on both. A finding is written to a file and ends the run
 * with status 1. With the same seed the same frames come.
 *
 * Usage: npm run fuzz -- [--seconds 60] [--seed 1]
 */
import { writeFileSync } from 'node:fs';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import {
  BitstreamError,
  decodeTensors,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  encodeTensors,
  loadWasmBackend,
  readProfile,
  referenceBackend,
  writeProfile,
} from '@featherwire/codec';
import { bytesOfData, createRandom, float16FromFloat32 } from '@featherwire/tensor';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
/** Frames of a bundled form are under one of these; the profiles are mutated too. */
const PROFILE_COUNT = 6;
/** Bounds the time of one frame: a mutated shape may grow up to this. */
const LIMITS = { maxElements: 2 ** 16 };
const MUTATIONS_PER_FRAME = 200;

const random = createRandom(seed);
const backends = [referenceBackend, await loadWasmBackend()];
const end = Date.now() + seconds * 1000;
const outcomes = new Map();
let frames = 0;
const profiles = randomProfiles();
while (Date.now() < end) {
  const frame = randomFrame();
  for (let i = 0; i < MUTATIONS_PER_FRAME; i++) check(mutated(frame));
  for (const { profile } of profiles.values())
    checkProfile(mutated(writeProfile(profile), [0xf5, 0x46, 0x50, 1]));
}
const summary = [...outcomes].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count}`);
process.stdout.write(`fuzz: ${frames} frames in ${seconds} s, seed ${seed}: ${summary.join(', ')}\n`);

function check(frame) {
  frames++;
  const results = backends.map((backend) => {
    try {
      const known = new Map([...profiles].map(([point, { profile }]) => [point, profile]));
      const tensors = decodeTensors(frame, { backend, limits: LIMITS, profiles: known });
      const detail = tensors.map(({ dtype, shape }) => `${dtype} [${shape}]`).join(', ');
      return { name: 'tensors', detail, bytes: Buffer.concat(tensors.map(({ data }) => bytesOfData(data))) };
    } catch (error) {
      if (error instanceof BitstreamError)
        return { name: error.code, detail: error.message, bytes: Buffer.alloc(0) };
      return report(frame, `${backend.name}: ${error.stack}`);
    }
  });
  const [first, second] = results;
  const agree =
    first.name === second.name && first.detail === second.detail && first.bytes.equals(second.bytes);
  if (!agree)
    report(frame, `backends differ: ${first.name} ${first.detail}, ${second.name} ${second.detail}`);
  outcomes.set(first.name, (outcomes.get(first.name) ?? 0) + 1);
}

/** A profile that is read must be the same after it is written and read again; its bytes may have been longer. */
function checkProfile(bytes) {
  frames++;
  let name = 'profile';
  try {
    const profile = readProfile(bytes);
    const again = readProfile(writeProfile(profile));
    if (!isDeepStrictEqual(again, profile)) report(bytes, 'a profile changes when written again');
  } catch (error) {
    if (!(error instanceof BitstreamError)) report(bytes, error.stack);
    name = error.code;
  }
  outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
}

function report(frame, reason) {
  const file = `fuzz-finding-${seed}-${frames}.fwf`;
  writeFileSync(file, frame);
  process.stderr.write(`fuzz: ${reason}\nthe frame is in ${file}\n`);
  process.exit(1);
}

/** A frame of random tensors, quantizers, coders and layouts, in a random form. */
function randomFrame() {
  for (;;) {
    const backend = backends[1];
    const extras = { digest: random.nextInteger(3) === 0, chunkCount: 1 + random.nextInteger(3), backend };
    const features = Array.from({ length: 1 + random.nextInteger(3) }, randomFeature);
    try {
      switch (random.nextInteger(4)) {
        case 0:
          return encodeFrame(features[0], { ...randomCoding(features[0]), ...extras });
        case 1: {
          const tensors = features.map((feature) => ({ ...randomCoding(feature), feature }));
          return encodeTensors(tensors, extras);
        }
        case 2: {
          const point = random.nextInteger(PROFILE_COUNT);
          const { profile, samples } = profiles.get(point);
          return encodeBundledFrame(samples, { profile, point, sequenceNumber: frames, ...extras });
        }
        default:
          return encodeFrame(features[0], { ...randomCoding(features[0]), backend });
      }
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error; // settings that do not go together
    }
  }
}

/** Profiles by operating point, with tensors that fit them. */
function randomProfiles() {
  const found = new Map();
  while (found.size < PROFILE_COUNT) {
    const samples = Array.from({ length: 1 + random.nextInteger(2) }, randomFeature);
    try {
      const tensors = samples.map((sample) => {
        const varyingAxes = sample.shape.length > 1 ? [random.nextInteger(sample.shape.length)] : [];
        return designTensorProfile([sample], { ...randomCoding(sample), varyingAxes, backend: backends[1] });
      });
      const profile = { tensors };
      encodeBundledFrame(samples, { profile, point: 0, sequenceNumber: 0, backend: backends[1] });
      found.set(found.size, { profile: readProfile(writeProfile(profile)), samples });
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError || error instanceof BitstreamError))
        throw error;
    }
  }
  return found;
}

function randomFeature() {
  const shape = Array.from({ length: random.nextInteger(5) }, () => 1 + random.nextInteger(9));
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const scale = 10 ** (random.nextInteger(5) - 2);
  const rectified = random.nextInteger(2) === 0;
  const data = Float32Array.from({ length: count }, () => {
    const value = random.nextNormal() * scale;
    return rectified ? Math.max(0, value) : value;
  });
  // Runs and even maps, for what planes of bits make of them.
  const repeats = random.nextInteger(4);
  if (repeats === 0) for (let i = 1; i < count; i++) if (random.nextInteger(2)) data[i] = data[i - 1];
  if (repeats === 1) data.fill(data[0], 0, Math.floor(count / 2));
  switch (random.nextInteger(10)) {
    case 0:
      return { dtype: 'float16', shape, data: float16FromFloat32(data) };
    case 1:
      return { dtype: 'int8', shape, data: Int8Array.from(data, (value) => value * 10) };
    case 2:
      return { dtype: 'uint8', shape, data: Uint8Array.from(data, (value) => Math.abs(value) * 10) };
    case 3:
      return { dtype: 'float64', shape, data: Float64Array.from(data) };
    case 4:
      return { dtype: 'int32', shape, data: Int32Array.from(data, (value) => value * 1e5) };
    case 5:
      return { dtype: 'int64', shape, data: BigInt64Array.from(data, (value) => BigInt(Math.round(value))) };
    default:
      return { dtype: 'float32', shape, data };
  }
}

function randomCoding(feature) {
  const pick = (list) => list[random.nextInteger(list.length)];
  const range = pick([{ kind: 'minmax' }, { kind: 'fixed', low: -1, high: 2 }, { kind: 'model' }]);
  const levelCount = 2 + random.nextInteger(pick([3, 15, 255, 5_000]));
  const axis = random.nextInteger(Math.max(1, feature.shape.length));
  const groupCount = 1 + random.nextInteger(Math.max(1, feature.shape[axis] ?? 1));
  const quantizer = pick([
    { kind: 'none' },
    { kind: 'integer' },
    { kind: 'lossless' },
    { kind: 'uniform', levelCount, range },
    { kind: 'asymmetric', bits: 1 + random.nextInteger(16), range },
    { kind: 'levels', levels: [-1, 0.25, 3], thresholds: [-0.5, 1] },
    { kind: 'grouped', levelCount, axis, groupCount, range: { kind: 'minmax' } },
  ]);
  const coder = pick(['auto', 'rans', 'rans-contexts', 'rans-packed', 'binary']);
  const layout = pick(['auto', 'dense', 'csr', 'csr-separate', 'significance']);
  return pick([
    { quantizer, coder, layout },
    { quantizer, laneCount: 1 << random.nextInteger(6) },
    { quantizer, coder: 'rans-contexts', laneCount: 1 << random.nextInteger(7) },
    { quantizer, coder: 'rans-packed', laneCount: 1 << random.nextInteger(6) },
  ]);
}

/** The frame with some bytes changed, cut, repeated or dropped; most get a right checksum again. */
function mutated(frame, magic = [0xf5, 0x46, 0x57, 1]) {
  let bytes = frame.slice();
  for (let edits = random.nextInteger(4); edits > 0; edits--) {
    const at = random.nextInteger(bytes.length + 1);
    const kind = random.nextInteger(8);
    if (kind === 0) bytes = bytes.slice(0, at);
    else if (kind === 1)
      bytes = Uint8Array.of(...bytes.subarray(0, at), random.nextInteger(256), ...bytes.subarray(at));
    else if (kind === 2) bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1));
    else if (kind === 3 && at < bytes.length) bytes[at] ^= 1 << random.nextInteger(8);
    else if (at < bytes.length) bytes[at] = random.nextInteger(256);
    if (kind === 4) bytes.set(magic.slice(0, bytes.length));
  }
  if (random.nextInteger(8) > 0 && bytes.length > 8) {
    new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes.subarray(0, bytes.length - 4)), true);
  }
  return bytes;
}

/** CRC-32 as in zlib, bit by bit: an implementation of its own, so that it checks the codec's. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
