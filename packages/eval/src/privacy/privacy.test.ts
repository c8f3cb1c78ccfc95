import type { Pixels } from '@featherwire/bundle';
import { createRandom, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { addEquation, createNormalEquations, leastSquares } from '../least-squares.js';
import { fitInversion, type PicturedFeature } from './inversion.js';
import { peakSignalToNoise, structuralSimilarity } from './picture-quality.js';
import { measurePrivacy } from './privacy.js';

const SIDE = 16;

/** Smooth gray pictures: sums of a few waves. */
function drawPicture(seed: number): Pixels {
  const random = createRandom(seed);
  const waves = Array.from({ length: 4 }, () => [3, 3, 6.28].map((reach) => reach * random.nextUniform()));
  const data = Uint8ClampedArray.from({ length: SIDE * SIDE }, (_, i) => {
    const [x, y] = [(i % SIDE) / SIDE, Math.floor(i / SIDE) / SIDE];
    return waves.reduce((sum, [a, b, phase]) => sum + 30 * Math.sin(6.28 * (a * x + b * y) + phase), 128);
  });
  return { data, width: SIDE, height: SIDE, channels: 1 };
}

/** Four channels of half the sides, each a mix of the four pixels below a cell. */
function featureOf({ data }: Pixels): PicturedFeature['feature'] {
  const half = SIDE / 2;
  const values = new Float32Array(4 * half * half);
  for (let channel = 0; channel < 4; channel++)
    for (let cell = 0; cell < half * half; cell++) {
      const at = 2 * Math.floor(cell / half) * SIDE + 2 * (cell % half);
      const pixels = [data[at], data[at + 1], data[at + SIDE], data[at + SIDE + 1]];
      const mixed = pixels.reduce((sum, pixel, i) => sum + (i === channel ? 1 : 0.25) * pixel, 0);
      values[channel * half * half + cell] = mixed / 255;
    }
  return tensor('float32', [1, 4, half, half], values);
}

const samples = (seed: number, count: number): PicturedFeature[] =>
  Array.from({ length: count }, (_, i) => {
    const picture = drawPicture(1000 * seed + i);
    return { picture, feature: featureOf(picture) };
  });

describe('quality of pictures', () => {
  const picture = drawPicture(1);
  const shifted: Pixels = { ...picture, data: picture.data.map((value) => value + 10) };

  test('an error of 10 everywhere is 28.13 dB', () => {
    expect(peakSignalToNoise(picture, shifted)).toBeCloseTo(28.131, 3);
    expect(peakSignalToNoise(picture, picture)).toBe(Number.POSITIVE_INFINITY);
  });

  test('the similarity of equal pictures is 1, that of a flat one by the formula', () => {
    expect(structuralSimilarity(picture, picture)).toBeCloseTo(1, 12);
    const flat = (value: number): Pixels => ({ ...picture, data: new Uint8Array(SIDE * SIDE).fill(value) });
    const luminance = (2 * 100 * 120 + 6.5025) / (100 ** 2 + 120 ** 2 + 6.5025);
    expect(structuralSimilarity(flat(100), flat(120))).toBeCloseTo(luminance, 9);
  });

  test('pictures of other sizes and below the window are refused', () => {
    const small: Pixels = { data: new Uint8Array(100), width: 10, height: 10, channels: 1 };
    expect(() => peakSignalToNoise(picture, small)).toThrow(RangeError);
    expect(() => structuralSimilarity(small, small)).toThrow('sides from 11');
  });
});

test('least squares find the weights that made the targets', () => {
  const random = createRandom(3);
  const weights = [1, -2, 0.5, 3, 0, -1];
  const equations = createNormalEquations(3, 2);
  for (let i = 0; i < 200; i++) {
    const x = Float64Array.from({ length: 3 }, () => random.nextNormal());
    const y = Float64Array.from({ length: 2 }, (_, t) =>
      x.reduce((sum, v, k) => sum + v * weights[2 * k + t], 0),
    );
    addEquation(equations, x, y);
  }
  const found = leastSquares(equations);
  for (const [i, weight] of weights.entries()) expect(found[i]).toBeCloseTo(weight, 2);
  expect(() => leastSquares(createNormalEquations(2, 1))).toThrow(RangeError);
});

describe('inversion', () => {
  test('a feature that is a linear mix of pixels gives the picture away', () => {
    const inversion = fitInversion(samples(1, 60), { seed: 1 });
    for (const { feature, picture } of samples(2, 5))
      expect(peakSignalToNoise(picture, inversion.rebuild(feature))).toBeGreaterThan(35);
  });

  test('cells that do not divide the picture are refused', () => {
    const [sample] = samples(1, 1);
    const feature = tensor('float32', [1, 4, 5, 5], new Float32Array(100));
    expect(() => fitInversion([{ ...sample, feature }], { seed: 1 })).toThrow('divide 16 x 16');
  });
});

test('a feature that says nothing rebuilds the mean picture, a coarse one less than a fine one', async () => {
  const rounded = (step: number) => ({
    code: async ([features]: readonly (readonly PicturedFeature['feature'][])[]) => ({
      decoded: [
        features.map(({ shape, data }) =>
          tensor(
            'float32',
            shape,
            data.map((value) => step * Math.round(value / step)),
          ),
        ),
      ],
      ...{ bytes: features.map(() => 1), sharedBytes: 0, encodeMs: 0, decodeMs: 0 },
    }),
  });
  const { meanPicture, rows } = await measurePrivacy({
    methods: [
      { name: 'whole', coder: null },
      { name: 'coarse', coder: rounded(0.5) },
      { name: 'nothing', coder: rounded(1e6) },
    ],
    known: samples(1, 60),
    test: samples(2, 10),
    seed: 1,
  });
  const [whole, coarse, nothing] = rows.map(({ psnr }) => psnr.value);
  expect(whole).toBeGreaterThan(coarse + 3);
  expect(coarse).toBeGreaterThan(meanPicture.psnr.value + 3);
  expect(nothing).toBeCloseTo(meanPicture.psnr.value, 0);
});
