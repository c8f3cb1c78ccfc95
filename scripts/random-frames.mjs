/**
 * Frames of random tensors in every mode, the same for the same random numbers: for fuzzing and for comparing
 * implementations. Runs in Node and in browsers.
 */
import {
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  encodeTensors,
  readProfile,
  writeProfile,
} from '@featherwire/codec';
import { float16FromFloat32 } from '@featherwire/tensor';

/** Frames of a bundled form are under one of so many profiles. */
const PROFILE_COUNT = 6;

/**
 * A frame of random tensors, quantizers, coders and layouts, in a random form.
 * @param profiles - of `randomProfiles`
 */
export function randomFrame(random, backend, profiles) {
  for (;;) {
    const extras = { digest: random.nextInteger(3) === 0, chunkCount: 1 + random.nextInteger(3), backend };
    const features = Array.from({ length: 1 + random.nextInteger(3) }, () => randomFeature(random));
    try {
      switch (random.nextInteger(4)) {
        case 0:
          return encodeFrame(features[0], { ...randomCoding(random, features[0]), ...extras });
        case 1: {
          const tensors = features.map((feature) => ({ ...randomCoding(random, feature), feature }));
          return encodeTensors(tensors, extras);
        }
        case 2: {
          const point = random.nextInteger(PROFILE_COUNT);
          const { profile, samples } = profiles.get(point);
          // Reversed, channels are not of the classes that a model has for them.
          const isReversed = random.nextInteger(2) === 0;
          const inputs = isReversed ? samples.map(reversed) : samples;
          return encodeBundledFrame(inputs, {
            profile,
            point,
            sequenceNumber: random.nextInteger(1000),
            ...extras,
          });
        }
        default:
          return encodeFrame(features[0], { ...randomCoding(random, features[0]), backend });
      }
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error; // settings that do not go together
    }
  }
}

/** Profiles by operating point, with tensors that fit them. */
export function randomProfiles(random, backend) {
  const found = new Map();
  while (found.size < PROFILE_COUNT) {
    const samples = Array.from({ length: 1 + random.nextInteger(2) }, () => randomFeature(random));
    try {
      const tensors = samples.map((sample) => {
        const varyingAxes = sample.shape.length > 1 ? [random.nextInteger(sample.shape.length)] : [];
        const contextPreference = ['speed', 'size', 'least'][random.nextInteger(3)];
        const coding = { ...randomCoding(random, sample), contextPreference };
        return designTensorProfile([sample], { ...coding, varyingAxes, backend });
      });
      const profile = { tensors, ...(found.size % 2 && { shortFrames: true }) };
      encodeBundledFrame(samples, { profile, point: 0, sequenceNumber: 0, backend });
      found.set(found.size, { profile: readProfile(writeProfile(profile)), samples });
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    }
  }
  return found;
}

function reversed(tensor) {
  return { ...tensor, data: tensor.data.slice().reverse() };
}

function randomFeature(random) {
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

function randomCoding(random, feature) {
  const pick = (list) => list[random.nextInteger(list.length)];
  const range = pick([{ kind: 'minmax' }, { kind: 'fixed', low: -1, high: 2 }, { kind: 'model' }]);
  const levelCount = 2 + random.nextInteger(pick([3, 15, 255, 5_000]));
  const axis = random.nextInteger(Math.max(1, feature.shape.length));
  const groupCount = 1 + random.nextInteger(Math.max(1, feature.shape[axis] ?? 1));
  const channels = feature.shape.at(-3) ?? 1;
  const componentCount = 1 + random.nextInteger(channels);
  const weights = Int16Array.from(
    { length: componentCount * channels },
    () => random.nextInteger(20_001) - 10_000,
  );
  const quantizer = pick([
    { kind: 'none' },
    { kind: 'integer' },
    { kind: 'lossless' },
    { kind: 'uniform', levelCount, range },
    { kind: 'asymmetric', bits: 1 + random.nextInteger(16), range },
    { kind: 'levels', levels: [-1, 0.25, 3], thresholds: [-0.5, 1] },
    { kind: 'blocks', blockSize: pick([1, 2, 4, 8]), step: 10 ** (random.nextInteger(4) - 2) },
    { kind: 'blocks', blockSize: 4, step: 0.1, basis: { channelCount: channels, componentCount, weights } },
    { kind: 'grouped', levelCount, axis, groupCount, range: { kind: 'minmax' } },
  ]);
  const coder = pick(['auto', 'rans', 'rans-contexts', 'rans-packed', 'binary', 'binary-fast']);
  const layout = pick(['auto', 'dense', 'csr', 'csr-separate', 'significance']);
  return pick([
    { quantizer, coder, layout },
    { quantizer, laneCount: 1 << random.nextInteger(6) },
    { quantizer, coder: 'rans-contexts', laneCount: 1 << random.nextInteger(7) },
    { quantizer, coder: 'rans-packed', laneCount: 1 << random.nextInteger(6) },
    { quantizer, coder: 'binary-fast', laneCount: 1 << random.nextInteger(3) },
  ]);
}
