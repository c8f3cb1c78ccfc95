import { createRandom, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { runGraph } from '../../test/run-graph.js';
import { gradient } from '../autodiff/gradient.js';
import { Graph } from '../graph/graph.js';
import { createLinearUnit } from '../units/linear-unit.js';
import { crossEntropy, distortionOf } from './distortion.js';
import { blend, straightThrough, withNoise } from './quantization.js';
import { absoluteSum, priorBits } from './rate.js';

const random = createRandom(5);
const normals = (count: number, spread = 1): Float32Array =>
  Float32Array.from({ length: count }, () => spread * random.nextNormal());
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

describe('rate', () => {
  const unit = createLinearUnit({ featureShape: [4, 5], latentChannels: 3 });
  const mean = Float32Array.of(0, 1, -2);
  const logScale = Float32Array.of(0, -0.5, 0.7);
  const latent = normals(2 * 4 * 3, 2);
  const feeds = {
    latent: tensor('float32', [2, 4, 3], latent),
    mean: tensor('float32', [3], mean),
    logScale: tensor('float32', [3], logScale),
  };
  const bitsOf = (y: Float32Array): number =>
    y.reduce((sum, value, i) => {
      const [m, s] = [mean[i % 3], Math.exp(logScale[i % 3])];
      return sum - Math.log2(logistic((value + 0.5 - m) / s) - logistic((value - 0.5 - m) / s));
    }, 0) / 2;

  async function graphBits(y: Float32Array): Promise<readonly number[]> {
    const g = new Graph();
    const value = g.input('latent', [2, 4, 3]);
    const parameters = new Map([
      ['prior.mean', g.input('mean', [3])],
      ['prior.logScale', g.input('logScale', [3])],
    ]);
    const bits = priorBits(g, value, unit, parameters);
    const [derivative] = gradient(g, bits, [value]);
    const [total, slopes] = await runGraph(g, [bits, derivative], {
      ...feeds,
      latent: tensor('float32', [2, 4, 3], y),
    });
    return [Number(total.data[0]), ...Array.from(slopes.data, Number)];
  }

  test('bits of the factorized prior are those of the formula in float64, per item', async () => {
    const [bits] = await graphBits(latent);
    expect(bits).toBeCloseTo(bitsOf(latent), 4);
  });

  test('their gradient is that of the formula', async () => {
    const [, ...slopes] = await graphBits(latent);
    const step = 1e-4;
    for (const [i, slope] of slopes.entries()) {
      const moved = (by: number): Float32Array =>
        Float64Array.from(latent, (value, j) => (j === i ? value + by : value)) as unknown as Float32Array;
      expect(slope).toBeCloseTo((bitsOf(moved(step)) - bitsOf(moved(-step))) / (2 * step), 4);
    }
  });

  test('an element far out costs many bits and stays finite', async () => {
    const far = latent.slice();
    far[0] = 1000;
    const [bits, ...slopes] = await graphBits(far);
    expect(bits).toBeGreaterThan(15);
    expect([bits, ...slopes].every(Number.isFinite)).toBe(true);
  });

  test('the absolute sum is per item', async () => {
    const g = new Graph();
    const [total] = await runGraph(g, [absoluteSum(g, g.input('latent', [2, 4, 3]))], {
      latent: feeds.latent,
    });
    expect(total.data[0]).toBeCloseTo(latent.reduce((sum, value) => sum + Math.abs(value), 0) / 2, 4);
  });
});

describe('distortion', () => {
  const a = normals(12);
  const b = normals(12);
  const feeds = { a: tensor('float32', [3, 4], a), b: tensor('float32', [3, 4], b) };
  const softmaxRow = (x: Float32Array, row: number): number[] => {
    const exps = Array.from(x.slice(4 * row, 4 * row + 4), Math.exp);
    const total = exps.reduce((sum, e) => sum + e, 0);
    return exps.map((e) => e / total);
  };

  test('squared error is the mean over all elements', async () => {
    const g = new Graph();
    const value = distortionOf(g, 'squared-error', g.input('a', [3, 4]), g.input('b', [3, 4]));
    const [result] = await runGraph(g, [value], feeds);
    expect(result.data[0]).toBeCloseTo(a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0) / 12, 5);
  });

  test('divergence is that of the target from the output, and 0 between equals', async () => {
    const g = new Graph();
    const [x, y] = [g.input('a', [3, 4]), g.input('b', [3, 4])];
    const values = [distortionOf(g, 'divergence', x, y), distortionOf(g, 'divergence', x, x)];
    const [apart, equal] = await runGraph(g, values, feeds);
    const expected = [0, 1, 2].map((row) => {
      const [p, q] = [softmaxRow(b, row), softmaxRow(a, row)];
      return p.reduce((sum, share, i) => sum + share * Math.log(share / q[i]), 0);
    });
    expect(apart.data[0]).toBeCloseTo(expected.reduce((sum, row) => sum + row) / 3, 5);
    expect(equal.data[0]).toBeCloseTo(0, 6);
  });

  test('cross-entropy of one-hot labels is the mean of -log of the right share', async () => {
    const g = new Graph();
    const labels = Float32Array.of(0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1);
    const value = crossEntropy(g, g.input('a', [3, 4]), g.input('b', [3, 4]));
    const [result] = await runGraph(g, [value], { ...feeds, b: tensor('float32', [3, 4], labels) });
    const right = [1, 0, 3].map((column, row) => -Math.log(softmaxRow(a, row)[column]));
    expect(result.data[0]).toBeCloseTo(right.reduce((sum, x) => sum + x) / 3, 5);
  });
});

test('quantization blends from noise to rounding, and its gradient is 1 throughout', async () => {
  const g = new Graph();
  const [y, noise, share] = [g.input('y', [3]), g.input('noise', [3]), g.input('share', [])];
  const seen = blend(g, withNoise(g, y, noise), straightThrough(g, y), share);
  const [total] = g.apply('ReduceSum', [seen, g.integers([0])], { keepdims: 0 }, [
    { dtype: 'float32', shape: [] },
  ]);
  const [slope] = gradient(g, total, [y]);
  const feeds = {
    y: tensor('float32', [3], Float32Array.of(1.25, -0.75, 3)),
    noise: tensor('float32', [3], Float32Array.of(0.25, -0.5, 0.125)),
  };
  const at = async (hardness: number) =>
    runGraph(g, [seen, slope], { ...feeds, share: tensor('float32', [], Float32Array.of(hardness)) });
  const [noisy, noisySlope] = await at(0);
  const [hard, hardSlope] = await at(1);
  expect([...noisy.data]).toEqual([1.5, -1.25, 3.125]);
  expect([...hard.data]).toEqual([1, -1, 3]);
  expect([...noisySlope.data, ...hardSlope.data]).toEqual([1, 1, 1, 1, 1, 1]);
});
