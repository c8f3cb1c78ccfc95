import { createRandom, tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  BitstreamError,
  type ContextModel,
  decodeFrame,
  designContextModel,
  type EncodeOptions,
  encodeFrame,
  inspectFrame,
  loadWasmBackend,
  referenceBackend,
  serializeContextModel,
} from '../src/index.js';
import { drawFeature } from './features.js';
import { anyIndices, smoothFeature, smoothIndices } from './smooth-features.js';

let wasm: Backend;
beforeAll(async () => {
  wasm = await loadWasmBackend();
});

const exact = (levelCount: number) =>
  ({ kind: 'uniform', levelCount, range: { kind: 'fixed', low: 0, high: levelCount - 1 } }) as const;

describe('a frame of rANS with contexts', () => {
  test.each([[[40, 9, 9]], [[3, 20, 11, 13]], [[1, 30, 48]], [[64, 20]], [[500]], [[1, 70, 1, 1]], [[]]])(
    'decodes to what was coded, shape %j',
    (shape) => {
      for (const levelCount of [2, 4, 11, 16]) {
        const feature = smoothFeature(shape, levelCount, 3);
        const options = { quantizer: exact(levelCount), coder: 'rans-contexts' } as const;
        const frame = encodeFrame(feature, { ...options, backend: wasm });
        expect(encodeFrame(feature, { ...options, backend: referenceBackend })).toEqual(frame);
        for (const backend of [wasm, referenceBackend]) {
          expect(decodeFrame(frame, { backend })).toEqual(feature);
        }
        expect(inspectFrame(frame)).toMatchObject({ coder: 'rans-contexts', layout: 'dense' });
      }
    },
  );

  test('carries a model that is given', () => {
    const geometry = { planes: 32, rows: 12, columns: 12 };
    const alphabet = { levelCount: 6, background: 0 };
    const { indices } = smoothIndices(geometry, alphabet, 8);
    const contextModel = designContextModel([{ indices, geometry }], alphabet);
    const feature = smoothFeature([1, 32, 12, 12], 6, 9);
    const frame = encodeFrame(feature, { quantizer: exact(6), contextModel, backend: wasm });
    const field = inspectFrame(frame).fields.find((entry) => entry.field === 'context model');
    const size = inspectFrame(frame).fields.find((entry) => entry.field === 'size of the model');
    expect((field?.byteLength ?? 0) + (size?.byteLength ?? 0)).toBe(
      serializeContextModel(contextModel).length,
    );
    expect(decodeFrame(frame, { backend: referenceBackend })).toEqual(feature);
    const other = smoothFeature([1, 30, 12, 12], 6, 9);
    const encode = () => encodeFrame(other, { quantizer: exact(6), contextModel, backend: wasm });
    expect(encode).toThrow('32 channels for 30 planes');
  });

  test.each<[string, Partial<EncodeOptions>]>([
    ['17 levels', { quantizer: exact(17) }],
    ['1,000 levels', { quantizer: exact(1_000) }],
    ['a layout', { layout: 'csr' }],
    ['128 lanes', { laneCount: 128 }],
    ['a table', { table: { kind: 'flat', precisionBits: 12 } }],
  ])('is refused with %s', (_, settings) => {
    const feature = smoothFeature([4, 5, 6], 4, 1);
    const options = { quantizer: exact(4), coder: 'rans-contexts', backend: wasm, ...settings } as const;
    expect(() => encodeFrame(feature, options)).toThrow(RangeError);
  });

  test('a model with another coder is refused', () => {
    const geometry = { planes: 4, rows: 5, columns: 6 };
    const alphabet = { levelCount: 4, background: 0 };
    const contextModel = designContextModel([smoothIndices(geometry, alphabet, 1)], alphabet);
    const feature = smoothFeature([4, 5, 6], 4, 1);
    const options = { quantizer: exact(4), contextModel, backend: wasm } as const;
    for (const coder of ['auto', 'rans', 'binary'] as const) {
      expect(() => encodeFrame(feature, { ...options, coder })).toThrow('coder expected rans-contexts');
    }
    expect(() => encodeFrame(feature, { ...options, layout: 'csr' })).toThrow(RangeError);
  });

  test('takes few bytes beside those of the model for a tensor of few elements', () => {
    const feature = smoothFeature([20, 2, 2], 3, 4);
    const frame = encodeFrame(feature, { quantizer: exact(3), coder: 'rans-contexts', backend: wasm });
    const states = inspectFrame(frame).fields.find(({ field }) => field === 'states and bytes');
    expect(states?.byteLength).toBeLessThan(20);
  });
});

describe('auto', () => {
  test('takes contexts for a large tensor whose neighbors are alike, where they save bytes', () => {
    const feature = smoothFeature([64, 48, 48], 5, 2);
    const [auto, rans, contexts] = (['auto', 'rans', 'rans-contexts'] as const).map((coder) =>
      encodeFrame(feature, { quantizer: exact(5), coder, backend: wasm }),
    );
    expect(inspectFrame(auto).coder).toBe('rans-contexts');
    expect(auto).toEqual(contexts);
    expect(contexts.length).toBeLessThan(0.85 * rans.length);
  });

  test('does not for more channels than a model is designed for', () => {
    for (const shape of [
      [10_000, 4, 4],
      [1, 4, 40_000],
    ]) {
      const feature = smoothFeature(shape, 4, 3);
      const frame = encodeFrame(feature, { quantizer: exact(4), backend: wasm });
      expect(inspectFrame(frame).coder).not.toBe('rans-contexts');
      const options = { quantizer: exact(4), coder: 'rans-contexts', backend: wasm } as const;
      expect(() => encodeFrame(feature, options)).toThrow('channels expected up to 8192');
    }
  });

  test('does not, where neighbors say nothing or there are over 16 levels', () => {
    const noise = tensor('float32', [64, 48, 48], drawFeature('relu', 64 * 48 * 48, 3).data);
    const uniform = { kind: 'uniform', levelCount: 4, range: { kind: 'minmax' } } as const;
    expect(inspectFrame(encodeFrame(noise, { quantizer: uniform, backend: wasm })).coder).toBe('rans');
    const fine = smoothFeature([64, 48, 48], 17, 3);
    expect(inspectFrame(encodeFrame(fine, { quantizer: exact(17), backend: wasm })).coder).not.toBe(
      'rans-contexts',
    );
  });
});

describe('every backend', () => {
  test('codes contexts alike, 200 random geometries, models and lanes', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = createRandom(seed);
      const levelCount = 2 + random.nextInteger(15);
      const alphabet = { levelCount, background: random.nextInteger(levelCount) };
      const [rows, columns] = [1 + random.nextInteger(20), 1 + random.nextInteger(seed % 5 ? 20 : 70)];
      const channels = 1 + random.nextInteger(seed % 3 ? 30 : 150);
      const channelAxis = seed % 4 ? 'planes' : 'columns';
      const one = { planes: channels, rows, columns };
      const seen = smoothIndices(one, alphabet, seed);
      const coarse = designContextModel([seen], alphabet, {
        channelAxis,
        tokenColumns: random.nextInteger(rows + 1),
        preference: seed % 2 ? 'speed' : 'size',
      });
      // A fine model of any levels and axis, whose classes are not in groups.
      const fine: ContextModel = {
        ...coarse,
        slotBits: 12,
        classOfChannel: coarse.classOfChannel.slice().reverse(),
        thresholds: Uint16Array.from(coarse.thresholds, (start) => 16 * start + (seed % 16)),
      };
      const model = seed % 3 === 2 ? fine : coarse;
      const geometry = { ...one, planes: channels * (1 + random.nextInteger(3)) };
      const indices =
        seed % 5 === 1
          ? anyIndices(geometry.planes * rows * columns, levelCount, seed)
          : smoothIndices(geometry, alphabet, seed + 1, channels).indices;
      const laneCount = 1 << random.nextInteger(model.slotBits === 8 ? 7 : 5);
      const label = `seed ${seed}: ${JSON.stringify({ geometry, channelAxis, alphabet, laneCount })}`;
      const expected = referenceBackend.encodeContexts(indices, geometry, model, laneCount);
      const payload = wasm.encodeContexts(indices, geometry, model, laneCount);
      expect(Buffer.compare(payload.bytes, expected.bytes), label).toBe(0);
      const decoded = wasm.decodeContexts(expected, geometry, model);
      if (typeof decoded === 'string') throw new Error(`${label}: ${decoded}`);
      expect(Buffer.compare(decoded, indices), label).toBe(0);
      expect(
        Buffer.compare(referenceBackend.decodeContexts(expected, geometry, model) as Uint8Array, indices),
      ).toBe(0);
      const [counts, expectedCounts] = [wasm, referenceBackend].map(
        (backend) => new Uint8Array(backend.countContexts(indices, geometry, model).buffer),
      );
      expect(Buffer.compare(counts, expectedCounts), label).toBe(0);
    }
  });

  test('gives the same reason for payloads that are not, and takes models from 16 bins to 32 at any levels', () => {
    const geometry = { planes: 70, rows: 6, columns: 5 };
    const alphabet = { levelCount: 4, background: 1 };
    const { indices } = smoothIndices(geometry, alphabet, 5);
    const narrow = designContextModel([{ indices, geometry }], alphabet);
    const wide = {
      ...narrow,
      binCount: 32,
      binOfCell: narrow.binOfCell.map((bin) => 31 - bin),
      thresholds: Uint8Array.from({ length: narrow.thresholds.length * 2 }, (_, at) => {
        const bin = 31 - (at % 32);
        return narrow.thresholds[Math.floor(at / 32) * 16 + (bin % 16)];
      }),
    } as const;
    const fine = designContextModel([{ indices, geometry }], alphabet, { preference: 'least' });
    for (const model of [narrow, wide, fine]) {
      for (const laneCount of [2, 16, ...(model === fine ? [] : [64])]) {
        const { bytes } = referenceBackend.encodeContexts(indices, geometry, model, laneCount);
        expect(wasm.encodeContexts(indices, geometry, model, laneCount).bytes).toEqual(bytes);
        const random = createRandom(laneCount);
        for (let round = 0; round < 100; round++) {
          const bad = bytes.slice(0, bytes.length - (round % 3 ? 0 : random.nextInteger(bytes.length)));
          for (let edits = round % 4; edits > 0; edits--)
            bad[random.nextInteger(bad.length)] ^= 1 << (round % 8);
          const payload = { bytes: bad, laneCount };
          const expected = referenceBackend.decodeContexts(payload, geometry, model);
          expect(wasm.decodeContexts(payload, geometry, model), `round ${round}`).toEqual(expected);
        }
      }
    }
  });

  test('decodes one channel of many positions without memory for lanes it has not', () => {
    const feature = smoothFeature([1, 1, 1, 40_000], 3, 6);
    const geometry = { planes: 1, rows: 1, columns: 40_000 };
    const alphabet = { levelCount: 3, background: 0 };
    const contextModel = designContextModel(
      [{ indices: Uint8Array.from(feature.data), geometry }],
      alphabet,
      { channelAxis: 'planes' },
    );
    const frame = encodeFrame(feature, { quantizer: exact(3), contextModel, laneCount: 64, backend: wasm });
    expect(decodeFrame(frame, { backend: wasm })).toEqual(feature);
  });
});

test('a model in a frame must fit its shape', () => {
  const feature = smoothFeature([48, 6, 6], 4, 1);
  const frame = encodeFrame(feature, { quantizer: exact(4), coder: 'rans-contexts', backend: wasm });
  const size = inspectFrame(frame).fields.find(({ field }) => field === 'size of the model');
  const patched = frame.slice();
  patched[size?.byteOffset ?? 0] = 47;
  expect(() => decodeFrame(patched, { backend: wasm })).toThrow(BitstreamError);
  expect(() => decodeFrame(patched, { backend: wasm })).toThrow('47 channels for 48 planes');
});
