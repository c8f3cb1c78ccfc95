import { createRandom, float16FromFloat32, type Tensor, type TensorOf } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  BitstreamError,
  decodeFrame,
  designTensorProfile,
  encodeBundledFrame,
  loadWasmBackend,
  readProfile,
  referenceBackend,
  type SpectralSettings,
  type TensorProfile,
  writeProfile,
} from '../src/index.js';

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadWasmBackend()];
});

/** Waves of a level of their own in each channel, and noise. */
function waves(shape: number[], seed: number, isRectified: boolean): Tensor & { data: Float32Array } {
  const random = createRandom(seed);
  const [channels, rows, columns] = shape.slice(-3);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const data = Float32Array.from({ length: count }, (_, i) => {
    const channel = Math.floor(i / (rows * columns)) % channels;
    const wave = Math.sin(i / 7 + channel) + 0.2 * random.nextNormal() + channel / 4;
    return isRectified ? Math.max(0, wave) : wave - 1;
  });
  return { dtype: 'float32', shape, data };
}

function settings(blockSize: 1 | 2 | 4 | 8, channels: number, step: number): SpectralSettings {
  const frequencies = blockSize * blockSize;
  return {
    blockSize,
    levelCount: 255,
    weights: Array.from({ length: frequencies }, (_, f) => 16 + f),
    steps: Array.from({ length: channels }, (_, channel) => (step / 16) * (1 + channel / 8)),
    means: Array.from({ length: channels }, (_, channel) => channel / 4 - 0.5),
    kept: new Array<boolean>(frequencies * channels).fill(true),
  };
}

const profileOf = (samples: Tensor[], own: SpectralSettings, coder: 'rans' | 'rans-contexts' = 'rans') =>
  designTensorProfile(samples, { quantizer: { kind: 'spectral', ...own }, coder, backend: referenceBackend });

function send(feature: Tensor, tensor: TensorProfile, backend: Backend, lambda = 0): [Uint8Array, Tensor] {
  const profile = { tensors: [tensor] };
  const frame = encodeBundledFrame([feature], {
    profile,
    point: 0,
    sequenceNumber: 0,
    lambda,
    digest: true,
    backend,
  });
  return [frame, decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) })];
}

describe('chosen coefficients', () => {
  test.each([
    [[1, 6, 9, 11], 1, true],
    [[2, 5, 8, 8], 2, false],
    [[1, 4, 13, 6], 4, true],
    [[3, 3, 16, 9], 8, false],
    [[3, 8, 8], 8, true],
  ] as [number[], 1 | 2 | 4 | 8, boolean][])(
    'shape %j, blocks of %d, rectified %j: within the steps, bytes equal on all backends',
    (shape, blockSize, isRectified) => {
      const input = waves(shape, 1, isRectified);
      const tensor = readProfile(
        writeProfile({ tensors: [profileOf([input], settings(blockSize, shape.at(-3)!, 0.05))] }),
      ).tensors[0];
      const results = backends.map((backend) => send(input, tensor, backend));
      expect(results[0]).toEqual(results[1]);
      const output = results[0][1].data as Float32Array;
      const worst = input.data.reduce((most, value, i) => Math.max(most, Math.abs(value - output[i])), 0);
      // A coefficient is off by half a step of at most 0.05 · 2 · 80 / 16; a block of 8 adds up to 8 of that size.
      expect(worst).toBeLessThan(blockSize * 0.25);
      if (isRectified) expect(output.every((value) => value >= 0)).toBe(true);
    },
  );

  test('what is not kept comes back as the channel mean', () => {
    const shape = [1, 4, 8, 8];
    const input = waves(shape, 2, false);
    const own = settings(8, 4, 0.05);
    // Of channel 2 nothing, of the others all but the last frequency.
    const kept = own.kept.map((_, at) => at % 4 !== 2 && at < 63 * 4);
    const tensor = profileOf([input], { ...own, kept });
    const [, output] = send(input, tensor, referenceBackend);
    const channel = (output.data as Float32Array).subarray(2 * 64, 3 * 64);
    expect(new Set(channel)).toEqual(new Set([0]));
    expect(tensor.coder).not.toBeNull();
  });

  test('fewer coefficients take fewer bytes, and lambda takes fewer still', () => {
    const shape = [1, 16, 8, 8];
    const samples = Array.from({ length: 8 }, (_, i) => waves(shape, 10 + i, true));
    const own = { ...settings(8, 16, 0.4), levelCount: 15 };
    const few = own.kept.map((_, at) => Math.floor(at / 16) < 16);
    const [all, some] = [own.kept, few].map((kept) => profileOf(samples, { ...own, kept }, 'rans-contexts'));
    const size = (tensor: TensorProfile, lambda: number): number =>
      send(waves(shape, 99, true), tensor, referenceBackend, lambda)[0].length;
    expect(size(some, 0)).toBeLessThan(size(all, 0));
    expect(size(some, 0.3)).toBeLessThan(size(some, 0));
  });

  test('float16 features and chunks decode alike', () => {
    const input = waves([1, 4, 16, 16], 3, false);
    const half: Tensor = { dtype: 'float16', shape: input.shape, data: float16FromFloat32(input.data) };
    const profile = { tensors: [profileOf([half], settings(4, 4, 0.1))] };
    const options = { profile, point: 0, sequenceNumber: 0, backend: referenceBackend };
    const decode = (frame: Uint8Array): Tensor =>
      decodeFrame(frame, { backend: referenceBackend, profiles: new Map([[0, profile]]) });
    expect(decode(encodeBundledFrame([half], { ...options, chunkCount: 3 }))).toEqual(
      decode(encodeBundledFrame([half], options)),
    );
  });
});

describe('refusals', () => {
  const own = settings(2, 3, 0.1);
  test.each([
    ['blockSize', { blockSize: 3 }],
    ['levelCount', { levelCount: 16 }],
    ['weights', { weights: [1, 2, 3] }],
    ['weights', { weights: [0, 1, 1, 1] }],
    ['steps', { steps: [1, 1] }],
    ['steps', { steps: [1, 0, 1] }],
    ['means', { means: [0, Number.NaN, 0] }],
    ['kept', { kept: new Array(12).fill(false) }],
  ] as [string, object][])('%s out of range: %j', (name, change) => {
    const make = () => profileOf([waves([1, 3, 4, 4], 1, false)], { ...own, ...change } as SpectralSettings);
    expect(make).toThrow(RangeError);
    expect(make).toThrow(new RegExp(`^${name} expected`));
  });

  test('infinite elements, and tensors without channels', () => {
    const input = waves([1, 3, 4, 4], 1, false);
    const tensor = profileOf([input], own);
    const broken = { ...input, data: input.data.slice() } as TensorOf<'float32'>;
    broken.data[5] = Number.POSITIVE_INFINITY;
    expect(() => send(broken, tensor, referenceBackend)).toThrow(/finite/);
    const flat: Tensor = { dtype: 'float32', shape: [3, 4], data: new Float32Array(12) };
    expect(() => profileOf([flat], own)).toThrow(/at least 3 dimensions/);
  });

  test('every damaged byte of a profile ends in a BitstreamError', () => {
    const bytes = writeProfile({ tensors: [profileOf([waves([1, 3, 4, 4], 1, false)], own)] });
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] ^= 0x55;
      expect(() => readProfile(damaged), `byte ${at}`).toThrow(BitstreamError);
      expect(() => readProfile(bytes.subarray(0, at)), `${at} bytes`).toThrow(BitstreamError);
    }
  });

  test('blocks far larger than the planes count against the limit of elements', () => {
    const shape = [1, 64, 1, 1];
    const input = waves(shape, 4, false);
    const wide = { ...settings(8, 64, 0.1), kept: new Array(64 * 64).fill(false).fill(true, 0, 1) };
    const profile = { tensors: [profileOf([input], wide)] };
    const frame = encodeBundledFrame([input], {
      profile,
      point: 0,
      sequenceNumber: 0,
      backend: referenceBackend,
    });
    const profiles = new Map([[0, profile]]);
    const decode = (maxElements: number) => () =>
      decodeFrame(frame, { backend: referenceBackend, profiles, limits: { maxElements } });
    expect(decode(64 * 64)).not.toThrow();
    expect(decode(64 * 64 - 1)).toThrow(/coefficients are over/);
  });
});
