import { describe, expect, test } from 'vitest';
import {
  decodeChunk,
  decodeFrame,
  decodeTensors,
  encodeFrame,
  encodeTensors,
  inspectFrame,
  joinChunks,
  type QuantizerChoice,
  referenceBackend,
} from '../src/index.js';
import { feature, minmax } from './profiled-features.js';

describe('several tensors in a self-contained frame', () => {
  test('each keeps its own coding', () => {
    const features = [feature([4, 8, 8], 1), feature([70], 2, 'uint8'), feature([2, 2], 3)];
    const quantizers: QuantizerChoice[] = [
      { kind: 'uniform', levelCount: 4, range: minmax },
      { kind: 'integer' },
      { kind: 'none' },
    ];
    for (const digest of [false, true]) {
      for (const chunkCount of [1, 3]) {
        const frame = encodeTensors(
          features.map((input, i) => ({ feature: input, quantizer: quantizers[i] })),
          { backend: referenceBackend, digest, chunkCount },
        );
        const tensors = decodeTensors(frame, { backend: referenceBackend });
        expect(tensors[1]).toEqual(features[1]);
        expect(tensors[2]).toEqual(features[2]);
        expect(tensors[0].shape).toEqual([4, 8, 8]);
        const { fields, byteLength } = inspectFrame(frame);
        expect(fields.reduce((sum, field) => sum + field.byteLength, 0)).toBe(byteLength);
        const limits = { maxElements: 256 + 70 + 3 };
        expect(() => decodeTensors(frame, { backend: referenceBackend, limits })).toThrow(
          expect.objectContaining({ code: 'limit-exceeded' }),
        );
      }
    }
  });
});

describe('chunks', () => {
  test.each([
    [[16, 20, 20], 4, 4],
    [[5, 20, 20], 8, 5],
    [[1, 40, 12], 3, 3],
    [[100], 7, 7],
    [[1], 3, 1],
  ])('shape %j in %d chunks decodes whole and chunk by chunk', (shape, asked, got) => {
    const input = feature(shape, 6);
    for (const quantizer of [
      { kind: 'uniform', levelCount: 6, range: { kind: 'fixed', low: 0, high: 4 } },
      { kind: 'uniform', levelCount: 700, range: { kind: 'fixed', low: 0, high: 4 } },
    ] satisfies QuantizerChoice[]) {
      const options = { quantizer, backend: referenceBackend };
      const frame = encodeFrame(input, { ...options, chunkCount: asked, digest: true });
      const whole = decodeFrame(frame, options);
      expect(whole).toEqual(decodeFrame(encodeFrame(input, options), options));
      const { chunkCount } = inspectFrame(frame);
      expect(chunkCount).toBe(got);
      const chunks = Array.from({ length: chunkCount }, (_, i) => decodeChunk(frame, i, options));
      expect(joinChunks(frame, chunks.reverse(), options)).toEqual(whole);
      expect(() => decodeChunk(frame, chunkCount, options)).toThrow(RangeError);
    }
  });
});
