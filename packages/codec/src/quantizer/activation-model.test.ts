import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import {
  type ActivationModel,
  bestHighOfModel,
  bestLimitsOfModel,
  clipFactor,
  clipLimitFromPositiveMean,
  distributionOfModel,
  fitActivationModel,
  momentsOfModel,
} from './activation-model.js';
import { cellMoments, supportOf } from './distribution.js';
import { type UniformLevels, uniformError, uniformRate, uniformThresholds } from './uniform-error.js';

/** papers.md 2.4: ResNet-50 after layer 21, with its sample, and YOLOv3 after layer 12. */
const RESNET: ActivationModel = { location: -1.4350621, rate: 0.7716595, skew: 0.5, slope: 0.1 };
const RESNET_SAMPLE = { mean: 1.1235656, variance: 4.9280124 };
const YOLO_SAMPLE = { mean: 0.4484323, variance: 0.5742644 };
const YOLO = fit(YOLO_SAMPLE);

function fit(sample: { mean: number; variance: number }): ActivationModel {
  const model = fitActivationModel(sample, { slope: 0.1 });
  if (!model) throw new Error('no model');
  return model;
}

function expectNear(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected), `${actual} for ${expected}`).toBeLessThanOrEqual(tolerance);
}

function totalError(model: ActivationModel, levels: UniformLevels): number {
  const { quantError, clipError } = uniformError(distributionOfModel(model), levels);
  return quantError + clipError;
}

describe('moments and fit (papers.md 2.4)', () => {
  test('the parameters of ResNet-50 give mean 1.12356558 and variance 4.92801224', () => {
    const { mean, variance } = momentsOfModel(RESNET);
    expectNear(mean, 1.12356558, 5e-9);
    expectNear(variance, 4.92801224, 5e-9);
  });

  test('the sample of ResNet-50 gives its parameters', () => {
    const { location, rate } = fit(RESNET_SAMPLE);
    expectNear(location, -1.4350621, 1e-7);
    expectNear(rate, 0.7716595, 1e-7);
  });

  test('the sample of YOLOv3 gives rate 2.38995 and location -0.30888', () => {
    expectNear(YOLO.rate, 2.38995, 5e-6);
    expectNear(YOLO.location, -0.30888, 5e-6);
  });

  test('the closed forms of 2.4.2 agree with the pieces', () => {
    for (const [m, rate, skew, slope] of [
      [-1.4, 0.77, 0.5, 0.1],
      [-0.01, 3, 0.8, 0],
      [-20, 0.4, 0.5, 0.2],
    ]) {
      const [beta, alpha, d] = [rate * skew, rate / skew, -m];
      const b = rate / (skew + 1 / skew);
      const a = b * Math.exp(beta * m);
      const e = 1 - Math.exp(-beta * d);
      const mean = a / beta ** 2 + slope * b * (e / beta ** 2 - d / beta - d / alpha - 1 / alpha ** 2);
      const square =
        (2 * a) / beta ** 3 +
        slope ** 2 *
          b *
          (d ** 2 / beta -
            (2 * d) / beta ** 2 +
            (2 * e) / beta ** 3 +
            d ** 2 / alpha +
            (2 * d) / alpha ** 2 +
            2 / alpha ** 3);
      const moments = momentsOfModel({ location: m, rate, skew, slope });
      expectNear(moments.mean, mean, 1e-9 * Math.abs(mean));
      expectNear(moments.variance, square - mean ** 2, 1e-9 * square);
    }
  });

  test('a fit inverts the moments, with the mode on either side of 0', () => {
    for (const slope of [0, 0.01, 0.1, 0.5]) {
      for (const location of [-9, -2, -0.1, 0, 0.3, 4, 20]) {
        const model = { location, rate: 1.7, skew: 0.5, slope };
        const found = fitActivationModel(momentsOfModel(model), { slope });
        expectNear(found?.location ?? Number.NaN, location, 1e-6);
        expectNear(found?.rate ?? Number.NaN, 1.7, 1e-6);
      }
    }
  });

  test.each([
    ['a variance of 0', { mean: 1, variance: 0 }],
    ['a negative variance', { mean: 1, variance: -1 }],
    ['not numbers', { mean: Number.NaN, variance: Number.NaN }],
    ['a negative mean, which no ReLU has', { mean: -1, variance: 1 }],
    ['a mean of 0', { mean: 0, variance: 1 }],
  ])('%s has no model', (_, sample) => {
    expect(fitActivationModel(sample)).toBeNull();
  });

  test('the density is that of rectified draws', () => {
    const random = createRandom(3);
    const { location, rate, skew } = RESNET;
    const exponential = (): number => -Math.log(1 - random.nextUniform());
    let [sum, squares] = [0, 0];
    const count = 200_000;
    for (let i = 0; i < count; i++) {
      // The difference of two exponentials is an asymmetric Laplace variable.
      const x = location + exponential() / (rate * skew) - (exponential() * skew) / rate;
      const y = x < 0 ? 0.1 * x : x;
      sum += y;
      squares += y * y;
    }
    const { mean, variance } = momentsOfModel(RESNET);
    expectNear(sum / count, mean, 0.02);
    expectNear(squares / count - (sum / count) ** 2, variance, 0.15);
  });
});

describe('the universal clip factor z*(N) (papers.md 2.4.4)', () => {
  // To the seventh digit by 60-digit arithmetic; papers.md prints 5.980142, 6.098038, 7.358588, 8.617836 and
  // 11.155534 for 15, 16, 32, 64 and 256 levels.
  test.each([
    [2, 2.0],
    [3, 2.897849],
    [4, 3.486401],
    [5, 3.925696],
    [6, 4.276655],
    [7, 4.569108],
    [8, 4.819915],
    [9, 5.039545],
    [10, 5.234949],
    [11, 5.410981],
    [12, 5.571165],
    [13, 5.718139],
    [14, 5.853933],
    [15, 5.980141],
    [16, 6.098037],
    [32, 7.358589],
    [64, 8.617835],
    [256, 11.155543],
  ])('z*(%d) is %d', (levelCount, expected) => {
    expectNear(clipFactor(levelCount), expected, 6e-7);
  });

  test.each([
    [2, 0.257812, 0.270671],
    [3, 0.155711, 0.110283],
    [4, 0.104951, 0.061222],
    [8, 0.038656, 0.016135],
  ])('its errors for %d levels are %d and %d', (levelCount, quant, clip) => {
    const exponential = { pieces: [{ from: 0, to: Infinity, anchor: 0, scale: 1, rate: 1 }], masses: [] };
    const errors = uniformError(exponential, { levelCount, low: 0, high: clipFactor(levelCount) });
    expectNear(errors.quantError, quant, 6e-7);
    expectNear(errors.clipError, clip, 6e-7);
  });

  test('the closed form of 2.4.4 agrees with the sum over cells', () => {
    for (const levelCount of [2, 3, 5, 16]) {
      const high = 4.2;
      const step = high / (levelCount - 1);
      const h = step / 2;
      const j0 = 2 - Math.exp(-h) * (h * h + 2 * h + 2);
      const j1 = Math.exp(h) * (h * h - 2 * h + 2) - 2;
      const q = Math.exp(-step);
      const exponential = { pieces: [{ from: 0, to: Infinity, anchor: 0, scale: 1, rate: 1 }], masses: [] };
      const { quantError, clipError } = uniformError(exponential, { levelCount, low: 0, high });
      expectNear(quantError, ((1 - Math.exp(-high)) / (1 - q)) * (j0 + q * j1), 1e-12);
      expectNear(clipError, 2 * Math.exp(-high), 1e-12);
    }
  });

  test('the mean of the positive values gives the same limit as the fit', () => {
    const distribution = distributionOfModel(RESNET);
    const positive = cellMoments(distribution, [0]);
    const limit = clipLimitFromPositiveMean(4, positive.first[1] / positive.mass[1]);
    expectNear(limit, bestHighOfModel(RESNET, 4), 1e-9);
  });
});

describe('the tables of papers.md 2.4.5', () => {
  test.each([
    [2, 5.1836, 0.79641, 0.84831, 1.64472, 0.6558, 1.0],
    [3, 7.5107, 0.48101, 0.35286, 0.83387, 0.9405, 1.2228],
    [4, 9.0361, 0.32421, 0.2013, 0.52551, 1.1252, 1.3377],
    [5, 10.1747, 0.2364, 0.13407, 0.37047, 1.2646, 1.4266],
    [6, 11.0843, 0.18183, 0.09799, 0.27982, 1.3775, 1.5046],
    [7, 11.8423, 0.14528, 0.07623, 0.22151, 1.4726, 1.5764],
    [8, 12.4923, 0.11941, 0.06202, 0.18143, 1.555, 1.6443],
  ])('ResNet-50, %d levels from 0', (levelCount, limit, quant, clip, total, entropy, bins) => {
    const distribution = distributionOfModel(RESNET);
    const high = bestHighOfModel(RESNET, levelCount);
    expectNear(high, limit, 6e-5);
    const levels = { levelCount, low: 0, high };
    const { quantError, clipError } = uniformError(distribution, levels);
    expectNear(quantError, quant, 6e-6);
    expectNear(clipError, clip, 6e-6);
    expectNear(quantError + clipError, total, 6e-6);
    expectNear(uniformRate(distribution, levels), entropy, 6e-5);
    const shares = cellMoments(distribution, uniformThresholds(levels)).mass;
    const unary = shares.reduce((sum, share, i) => sum + share * Math.min(i + 1, levelCount - 1), 0);
    expectNear(unary, bins, 6e-5);
  });

  test.each([
    [2, 1.6737, 0.2054, 0.7288],
    [3, 2.425, 0.10374, 1.0494],
    [4, 2.9176, 0.06507, 1.2564],
    [5, 3.2852, 0.04563, 1.413],
    [6, 3.5789, 0.03427, 1.5402],
    [7, 3.8236, 0.02696, 1.6477],
    [8, 4.0335, 0.02193, 1.741],
  ])('YOLOv3, %d levels from 0', (levelCount, limit, total, entropy) => {
    const high = bestHighOfModel(YOLO, levelCount);
    // The sample is printed with seven digits, the table's parameters with four to five.
    expectNear(high, limit, 1.1e-4);
    expectNear(totalError(YOLO, { levelCount, low: 0, high }), total, 6e-6);
    expectNear(uniformRate(distributionOfModel(YOLO), { levelCount, low: 0, high }), entropy, 1.1e-4);
  });

  test.each([
    [2, 0.3605, 5.5441, 1.55486],
    [3, 0.1473, 7.658, 0.8205],
    [4, 0.0527, 9.0888, 0.52388],
    [5, 0.0014, 10.1761, 0.37047],
    [6, -0.0299, 11.0544, 0.27932],
    [7, -0.0506, 11.7916, 0.2201],
    [8, -0.0652, 12.4272, 0.17912],
  ])('ResNet-50, %d levels between free limits', (levelCount, low, high, total) => {
    const limits = bestLimitsOfModel(RESNET, levelCount);
    expectNear(limits.low, low, 6e-5);
    expectNear(limits.high, high, 6e-5);
    expectNear(totalError(RESNET, { levelCount, ...limits }), total, 6e-6);
  });

  test.each([
    [2, 0.1707, 1.8444, 0.18662],
    [3, 0.0866, 2.5116, 0.09959],
    [4, 0.0474, 2.965, 0.06392],
    [5, 0.0255, 3.3107, 0.04531],
    [6, 0.0119, 3.5908, 0.0342],
    [7, 0.0027, 3.8263, 0.02695],
    [8, -0.0038, 4.0297, 0.02193],
  ])('YOLOv3, %d levels between free limits', (levelCount, low, high, total) => {
    const limits = bestLimitsOfModel(YOLO, levelCount);
    expectNear(limits.low, low, 1.1e-4);
    expectNear(limits.high, high, 1.1e-4);
    expectNear(totalError(YOLO, { levelCount, ...limits }), total, 6e-6);
  });
});

describe('the error of a uniform quantizer', () => {
  test('equals the sum over cells, by quadrature, for every kind of piece and any level count', () => {
    for (const model of [RESNET, { ...RESNET, location: 1.2, slope: 0 }, { ...RESNET, slope: 1 }]) {
      const distribution = distributionOfModel(model);
      for (const levels of [
        { levelCount: 2, low: 0, high: 3 },
        { levelCount: 5, low: -0.7, high: 3 },
        { levelCount: 64, low: -2, high: 9 },
      ]) {
        const thresholds = uniformThresholds(levels);
        const step = (levels.high - levels.low) / (levels.levelCount - 1);
        const { mass, first, second } = cellMoments(distribution, thresholds);
        let expected = 0;
        for (let i = 0; i < levels.levelCount; i++) {
          const level = levels.low + i * step;
          expected += second[i] - 2 * level * first[i] + level ** 2 * mass[i];
        }
        expectNear(totalError(model, levels), expected, 1e-11);
      }
    }
  });

  test('the best limits are no worse than any other on a grid', () => {
    for (const model of [RESNET, YOLO, { ...RESNET, location: 2, slope: 0 }]) {
      const { high: reach } = supportOf(distributionOfModel(model));
      for (const levelCount of [2, 4, 16, 256, 65_536]) {
        const best = totalError(model, { levelCount, low: 0, high: bestHighOfModel(model, levelCount) });
        const free = totalError(model, { levelCount, ...bestLimitsOfModel(model, levelCount) });
        expect(free).toBeLessThanOrEqual(best * (1 + 1e-9));
        for (let share = 0.01; share < 1; share *= 1.2) {
          const other = totalError(model, { levelCount, low: 0, high: share * reach });
          expect(other).toBeGreaterThanOrEqual(best * (1 - 1e-9));
        }
      }
    }
  });
});
