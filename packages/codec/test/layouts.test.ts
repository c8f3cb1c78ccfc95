import { createRandom, type Tensor, tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  decodeFrame,
  type EncodeOptions,
  encodeFrame,
  inspectFrame,
  loadWasmBackend,
  type QuantizerChoice,
  referenceBackend,
  type SparseLayout,
} from '../src/index.js';
import { drawClustered, drawScattered } from './sparse-features.js';

const SEEDS = 200;
const SPARSE: readonly SparseLayout[] = ['csr', 'csr-separate', 'significance'];
const minmax = { kind: 'minmax' } as const;
/** The shape of the digest's own numeric test of paper A. */
const SHAPE = [128, 28, 28] as const;

let wasm: Backend;
beforeAll(async () => {
  wasm = await loadWasmBackend();
});

/** A random tensor, scattered or in clusters, with a quantizer of up to 256 levels; never constant. */
function drawCase(seed: number): { feature: Tensor; quantizer: QuantizerChoice } {
  const random = createRandom(seed);
  const size = seed % 20 === 0 ? 40 : 12;
  const shape = [
    1 + random.nextInteger(size),
    1 + random.nextInteger(size),
    2 + random.nextInteger(size),
  ] as const;
  const spread = random.nextUniform();
  const feature =
    random.nextUniform() < 0.5 ? drawScattered(shape, spread, seed) : drawClustered(shape, 2 * spread, seed);
  feature.data[0] = 1;
  feature.data[1] = -0.5 * random.nextUniform();
  const quantizer: QuantizerChoice =
    random.nextUniform() < 0.5
      ? { kind: 'uniform', levelCount: 2 + random.nextInteger(255), range: minmax }
      : { kind: 'asymmetric', bits: 1 + random.nextInteger(8), range: minmax };
  return { feature, quantizer };
}

function codedBytes(feature: Tensor, options: Omit<EncodeOptions, 'backend'>): number {
  return encodeFrame(feature, { ...options, backend: wasm }).length;
}

describe('every layout', () => {
  test(`gives the same bytes on every backend and the tensor of the dense one, ${SEEDS} random cases`, () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const { feature, quantizer } = drawCase(seed);
      const dense = encodeFrame(feature, { quantizer, layout: 'dense', backend: referenceBackend });
      const expected = decodeFrame(dense, { backend: referenceBackend });
      const laneCount = seed % 5 === 0 ? { laneCount: 1 << (seed % 6) } : {};
      for (const layout of SPARSE) {
        const label = `seed ${seed}, ${layout}`;
        const coding = { quantizer, layout, ...laneCount };
        const frame = encodeFrame(feature, { ...coding, backend: referenceBackend });
        const other = encodeFrame(feature, { ...coding, backend: wasm });
        expect(Buffer.compare(other, frame), label).toBe(0);
        expect(inspectFrame(frame), label).toMatchObject({ coder: 'rans', layout });
        for (const backend of [referenceBackend, wasm])
          expect(decodeFrame(frame, { backend }), label).toEqual(expected);
      }
    }
  });

  test.each(SPARSE)('%s: fields cover all bytes of a frame', (layout) => {
    const { feature, quantizer } = drawCase(3);
    const frame = encodeFrame(feature, { quantizer, layout, backend: wasm });
    const { fields, byteLength } = inspectFrame(frame);
    let end = 0;
    for (const field of fields) {
      expect(field.byteOffset).toBe(end);
      end += field.byteLength;
    }
    expect(end).toBe(byteLength);
    expect(fields.map(({ field }) => field)).toContain('kept entries');
  });

  test('without a kept entry, and with nothing but kept entries', () => {
    const quantizer = { kind: 'uniform', levelCount: 4, range: { kind: 'fixed', low: 0, high: 3 } } as const;
    for (const value of [0, 2]) {
      const feature = tensor('float32', [30], new Float32Array(30).fill(value));
      for (const layout of SPARSE) {
        const frame = encodeFrame(feature, { quantizer, layout, backend: wasm });
        expect(decodeFrame(frame, { backend: referenceBackend }), `${value}, ${layout}`).toEqual(feature);
      }
    }
  });

  test('a prime number of elements has rows of one, whose columns take no bytes', () => {
    const feature = drawScattered([251 * 257], 0.02, 1);
    const quantizer = { kind: 'asymmetric', bits: 4, range: minmax } as const;
    const prime = { ...feature, shape: [64_499], data: feature.data.subarray(0, 64_499) };
    const frame = encodeFrame(prime, { quantizer, layout: 'csr-separate', backend: wasm });
    const names = inspectFrame(frame).fields.map(({ field }) => field);
    expect(names).toContain('frequency table of row counts');
    expect(names).not.toContain('frequency table of columns');
    expect(inspectFrame(frame).fields).toContainEqual(
      expect.objectContaining({ field: 'rows', value: '64499 of 1 columns' }),
    );
  });
});

describe('settings that do not go together are refused', () => {
  const feature = tensor('float32', [4], Float32Array.of(0, 1, 2, 3));
  const encode =
    (options: Partial<EncodeOptions>): (() => Uint8Array) =>
    () =>
      encodeFrame(feature, {
        quantizer: { kind: 'uniform', levelCount: 4, range: minmax },
        layout: 'csr',
        backend: referenceBackend,
        ...options,
      });

  test('levels beyond 8 bits, the binary coder, a static table, a lane count', () => {
    expect(encode({ quantizer: { kind: 'uniform', levelCount: 257, range: minmax } })).toThrow(
      'layout expected dense for 257 levels, got csr',
    );
    expect(encode({ quantizer: { kind: 'uniform', levelCount: 256, range: minmax } })).not.toThrow();
    expect(encode({ coder: 'binary' })).toThrow('coder expected rans for layout csr, got binary');
    expect(encode({ table: { kind: 'flat', precisionBits: 12 } })).toThrow('table expected none');
    expect(encode({ laneCount: 3 })).toThrow('laneCount expected a power of two');
  });
});

describe('the choice of the layout', () => {
  const asymmetric = (bits: number) => ({ kind: 'asymmetric', bits, range: minmax }) as const;
  const layoutOf = (feature: Tensor, options: Omit<EncodeOptions, 'backend'>) =>
    inspectFrame(encodeFrame(feature, { ...options, backend: wasm })).layout;

  // Chooser of paper A's check list: scattered entries, density 0.1, 4 bits: 0.53 against 0.68 bits an element.
  test('scattered entries: dense, over compressed rows by a fifth and more', () => {
    const feature = drawScattered(SHAPE, 0.1, 1);
    const coding = { quantizer: asymmetric(4), coder: 'rans' } as const;
    expect(layoutOf(feature, coding)).toBe('dense');
    const bits = (layout: 'dense' | SparseLayout): number =>
      (8 * codedBytes(feature, { ...coding, layout })) / feature.data.length;
    expect(Math.abs(bits('dense') - 0.53)).toBeLessThan(0.02);
    expect(Math.abs(bits('csr') - 0.68)).toBeLessThan(0.02);
    expect(bits('csr-separate')).toBeGreaterThan(bits('dense'));
    expect(bits('significance')).toBeLessThan(bits('dense') * 1.01);
  });

  test('entries in clusters under rANS: compressed rows with separate tables', () => {
    const feature = drawClustered(SHAPE, 1.2, 1);
    const coding = { quantizer: asymmetric(2), coder: 'rans' } as const;
    expect(layoutOf(feature, coding)).toBe('csr-separate');
    const auto = codedBytes(feature, coding);
    expect(auto).toBeLessThan(codedBytes(feature, { ...coding, layout: 'dense' }) * 0.97);
    // The binary coder sees the neighbors themselves.
    expect(layoutOf(feature, { quantizer: asymmetric(2) })).toBe('dense');
    expect(codedBytes(feature, { quantizer: asymmetric(2) })).toBeLessThan(auto);
  });

  test('large tensors are sampled first, with the same outcome', () => {
    const shape = [512, 28, 28] as const;
    const coding = { quantizer: asymmetric(2), coder: 'rans' } as const;
    expect(layoutOf(drawClustered(shape, 1.2, 2), coding)).toBe('csr-separate');
    expect(layoutOf(drawScattered(shape, 0.1, 2), coding)).toBe('dense');
  });

  test('a table or a lane count that is given keeps the layout dense', () => {
    const feature = drawClustered(SHAPE, 1.2, 1);
    expect(layoutOf(feature, { quantizer: asymmetric(2), laneCount: 4 })).toBe('dense');
    const table = { kind: 'flat', precisionBits: 12 } as const;
    expect(layoutOf(feature, { quantizer: asymmetric(2), table })).toBe('dense');
  });

  test(`is within 1 % and 3 bytes of the smallest layout, ${SEEDS} random cases`, () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const { feature, quantizer } = drawCase(seed);
      const sizes = (['dense', ...SPARSE] as const).map((layout) =>
        codedBytes(feature, { quantizer, layout, coder: 'rans' }),
      );
      const auto = codedBytes(feature, { quantizer, coder: 'rans' });
      expect(auto, `seed ${seed}: ${sizes.join(', ')}`).toBeLessThanOrEqual(Math.min(...sizes) * 1.01 + 3);
      expect(auto, `seed ${seed}`).toBeLessThanOrEqual(sizes[0]);
    }
  });
});
