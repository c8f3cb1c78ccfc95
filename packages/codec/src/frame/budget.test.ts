import { createRandom, float16FromFloat32, type Tensor, tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { DISTRIBUTIONS, type DistributionName, drawFeature } from '../../test/features.js';
import type { Backend } from '../backend/backend.js';
import { loadWasmBackend } from '../backend/wasm/wasm-backend.js';
import { designRange } from '../quantizer/range-design.js';
import { statisticsOf } from '../quantizer/statistics.js';
import { BudgetError, encodeWithinBytes } from './budget.js';
import { decodeFrame } from './frame-decoder.js';
import { inspectFrame } from './frame-parser.js';

/** More on request: the claim is for every case. */
const CASES = Number(process.env.FEATHERWIRE_BUDGET_CASES ?? 400);

let backend: Backend;
beforeAll(async () => {
  backend = await loadWasmBackend();
});

function squaredError(feature: Tensor, frame: Uint8Array): number {
  const { data } = decodeFrame(frame, { backend });
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (Number(data[i]) - Number(feature.data[i])) ** 2;
  return sum / data.length;
}

describe('a byte budget', () => {
  test(
    `is met in every one of ${CASES} random cases, or refused with the smallest size`,
    () => {
      const names = Object.keys(DISTRIBUTIONS) as DistributionName[];
      for (let seed = 0; seed < CASES; seed++) {
        const random = createRandom(seed);
        const count = 1 + random.nextInteger(seed % 50 === 0 ? 20_000 : 600);
        const drawn = drawFeature(names[random.nextInteger(names.length)], count, seed).data;
        const shape = count % 2 === 0 ? [2, count / 2] : [count];
        const feature: Tensor =
          seed % 7 === 0
            ? { dtype: 'float16', shape, data: float16FromFloat32(drawn) }
            : seed % 7 === 1
              ? { dtype: 'int8', shape, data: Int8Array.from(drawn, (value) => value * 20) }
              : { dtype: 'float32', shape, data: drawn };
        const maxBytes = 10 + Math.floor(2 ** (random.nextUniform() * Math.log2(count * 2 + 2)));
        try {
          const { frame } = encodeWithinBytes(feature, { maxBytes, backend });
          expect(frame.length, `seed ${seed}`).toBeLessThanOrEqual(maxBytes);
          expect(decodeFrame(frame, { backend }).shape).toEqual(shape);
        } catch (error) {
          if (!(error instanceof BudgetError)) throw error;
          expect(error.smallestBytes, `seed ${seed}`).toBeGreaterThan(maxBytes);
          expect(encodeWithinBytes(feature, { maxBytes: error.smallestBytes, backend }).quantizer).toBeNull();
        }
      }
    },
    Math.max(120_000, CASES * 100),
  );

  test('is spent: more bytes mean less error', () => {
    const feature = { ...drawFeature('relu', 4_608, 3), shape: [32, 12, 12] };
    const errors = [20, 100, 300, 600, 1_200, 2_400, 4_000].map((maxBytes) => {
      const { frame } = encodeWithinBytes(feature, { maxBytes, backend });
      return squaredError(feature, frame);
    });
    for (let i = 1; i < errors.length; i++) expect(errors[i], `step ${i}`).toBeLessThanOrEqual(errors[i - 1]);
    expect(errors[6]).toBeLessThan(errors[0] / 100);
  });

  test('takes the limits that are designed for the level count it finds', () => {
    const feature = { ...drawFeature('relu', 4_608, 4), shape: [32, 12, 12] };
    const options = { maxBytes: 900, range: { kind: 'model' }, backend } as const;
    const { quantizer } = encodeWithinBytes(feature, options);
    if (quantizer?.kind !== 'uniform' || quantizer.range.kind !== 'fixed') throw new Error(quantizer?.kind);
    const { levelCount, range } = quantizer;
    expect(levelCount).toBeGreaterThan(2);
    const { low, high } = range;
    expect(designRange(statisticsOf(feature.data), { levelCount })).toMatchObject({ low, high });
  });

  test('takes as many levels as a context model may have', () => {
    const feature = { ...drawFeature('relu', 4_608, 4), shape: [32, 12, 12] };
    const { quantizer, frame } = encodeWithinBytes(feature, {
      maxBytes: 9_000,
      coder: 'rans-contexts',
      backend,
    });
    expect(quantizer).toMatchObject({ kind: 'uniform', levelCount: 16 });
    expect(inspectFrame(frame).coder).toBe('rans-contexts');
  });

  test('holds on special tensors', () => {
    const empty = tensor('float32', [0], new Float32Array(0));
    expect(encodeWithinBytes(empty, { maxBytes: 50, backend }).frame.length).toBeLessThanOrEqual(50);
    const constant = tensor('float32', [500], new Float32Array(500).fill(Math.fround(0.3)));
    expect(squaredError(constant, encodeWithinBytes(constant, { maxBytes: 20, backend }).frame)).toBe(0);
    const holed = tensor('float32', [2], Float32Array.of(Number.NaN, 1));
    expect(() => encodeWithinBytes(holed, { maxBytes: 99, backend })).toThrow(/NaN in 1 of 2/);
    expect(() => encodeWithinBytes(constant, { maxBytes: 3, backend })).toThrow(BudgetError);
  });
});
