import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel } from '@featherwire/onnx';
import { elementCount, type Tensor, tensor } from '@featherwire/tensor';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runGraph } from '../../test/run-graph.js';
import { Graph } from '../graph/graph.js';
import { exportUnit, LATENT_NAME } from './export-unit.js';
import { createLinearUnit } from './linear-unit.js';
import { initialParameters, splitParameters } from './parameters.js';
import { createPooledUnit } from './pooled-unit.js';
import { createPyramidUnit } from './pyramid-unit.js';
import { createSeparableUnit } from './separable-unit.js';
import type { Unit } from './unit.js';

async function run(
  model: Parameters<typeof serializeModel>[0],
  feeds: Record<string, Tensor>,
  output: string,
) {
  const session = await createLocalSession(serializeModel(model));
  const { outputs } = await session.run(feeds);
  await session.close();
  return outputs[output];
}

const waves = (shape: readonly number[]): Tensor =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(i * 1.3)),
  );

/** Both ways: the exported pair, and the unit inside a graph with its parameters as one vector. */
async function throughBoth(unit: Unit): Promise<{ exported: Tensor; latent: Tensor; inside: Tensor }> {
  const parameters = initialParameters(unit.parameters, 3);
  const feature = waves([2, ...unit.featureShape]);
  const { reduction, restoration } = exportUnit(unit, parameters, 'cut', 2);
  const latent = await run(reduction, { cut: feature }, LATENT_NAME);
  const exported = await run(restoration, { [LATENT_NAME]: latent }, 'cut');
  const g = new Graph();
  const vector = g.input('parameters', [parameters.length]);
  const own = splitParameters(g, vector, unit.parameters);
  const restored = unit.restore(g, unit.reduce(g, g.input('cut', feature.shape), own), own);
  const feeds = { cut: feature, parameters: tensor('float32', [parameters.length], parameters) };
  const [inside] = await runGraph(g, [restored], feeds);
  return { exported, latent, inside };
}

/** Dimensions of the space that restored features of many latents lie in. */
async function restoredDimensions(unit: Unit): Promise<number> {
  const { restoration } = exportUnit(unit, initialParameters(unit.parameters, 3), 'cut', 40);
  const size = elementCount(unit.latentShape);
  const latent = waves([40, ...unit.latentShape]);
  const restored = await run(restoration, { [LATENT_NAME]: latent }, 'cut');
  expect(size).toBeGreaterThanOrEqual(elementCount(unit.featureShape));
  const length = elementCount(unit.featureShape);
  const rows = Array.from({ length: 40 }, (_, row) =>
    [...(restored.data as Float32Array)].slice(row * length, (row + 1) * length),
  );
  return rankOf(rows.slice(1).map((row) => row.map((value, i) => value - rows[0][i])));
}

/** Rank of rows by elimination with pivots. */
function rankOf(rows: number[][]): number {
  let rank = 0;
  const left = rows.map((row) => [...row]);
  for (let column = 0; column < left[0].length; column++) {
    const best = left.slice(rank).reduce((a, b) => (Math.abs(b[column]) > Math.abs(a[column]) ? b : a));
    if (Math.abs(best[column]) < 1e-4) continue;
    const at = left.indexOf(best);
    [left[rank], left[at]] = [left[at], left[rank]];
    for (let row = rank + 1; row < left.length; row++) {
      const factor = left[row][column] / left[rank][column];
      for (let i = column; i < left[row].length; i++) left[row][i] -= factor * left[rank][i];
    }
    rank++;
  }
  return rank;
}

const UNITS: Readonly<Record<string, Unit>> = {
  'separable, stride 1': createSeparableUnit({
    featureShape: [4, 5, 6],
    stride: 1,
    latentChannels: 2,
    rectified: false,
  }),
  'separable, with blocks': createSeparableUnit({
    featureShape: [6, 9, 8],
    stride: 2,
    latentChannels: 3,
    width: 10,
    blocks: 2,
    rectified: true,
  }),
  'pyramid, two levels': createPyramidUnit({
    featureShape: [4, 9, 7],
    levels: [
      { stride: 2, width: 6, blocks: 1 },
      { stride: 2, width: 8, blocks: 0 },
    ],
    latentChannels: 3,
    rectified: false,
  }),
  'pyramid, two filters a channel, another restoration': createPyramidUnit({
    featureShape: [4, 9, 7],
    levels: [
      { stride: 2, width: 6, blocks: 1, filters: 2, restoring: { width: 10, blocks: 2 } },
      { stride: 2, width: 8, blocks: 0, filters: 3, restoring: { width: 12, blocks: 1 } },
    ],
    latentChannels: 3,
    rectified: false,
    outerDepthwise: 'linear',
  }),
  pooled: createPooledUnit({ featureShape: [5, 3, 2], latentChannels: 2, width: 7, rectified: true }),
  'linear, one layer': createLinearUnit({ featureShape: [5, 8], latentChannels: 3 }),
  'linear, two layers': createLinearUnit({ featureShape: [5, 8], latentChannels: 3, width: 12 }),
};

describe.each(Object.entries(UNITS))('%s', (_, unit) => {
  test('exported, it computes what it computed in training', async () => {
    const { exported, latent, inside } = await throughBoth(unit);
    expect(latent.shape).toEqual([2, ...unit.latentShape]);
    expect(exported.shape).toEqual([2, ...unit.featureShape]);
    const far = Array.from(exported.data as Float32Array, (x, i) => Math.abs(x - Number(inside.data[i])));
    expect(Math.max(...far)).toBeLessThan(1e-5);
  });
});

describe('pyramid unit', () => {
  test('restoration returns to exactly the shape of the cut through levels that do not divide it', async () => {
    const { latent, exported } = await throughBoth(UNITS['pyramid, two levels']);
    expect(latent.shape).toEqual([2, 3, 3, 2]);
    expect(exported.shape).toEqual([2, 4, 9, 7]);
  });

  test('with stride² filters a channel its restoration can say every element of the feature', async () => {
    const unit = (filters: number) =>
      createPyramidUnit({
        featureShape: [1, 4, 4],
        levels: [{ stride: 2, width: 8, blocks: 0, filters }],
        latentChannels: 8,
        rectified: false,
        outerDepthwise: 'linear',
      });
    expect(await restoredDimensions(unit(1))).toBe(4);
    expect(await restoredDimensions(unit(4))).toBe(16);
  });

  test('one level is the separable unit', () => {
    const one = { featureShape: [6, 9, 8], latentChannels: 3, rectified: true } as const;
    const pyramid = createPyramidUnit({ ...one, levels: [{ stride: 2, width: 10, blocks: 2 }] });
    expect(pyramid.parameters).toEqual(UNITS['separable, with blocks'].parameters);
  });

  test('without outer rectifiers its reduction tells a negative feature from none', async () => {
    const shape = { featureShape: [4, 3, 3], latentChannels: 4, rectified: false } as const;
    const levels = [{ stride: 1, width: 8, blocks: 0 }];
    const size = [1, ...shape.featureShape] as const;
    const magnitudes = Float32Array.from(
      { length: elementCount(size) },
      (_, i) => -1 - Math.sin(i * 1.3) ** 2,
    );
    const negative = tensor('float32', size, magnitudes);
    const zero = tensor('float32', size, new Float32Array(magnitudes.length));
    const latents = async (unit: Unit): Promise<boolean> => {
      // Depthwise kernels of ones without biases: a rectifier leaves nothing of a negative feature.
      const parameters = initialParameters(unit.parameters, 3);
      parameters.fill(1, 0, 4 * 9);
      const { reduction } = exportUnit(unit, parameters, 'cut', 1);
      const [one, other] = [
        await run(reduction, { cut: negative }, LATENT_NAME),
        await run(reduction, { cut: zero }, LATENT_NAME),
      ];
      return (one.data as Float32Array).every((x, i) => x === other.data[i]);
    };
    expect(await latents(createPyramidUnit({ ...shape, levels }))).toBe(true);
    expect(await latents(createPyramidUnit({ ...shape, levels, outerDepthwise: 'linear' }))).toBe(false);
  });

  test('no level at all is refused', () => {
    const none = { featureShape: [6, 9, 8], levels: [], latentChannels: 3, rectified: true } as const;
    expect(() => createPyramidUnit(none)).toThrow('levels expected a positive integer, got 0');
  });
});

describe('pooled unit', () => {
  test('what it restores is even over height and width, and the same for features of one mean', async () => {
    const unit = UNITS.pooled;
    const parameters = initialParameters(unit.parameters, 3);
    const { reduction } = exportUnit(unit, parameters, 'cut', 1);
    const feature = waves([1, 5, 3, 2]);
    const mirrored = { ...feature, data: Float32Array.from(feature.data as Float32Array) };
    for (let c = 0; c < 5; c++) mirrored.data.subarray(6 * c, 6 * c + 6).reverse();
    const [one, other] = [
      await run(reduction, { cut: feature }, LATENT_NAME),
      await run(reduction, { cut: mirrored as Tensor }, LATENT_NAME),
    ];
    const far = Array.from(one.data as Float32Array, (x, i) => Math.abs(x - Number(other.data[i])));
    expect(Math.max(...far)).toBeLessThan(1e-5);
    const { exported } = await throughBoth(unit);
    const values = exported.data as Float32Array;
    for (let plane = 0; plane < 10; plane++) {
      expect(new Set(values.subarray(6 * plane, 6 * plane + 6)).size).toBe(1);
    }
  });

  test.each([
    [4, -2, 1],
    [5, -2, 2],
    [2, -1, 0],
  ])('held to %i levels, its latent rounds to the integers from %i to %i', async (levelCount, low, high) => {
    const unit = createPooledUnit({
      featureShape: [5, 3, 2],
      latentChannels: 16,
      width: 7,
      levelCount,
      rectified: true,
    });
    const loud = initialParameters(unit.parameters, 3).map((weight) => 50 * weight);
    const { reduction } = exportUnit(unit, loud, 'cut', 2);
    const latent = await run(reduction, { cut: waves([2, 5, 3, 2]) }, LATENT_NAME);
    const levels = Array.from(latent.data as Float32Array, (x) => Math.round(x));
    expect([Math.min(...levels), Math.max(...levels)]).toEqual([low, high]);
  });
});

describe('separable unit', () => {
  test('restoration returns to exactly the shape of the cut, whatever the stride', async () => {
    const dimensions = fc.tuple(
      fc.integer({ min: 3, max: 17 }),
      fc.integer({ min: 3, max: 17 }),
      fc.integer({ min: 1, max: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(dimensions, async ([height, width, stride]) => {
        const featureShape = [3, height, width] as const;
        const unit = createSeparableUnit({ featureShape, stride, latentChannels: 2, rectified: true });
        const { exported, latent } = await throughBoth(unit);
        expect(latent.shape.slice(2)).toEqual([Math.ceil(height / stride), Math.ceil(width / stride)]);
        expect(exported.shape.slice(1)).toEqual(featureShape);
      }),
      { numRuns: 25, seed: 7 },
    );
  });

  test('a rectified one restores nothing below 0', async () => {
    const { exported } = await throughBoth(UNITS['separable, with blocks']);
    expect(Math.min(...(exported.data as Float32Array))).toBe(0);
  });

  test('dimensions that are none are refused', () => {
    const wrong = { featureShape: [3, 4, 4], stride: 0, latentChannels: 2, rectified: false } as const;
    expect(() => createSeparableUnit(wrong)).toThrow('stride expected a positive integer, got 0');
    expect(() => createLinearUnit({ featureShape: [3, 4], latentChannels: 1.5 })).toThrow('got 1.5');
  });
});
