import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel } from '@featherwire/onnx';
import { createRandom, elementCount, type Shape, tensor } from '@featherwire/tensor';
import { describe, expect, onTestFinished, test } from 'vitest';
import { gradient } from '../autodiff/gradient.js';
import { Graph, type Value } from '../graph/graph.js';
import { createLinearUnit } from '../units/linear-unit.js';
import {
  initialParameters,
  type ParameterSpec,
  type Parameters,
  parameterCount,
  splitParameters,
} from '../units/parameters.js';
import { createSeparableUnit } from '../units/separable-unit.js';
import { hyperLatentShape, hyperpriorBits, hyperpriorParameters } from './hyperprior.js';
import { withNoise } from './quantization.js';
import { priorBits, priorParameters } from './rate.js';

const ITEMS = 4;
const CHANNELS = 6;
/** Odd and even: the second latent is of 4 by 3. */
const [HEIGHT, WIDTH] = [7, 6];
const unit = createSeparableUnit({
  featureShape: [4, HEIGHT, WIDTH],
  stride: 1,
  latentChannels: CHANNELS,
  rectified: true,
});
const LATENT_SHAPE = [ITEMS, ...unit.latentShape];
const HYPER_SHAPE = [ITEMS, ...hyperLatentShape(unit)];

const random = createRandom(11);
const uniforms = (shape: Shape): Float32Array =>
  Float32Array.from({ length: elementCount(shape) }, () => random.nextUniform() - 0.5);
/** Large in one half of each map and small in the other, which half being by item. */
const latent = Float32Array.from({ length: elementCount(LATENT_SHAPE) }, (_, i) => {
  const isUpper = i % (HEIGHT * WIDTH) < (HEIGHT * WIDTH) / 2;
  const isOdd = Math.floor(i / (CHANNELS * HEIGHT * WIDTH)) % 2 === 1;
  return (isUpper === isOdd ? 6 : 0.2) * random.nextNormal();
});
const noise = uniforms(LATENT_SHAPE);
const hyperNoise = uniforms(HYPER_SHAPE);

interface Estimate {
  readonly specs: readonly ParameterSpec[];
  bits(g: Graph, latent: Value, noisy: Value, parameters: Parameters): Value;
}

const hyperprior: Estimate = {
  specs: hyperpriorParameters(CHANNELS),
  bits: (g, value, noisy, parameters) => {
    const sideways = g.constant(tensor('float32', HYPER_SHAPE, hyperNoise));
    return hyperpriorBits(g, { latent: value, noisy, hyperNoise: sideways }, parameters);
  },
};
const factorized: Estimate = {
  specs: priorParameters(CHANNELS),
  bits: (g, _, noisy, parameters) => priorBits(g, noisy, unit, parameters),
};

interface Rate {
  readonly bits: number;
  /** By the latent, and by the parameters. */
  readonly slopes: readonly Float32Array[];
}

/** Bits of an estimate and their gradient, as a function of latent and parameters. */
async function openRate({
  specs,
  bits,
}: Estimate): Promise<(latent: Float32Array, parameters: Float32Array) => Promise<Rate>> {
  const g = new Graph();
  const inputs = [g.input('latent', LATENT_SHAPE), g.input('vector', [parameterCount(specs)])];
  const noisy = withNoise(g, inputs[0], g.constant(tensor('float32', LATENT_SHAPE, noise)));
  const total = bits(g, inputs[0], noisy, splitParameters(g, inputs[1], specs));
  const slopes = gradient(g, total, inputs);
  const session = await createLocalSession(serializeModel(g.toModel([total, ...slopes])));
  onTestFinished(() => session.close());
  return async (...given) => {
    const feeds = inputs.map(({ name, shape }, i) => [name, tensor('float32', shape, given[i])]);
    const { outputs } = await session.run(Object.fromEntries(feeds));
    return {
      bits: Number(outputs[total.name].data[0]),
      slopes: slopes.map(({ name }) => outputs[name].data as Float32Array),
    };
  };
}

/** Bits that a rate comes to by steps of one length along the signs of its gradient by the parameters. */
async function learnedBits(estimate: Estimate): Promise<number> {
  const rate = await openRate(estimate);
  let vector = initialParameters(estimate.specs, 3);
  let bits = Number.POSITIVE_INFINITY;
  for (let step = 0; step < 300; step++) {
    const found = await rate(latent, vector);
    vector = vector.map((x, i) => x - 0.01 * Math.sign(found.slopes[1][i]));
    bits = found.bits;
  }
  return bits;
}

describe('hyperprior', () => {
  const start = initialParameters(hyperprior.specs, 2);

  test.each(['latent', 'parameters'])('its gradient by the %s is that of central differences', async (by) => {
    const rate = await openRate(hyperprior);
    const moved = by === 'latent' ? 0 : 1;
    // Small enough for no element to be at its most bits, where the gradient ends.
    const at = [latent.map((x) => x / 6), start];
    const slope = (await rate(at[0], at[1])).slopes[moved];
    const bitsAt = async (direction: Float32Array, by: number): Promise<number> => {
      const other = at.map((vector, i) =>
        i === moved ? vector.map((x, j) => x + by * direction[j]) : vector,
      );
      return (await rate(other[0], other[1])).bits;
    };
    // Along the gradient, and along half of its elements: strong signals both.
    const half = slope.map((x) => (random.nextUniform() < 0.5 ? x : 0));
    for (const direction of [slope, half]) {
      const along = direction.reduce((sum, x, i) => sum + x * slope[i], 0);
      // Short steps lose digits, long ones meet corners of rectifiers.
      const errors: number[] = [];
      for (const length of [1e-3, 3e-3, 1e-2, 3e-2]) {
        const by = length / Math.hypot(...direction);
        const difference = (await bitsAt(direction, by)) - (await bitsAt(direction, -by));
        errors.push(Math.abs(difference / (2 * by * along) - 1));
      }
      expect(Math.min(...errors)).toBeLessThan(0.005);
    }
  });

  test('without weights it is the factorized prior, and the second latent is noise', async () => {
    let at = 0;
    const flat = new Float32Array(start);
    for (const { name, shape } of hyperprior.specs) {
      const end = at + elementCount(shape);
      if (name.endsWith('.weight')) flat.fill(0, at, end);
      at = end;
    }
    const plain = await (await openRate(factorized))(latent, new Float32Array(2 * CHANNELS));
    const both = await (await openRate(hyperprior))(latent, flat);
    const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
    const sideways = hyperNoise.reduce((sum, z) => sum - Math.log2(logistic(z + 0.5) - logistic(z - 0.5)), 0);
    expect(both.bits).toBeCloseTo(plain.bits + sideways / ITEMS, 2);
  });

  test('where a latent is large in places it comes to fewer bits than a factorized prior', async () => {
    const [plain, both] = [await learnedBits(factorized), await learnedBits(hyperprior)];
    expect(both).toBeLessThan(0.9 * plain);
  });

  test('is refused for a latent that is no map', () => {
    const tokens = createLinearUnit({ featureShape: [4, 5], latentChannels: 3 });
    expect(() => hyperLatentShape(tokens)).toThrow('hyperprior expected a latent [C, H, W], got [4, 3]');
  });
});
