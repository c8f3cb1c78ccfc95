import {
  createRandom,
  float16FromFloat32,
  type RandomSource,
  type Tensor,
  tensor,
} from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  type CoderChoice,
  decodeFrame,
  designTable,
  encodeFrame,
  type LayoutChoice,
  loadBackend,
  loadWasmBackend,
  type QuantizerChoice,
  referenceBackend,
} from '../src/index.js';
import { DISTRIBUTIONS, type DistributionName, drawFeature } from './features.js';

const SEEDS = 300;

let javascript: Backend;
let wasm: Backend;
beforeAll(async () => {
  javascript = await loadBackend('javascript');
  wasm = await loadWasmBackend();
});

function drawQuantizer(random: RandomSource, shape: readonly number[]): QuantizerChoice {
  const range =
    random.nextUniform() < 0.5
      ? ({ kind: 'minmax' } as const)
      : ({ kind: 'fixed', low: -1, high: 2.5 } as const);
  const levelCount = 2 + random.nextInteger([3, 15, 60, 255, 2_000, 65_535][random.nextInteger(6)]);
  const kind = random.nextInteger(10);
  if (kind < 4) return { kind: 'uniform', levelCount, range };
  if (kind < 6) return { kind: 'asymmetric', bits: 1 + random.nextInteger(16), range };
  if (kind < 8) {
    const levels = Array.from({ length: 2 + random.nextInteger(255) }, () => random.nextNormal()).sort(
      (a, b) => a - b,
    );
    return { kind: 'levels', levels, thresholds: levels.slice(1).map((level, i) => (level + levels[i]) / 2) };
  }
  const axis = random.nextInteger(shape.length);
  const groupCount = 1 + random.nextInteger(Math.min(shape[axis], 9));
  const groupOfChannel = Array.from({ length: shape[axis] }, () => random.nextInteger(groupCount));
  return { kind: 'grouped', levelCount, axis, groupCount, groupOfChannel, range: { kind: 'minmax' } };
}

/** Any layout that goes with the quantizer and the coder. */
function drawLayout(random: RandomSource, quantizer: QuantizerChoice, coder: CoderChoice): LayoutChoice {
  const layouts = ['auto', 'dense', 'csr', 'csr-separate', 'significance'] as const;
  const drawn = layouts[random.nextInteger(layouts.length)];
  return coder === 'binary' || coder === 'binary-fast' || levelCountOf(quantizer) > 256 ? 'auto' : drawn;
}

function levelCountOf(quantizer: QuantizerChoice): number {
  if (quantizer.kind === 'asymmetric') return 2 ** quantizer.bits;
  if (quantizer.kind === 'levels') return quantizer.levels.length;
  return ('levelCount' in quantizer ? quantizer.levelCount : undefined) ?? 256;
}

/** A random tensor and coding, both fixed by the seed. */
function drawCase(seed: number): {
  feature: Tensor;
  quantizer: QuantizerChoice;
  laneCount?: number;
  coder?: CoderChoice;
  layout?: LayoutChoice;
} {
  const random = createRandom(seed);
  const names = Object.keys(DISTRIBUTIONS) as DistributionName[];
  const count = 1 + random.nextInteger(seed % 20 === 0 ? 60_000 : 2_000);
  const { data } = drawFeature(names[random.nextInteger(names.length)], count, seed);
  const shape = count % 12 === 0 ? [count / 12, 3, 4] : count % 2 === 0 ? [count / 2, 2] : [count];
  const quantizer = drawQuantizer(random, shape);
  const coder = (['auto', 'rans', 'binary', 'binary-fast'] as const)[
    random.nextInteger(levelCountOf(quantizer) > 256 ? 3 : 4)
  ];
  const feature: Tensor =
    random.nextUniform() < 0.2
      ? { dtype: 'float16', shape, data: float16FromFloat32(data) }
      : { dtype: 'float32', shape, data };
  return random.nextUniform() < 0.3
    ? { feature, quantizer, laneCount: 1 << random.nextInteger(6) }
    : { feature, quantizer, coder, layout: drawLayout(random, quantizer, coder) };
}

describe('every backend', () => {
  test(`gives the reference's bytes and decodes them alike, ${SEEDS} random cases`, () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const { feature, ...coding } = drawCase(seed);
      const frame = encodeFrame(feature, { ...coding, backend: referenceBackend });
      const decoded = decodeFrame(frame, { backend: referenceBackend });
      // Most of plain JavaScript is the reference itself, which takes the time of this test.
      for (const backend of seed % 5 === 0 ? [wasm, javascript] : [wasm]) {
        const other = encodeFrame(feature, { ...coding, backend });
        expect(Buffer.compare(other, frame), `seed ${seed}, ${backend.name}: bytes`).toBe(0);
        expect(decodeFrame(frame, { backend }), `seed ${seed}, ${backend.name}: tensor`).toEqual(decoded);
      }
      expect(decoded.shape).toEqual(feature.shape);
    }
  }, 120_000);

  test('quantizes the values where float32 is hardest alike', () => {
    const random = createRandom(1);
    const words = Uint32Array.from({ length: 40_000 }, () => random.nextUint32());
    const anyFloats = new Float32Array(words.buffer).filter((value) => !Number.isNaN(value));
    const halves = Float32Array.from({ length: 4_000 }, (_, i) => (i - 2_000) / 2);
    for (const values of [anyFloats, halves]) {
      const range = wasm.measureRange(values);
      expect(range).toEqual(referenceBackend.measureRange(values));
      for (const quantizer of [
        { levelCount: 4, offset: 0, step: 1, zeroPoint: 0 },
        { levelCount: 256, offset: -3.5, step: Math.fround(0.7), zeroPoint: 0 },
        { levelCount: 65_536, offset: 0, step: Math.fround(1e30), zeroPoint: 32_768 },
        { levelCount: 65_536, offset: 0, step: Math.fround(1e-30), zeroPoint: 3 },
      ]) {
        const indices = referenceBackend.quantize(values, quantizer);
        expect(wasm.quantize(values, quantizer)).toEqual(indices);
        expect(wasm.dequantize(indices, quantizer)).toEqual(referenceBackend.dequantize(indices, quantizer));
      }
    }
  });

  test('counts thresholds alike, for any number of them and any values', () => {
    const random = createRandom(2);
    const words = Uint32Array.from({ length: 40_000 }, () => random.nextUint32());
    const anyFloats = new Float32Array(words.buffer);
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 2 ** -149];
    for (const count of [1, 2, 3, 14, 15, 16, 17, 31, 100, 127, 128, 254, 255]) {
      const thresholds = anyFloats.filter(Number.isFinite).slice(0, count).sort();
      const values = Float32Array.of(...anyFloats.subarray(0, 20_003), ...thresholds, ...special);
      const indices = referenceBackend.quantizeByThresholds(values, thresholds);
      expect(wasm.quantizeByThresholds(values, thresholds), `${count} thresholds`).toEqual(indices);
      const levels = Float32Array.of(...thresholds, 3.4e38);
      expect(wasm.lookUpLevels(indices, levels)).toEqual(referenceBackend.lookUpLevels(indices, levels));
    }
  });

  test('counts NaN and infinities alike', () => {
    const values = new Float32Array(1_001).fill(1);
    values.set([Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN], 499);
    values[1_000] = Number.NaN;
    const expected = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, nanCount: 3 };
    expect(referenceBackend.measureRange(values)).toEqual(expected);
    expect(wasm.measureRange(values)).toEqual(expected);
  });

  test('keeps addresses where the kernels do', async () => {
    const { readFile } = await import('node:fs/promises');
    const constants = async (file: string): Promise<string[]> =>
      [
        ...(await readFile(new URL(file, import.meta.url), 'utf8')).matchAll(
          /export const (\w+)(?:: usize)? = (\d+);/g,
        ),
      ].map(([, name, value]) => `${name}=${value}`);
    const kernels = await constants('../assembly/layout.ts');
    const caller = await constants('../src/backend/wasm/layout.ts');
    expect(caller).toEqual(expect.arrayContaining(kernels));
    expect(kernels.length).toBeGreaterThan(12);
  });
});

test('every backend refuses a symbol that a given table lacks, wherever it stands', () => {
  const { description } = designTable(Uint32Array.of(5_000, 3_000, 0, 2_000));
  for (const length of [1, 70, 5_000]) {
    for (const at of [0, length - 1]) {
      const data = new Float32Array(length);
      data[at] = 2;
      const feature = tensor('float32', [length], data);
      const quantizer = {
        kind: 'uniform',
        levelCount: 4,
        range: { kind: 'fixed', low: 0, high: 3 },
      } as const;
      for (const backend of [referenceBackend, javascript, wasm]) {
        const encode = () => encodeFrame(feature, { quantizer, table: description, laneCount: 8, backend });
        expect(encode, `${backend.name}, ${length} symbols`).toThrow(
          'table expected a frequency for symbol 2',
        );
      }
    }
  }
});
