import { createRandom, type RandomSource } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { quantizeValue, uniformQuantizer } from './affine.js';
import { designRange, type RangeDesign, type RangeDesignOptions } from './range-design.js';
import { statisticsOf } from './statistics.js';

const COUNT = 40_000;

const exponential = (random: RandomSource): number => -Math.log(1 - random.nextUniform());
/** The pre-activation of papers.md 2.4: m = -1.4, lambda = 0.77, kappa = 0.5. */
const laplace = (random: RandomSource): number =>
  -1.4 + exponential(random) / (0.77 * 0.5) - (exponential(random) * 0.5) / 0.77;

const SOURCES = {
  relu: (random) => Math.max(0, laplace(random)),
  leakyRelu: (random) => {
    const x = laplace(random);
    return x < 0 ? 0.1 * x : x;
  },
  rectifiedNormal: (random) => Math.max(0, random.nextNormal() - 0.3),
  relu6: (random) => Math.min(6, Math.max(0, random.nextNormal() * 4 + 2)),
  gelu: (random) => {
    const x = random.nextNormal() * 2;
    return x / (1 + Math.exp(-1.702 * x));
  },
  hSwish: (random) => {
    const x = random.nextNormal() * 2;
    return (x * Math.min(6, Math.max(0, x + 3))) / 6;
  },
  outliers: (random) => (random.nextUniform() < 0.001 ? 30 : 1) * random.nextNormal(),
  farFromZero: (random) => random.nextNormal() + 10,
  negative: (random) => -exponential(random),
} as const satisfies Record<string, (random: RandomSource) => number>;
type SourceName = keyof typeof SOURCES;

function draw(name: SourceName, seed = 4, count = COUNT): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => SOURCES[name](random));
}

function design(values: Float32Array, options: RangeDesignOptions): RangeDesign {
  return designRange(statisticsOf(values), options);
}

function total({ quantError, clipError }: RangeDesign['measured']): number {
  return quantError + clipError;
}

/** Mean squared error of coding the values. */
function codedError(values: Float32Array, levelCount: number, low: number, high: number): number {
  const step = (high - low) / (levelCount - 1);
  let sum = 0;
  for (const value of values) {
    const index = Math.min(levelCount - 1, Math.max(0, Math.round((value - low) / step)));
    sum += (value - low - index * step) ** 2;
  }
  return sum / values.length;
}

const names = Object.keys(SOURCES) as SourceName[];

describe('the designed range', () => {
  test.each(names)('%s: its error is the one it states', (name) => {
    const values = draw(name);
    for (const levelCount of [2, 4, 16, 256, 4096]) {
      const { low, high, measured } = design(values, { levelCount });
      const coded = codedError(values, levelCount, low, high);
      // Where a quantizer is finer than the bins of the histogram, its error stays an estimate.
      const tolerance = levelCount > 256 ? 0.15 : levelCount > 16 ? 0.02 : 0.005;
      expect(Math.abs(total(measured) / coded - 1), `${levelCount} levels`).toBeLessThan(tolerance);
    }
  });

  test.each(names)('%s: no range of a fine grid has 5.5 % less error', (name) => {
    const values = draw(name, 5, 8_000);
    const statistics = statisticsOf(values);
    for (const levelCount of [2, 4, 16]) {
      const found = designRange(statistics, { levelCount });
      const error = codedError(values, levelCount, found.low, found.high);
      const span = statistics.high - statistics.low;
      for (let i = 0; i <= 24; i++) {
        const low = found.low === 0 ? 0 : statistics.low + (span * i) / 48;
        for (let share = 1; share > 0.02; share *= 0.9) {
          const other = codedError(values, levelCount, low, low + span * share);
          expect(error, `${levelCount} levels, ${low}, ${share}`).toBeLessThanOrEqual(other * 1.055);
        }
        if (found.low === 0) break;
      }
    }
  });

  test('is given in float32, and a quantizer takes it', () => {
    for (const name of names) {
      const { low, high } = design(draw(name, 6, 2_000), { levelCount: 8 });
      expect([Math.fround(low), Math.fround(high)]).toEqual([low, high]);
      expect(() => uniformQuantizer(8, low, high)).not.toThrow();
    }
  });

  test('estimates the rate of the indices', () => {
    const values = draw('relu');
    const { low, high, rate } = design(values, { levelCount: 6 });
    const quantizer = uniformQuantizer(6, low, high);
    const counts = new Float64Array(6);
    for (const value of values) counts[quantizeValue(value, quantizer)]++;
    const entropy = counts.reduce((sum, n) => sum - (n / COUNT) * Math.log2(n / COUNT), 0);
    expect(Math.abs(rate - entropy)).toBeLessThan(0.005);
  });
});

describe('the choice of method', () => {
  test.each<[SourceName, number]>([
    ['relu', 0],
    ['leakyRelu', 0.1],
  ])('%s follows the model with slope %d', (name, slope) => {
    for (const levelCount of [2, 4, 8]) {
      const found = design(draw(name), { levelCount });
      expect(found.method).toBe('model');
      expect(found.model?.slope).toBe(slope);
      expect(found.reason).toMatch(
        /^asymmetric Laplace with slope 0(\.1)? predicts an error of [\d.]+ where the histogram has [\d.]+ \(-?[\d.]+ %\), its limits cost -?[\d.]+ % against the empirical ones$/,
      );
      expect(total(found.predicted) / total(found.measured)).toBeCloseTo(1, 1);
    }
  });

  test.each<SourceName>(['rectifiedNormal', 'relu6', 'gelu', 'hSwish', 'outliers', 'farFromZero'])(
    '%s does not, and the reason has the numbers',
    (name) => {
      const found = design(draw(name), { levelCount: 4 });
      expect(found.method).toBe('empirical');
      expect(found.predicted).toEqual(found.measured);
      expect(found.reason).toMatch(/predicts an error of .*; allowed are 25.0 % and 5.0 %$/);
    },
  );

  test('activations without a model are searched at once', () => {
    for (const activation of ['relu6', 'h-swish', 'silu', 'gelu', 'signed'] as const) {
      const found = design(draw('gelu'), { levelCount: 4, activation });
      expect([found.method, found.reason, found.model]).toEqual([
        'empirical',
        `no model of ${activation}`,
        null,
      ]);
    }
  });

  test('values that no model has are searched', () => {
    const found = design(draw('negative'), { levelCount: 4, activation: 'relu' });
    expect(found.method).toBe('empirical');
    expect(found.reason).toMatch(/^no model of relu has mean -1\.\d+ and variance \d/);
  });

  test('either method can be asked for', () => {
    const values = draw('gelu');
    const model = design(values, { levelCount: 4, method: 'model' });
    expect([model.method, model.reason]).toEqual(['model', 'as asked for']);
    const empirical = design(draw('relu'), { levelCount: 4, method: 'empirical' });
    expect([empirical.method, empirical.reason]).toEqual(['empirical', 'as asked for']);
    expect(total(empirical.measured)).toBeLessThanOrEqual(
      total(design(draw('relu'), { levelCount: 4, method: 'model' }).measured),
    );
    expect(() => design(values, { levelCount: 4, method: 'model', activation: 'gelu' })).toThrow(
      /statistics expected those of a model of gelu, got mean/,
    );
  });
});

describe('the lower limit', () => {
  test('is 0 for zeros and positive values, and for ReLU, unless it is set free', () => {
    expect(design(draw('relu'), { levelCount: 4 }).low).toBe(0);
    expect(design(draw('gelu'), { levelCount: 4, activation: 'relu6' }).low).toBe(0);
    expect(design(draw('relu'), { levelCount: 2, lowLimit: 'free' }).low).toBeGreaterThan(0.2);
    expect(design(draw('leakyRelu'), { levelCount: 16 }).low).toBeLessThan(0);
    expect(design(draw('farFromZero'), { levelCount: 16 }).low).toBeGreaterThan(5);
    expect(design(draw('negative'), { levelCount: 4, lowLimit: 'zero' }).high).toBeLessThan(0);
  });
});

describe('lambda', () => {
  test('lowers the rate and the cost', () => {
    for (const name of ['relu', 'gelu'] as const) {
      const statistics = statisticsOf(draw(name));
      const plain = designRange(statistics, { levelCount: 8 });
      const lambda = 0.1;
      const priced = designRange(statistics, { levelCount: 8, lambda });
      expect(priced.rate).toBeLessThan(plain.rate);
      const cost = (found: RangeDesign): number => total(found.measured) + lambda * found.rate;
      expect(cost(priced)).toBeLessThan(cost(plain));
    }
  });
});

describe('degenerate statistics', () => {
  test.each([
    ['one value', [3]],
    ['equal values', [-2, -2, -2]],
    ['zeros', [0, 0]],
    ['a value and infinities', [Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY]],
    ['the largest value', [3.4e38, 3.4e38]],
  ])('%s: the lower limit is the value', (_, values) => {
    const found = design(Float32Array.from(values), { levelCount: 4 });
    expect(found.method).toBe('constant');
    const value = values.find(Number.isFinite)!;
    expect(found.low).toBe(Math.min(value, 2 ** 126));
  });

  test.each([
    ['two values', [0, 5]],
    ['tiny values', [2 ** -149, 2 ** -140, 0]],
    ['huge values', [-3e38, 3e38, 1]],
    ['one outlier', [...new Array<number>(1_000).fill(0), 1e30]],
  ])('%s: a quantizer takes the range', (_, values) => {
    for (const levelCount of [2, 3, 16, 65_536]) {
      const { low, high, reason } = design(Float32Array.from(values), { levelCount });
      expect(() => uniformQuantizer(levelCount, low, high), `${low} to ${high}`).not.toThrow();
      expect(reason).not.toContain('NaN');
    }
  });

  test('no finite value and options out of range are refused', () => {
    expect(() => design(Float32Array.of(Number.NaN), { levelCount: 4 })).toThrow('expected a finite value');
    const values = draw('relu', 1, 100);
    for (const options of [
      { levelCount: 1 },
      { levelCount: 65_537 },
      { levelCount: 4, lambda: -1 },
      { levelCount: 4, slope: 0 },
    ]) {
      expect(() => design(values, options)).toThrow(RangeError);
    }
    expect(() => design(values, { levelCount: 4, activation: 'tanh' as never })).toThrow(TypeError);
  });
});
