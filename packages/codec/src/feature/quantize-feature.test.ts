import { createRandom, type Tensor, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { drawFeature } from '../../test/features.js';
import { referenceBackend } from '../backend/reference.js';
import { decodeFrame } from '../frame/frame-decoder.js';
import { encodeFrame, type QuantizerChoice } from '../frame/frame-encoder.js';
import { inspectFrame } from '../frame/frame-parser.js';
import { designLevels } from '../quantizer/entropy-constrained.js';
import { designRange } from '../quantizer/range-design.js';
import { distributionOfStatistics, statisticsOf } from '../quantizer/statistics.js';

const backend = referenceBackend;
const encode = (feature: Tensor, quantizer: QuantizerChoice): Uint8Array =>
  encodeFrame(feature, { quantizer, backend });
const roundTrip = (feature: Tensor, quantizer: QuantizerChoice): Tensor =>
  decodeFrame(encode(feature, quantizer), { backend });

function squaredError(a: Tensor, b: Tensor): number {
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  return x.reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0) / x.length;
}

/** Channels of very different size, [2, channels, 6, 6]. */
function unevenChannels(channels: number, rectified: boolean): Tensor {
  const random = createRandom(channels);
  const data = Float32Array.from({ length: 2 * channels * 36 }, (_, i) => {
    const scale = 4 ** (Math.floor(i / 36) % channels);
    const value = random.nextNormal() * scale;
    return rectified ? Math.max(0, value) : value + scale;
  });
  return tensor('float32', [2, channels, 6, 6], data);
}

describe('listed levels', () => {
  const feature = drawFeature('relu', 3_000, 1);
  const statistics = statisticsOf(feature.data);

  test('a design has the error and, but for header and table, the size that it states', () => {
    const design = designLevels(distributionOfStatistics(statistics), {
      levelCount: 5,
      lambda: 0.02,
      low: 0,
      high: 4,
    });
    const quantizer = { kind: 'levels', levels: design.levels, thresholds: design.thresholds } as const;
    const frame = encode(feature, quantizer);
    expect(squaredError(feature, decodeFrame(frame, { backend })) / design.totalError).toBeCloseTo(1, 1);
    expect(frame.length * 8).toBeLessThan(design.rate * 3_000 * 1.01 + 64 * 8);
    expect(inspectFrame(frame).quantizer).toEqual({
      kind: 'levels',
      levels: Float32Array.from(design.levels),
    });
  });

  test('it takes fewer bits than uniform levels of the same error', () => {
    const feature = drawFeature('relu', 30_000, 1);
    const statistics = statisticsOf(feature.data);
    const design = designLevels(distributionOfStatistics(statistics), {
      levelCount: 8,
      lambda: 0.01,
      low: 0,
      high: 6,
    });
    const quantizer = { kind: 'levels', levels: design.levels, thresholds: design.thresholds } as const;
    const listed = encode(feature, quantizer);
    for (let levelCount = 2; levelCount < 12; levelCount++) {
      const range = { kind: 'model' } as const;
      const uniform = encode(feature, { kind: 'uniform', levelCount, range });
      const error = squaredError(feature, decodeFrame(uniform, { backend }));
      if (error <= design.totalError) expect(uniform.length).toBeGreaterThan(listed.length);
    }
  });

  test('infinities saturate, NaN is refused, other types are converted', () => {
    const quantizer = { kind: 'levels', levels: [-1, 0, 2.5], thresholds: [-0.5, 1] } as const;
    const infinite = tensor(
      'float32',
      [3],
      Float32Array.of(Number.NEGATIVE_INFINITY, 1, Number.POSITIVE_INFINITY),
    );
    expect(roundTrip(infinite, quantizer).data).toEqual(Float32Array.of(-1, 2.5, 2.5));
    expect(() => encode(tensor('float32', [1], Float32Array.of(Number.NaN)), quantizer)).toThrow('got NaN');
    expect(roundTrip(tensor('int8', [2], Int8Array.of(-5, 1)), quantizer).data).toEqual(Int8Array.of(-1, 2));
    expect(() => encode(tensor('int32', [1], Int32Array.of(1)), quantizer)).toThrow(TypeError);
  });
});

describe('a designed range', () => {
  test('is that of the tensor, with the activation that is named', () => {
    const feature = drawFeature('relu', 5_000, 2);
    for (const activation of [undefined, 'relu', 'signed'] as const) {
      const range = activation ? ({ kind: 'model', activation } as const) : ({ kind: 'model' } as const);
      const { quantizer } = inspectFrame(encode(feature, { kind: 'uniform', levelCount: 4, range }));
      const options = activation ? { levelCount: 4, activation } : { levelCount: 4 };
      const { low, high } = designRange(statisticsOf(feature.data), options);
      if (quantizer.kind !== 'affine') throw new Error(quantizer.kind);
      expect(quantizer.affine.offset).toBe(low);
      expect(quantizer.affine.step).toBe(Math.fround((high - low) / 3));
    }
  });

  test('has less error than the range of the values at few levels', () => {
    const feature = drawFeature('relu', 5_000, 3);
    const error = (kind: 'minmax' | 'model'): number =>
      squaredError(feature, roundTrip(feature, { kind: 'uniform', levelCount: 4, range: { kind } }));
    expect(error('model')).toBeLessThan(0.6 * error('minmax'));
  });

  test('of equal values is a constant; infinities saturate; no finite value is refused', () => {
    const quantizer = { kind: 'uniform', levelCount: 4, range: { kind: 'model' } } as const;
    const constant = tensor('float32', [3], Float32Array.of(7, 7, 7));
    expect(inspectFrame(encode(constant, quantizer)).quantizer).toEqual({ kind: 'constant', value: 7 });
    const mixed = tensor('float32', [3], Float32Array.of(Number.POSITIVE_INFINITY, 7, 7));
    expect((roundTrip(mixed, quantizer).data as Float32Array)[1]).toBe(7);
    const infinite = tensor('float32', [1], Float32Array.of(Number.POSITIVE_INFINITY));
    expect(() => encode(infinite, quantizer)).toThrow('feature expected a finite element, got none in 1');
  });
});

describe('groups of channels', () => {
  const grouped = (groupCount: number, range: { kind: 'minmax' | 'model' }): QuantizerChoice => ({
    kind: 'grouped',
    levelCount: 9,
    axis: 1,
    groupCount,
    range,
  });

  test('follow channels of different size', () => {
    for (const rectified of [true, false]) {
      const feature = unevenChannels(4, rectified);
      for (const kind of ['minmax', 'model'] as const) {
        const decoded = roundTrip(feature, grouped(4, { kind }));
        const [values, levels] = [feature.data as Float32Array, decoded.data as Float32Array];
        // The smallest channel is coded as well, in relation, as the largest one.
        for (const channel of [0, 3]) {
          const part = [...values.keys()].filter((i) => Math.floor(i / 36) % 4 === channel);
          const power = part.reduce((sum, i) => sum + values[i] ** 2, 0);
          const error = part.reduce((sum, i) => sum + (values[i] - levels[i]) ** 2, 0);
          expect(error / power).toBeLessThan(0.03);
        }
      }
    }
  });

  test('of rectified channels take two bytes a group', () => {
    const { fields } = inspectFrame(encode(unevenChannels(8, true), grouped(8, { kind: 'minmax' })));
    const parameters = fields.filter(({ section }) => section === 'quantizer');
    expect(parameters.map(({ field, byteLength }) => [field, byteLength])).toEqual([
      ['level count', 1],
      ['axis of the channels', 1],
      ['group count', 1],
      ['zero point', 1],
      ['steps', 16],
    ]);
  });

  test('a list that says runs is not sent', () => {
    const feature = unevenChannels(4, true);
    const choice = grouped(2, { kind: 'minmax' });
    const frame = encode(feature, choice);
    expect(encode(feature, { ...choice, groupOfChannel: [0, 0, 1, 1] } as QuantizerChoice)).toEqual(frame);
    const other = encode(feature, { ...choice, groupOfChannel: [0, 1, 1, 0] } as QuantizerChoice);
    expect(inspectFrame(other).fields.some(({ field }) => field === 'groups of channels')).toBe(true);
  });

  test('a group of one value, or of zeros, or without channels has levels too', () => {
    const data = Float32Array.of(5, 5, 0, 0, 1, 2, -3, -3);
    const feature = tensor('float32', [4, 2], data);
    for (const kind of ['minmax', 'model'] as const) {
      const choice: QuantizerChoice = { ...grouped(5, { kind }), axis: 0, groupCount: 4 } as QuantizerChoice;
      const decoded = roundTrip(feature, choice).data as Float32Array;
      for (const [i, value] of data.entries()) expect(Math.abs(decoded[i] - value)).toBeLessThan(0.05);
      const empty = { ...choice, groupOfChannel: [0, 0, 3, 3] } as QuantizerChoice;
      expect(() => roundTrip(feature, empty)).not.toThrow();
    }
  });

  test('equal values everywhere are a constant', () => {
    const zeros = tensor('float32', [4, 2], new Float32Array(8));
    expect(
      inspectFrame(encode(zeros, { ...grouped(4, { kind: 'minmax' }), axis: 0 } as QuantizerChoice))
        .quantizer,
    ).toEqual({
      kind: 'constant',
      value: 0,
    });
  });

  test.each<[string, Record<string, unknown>]>([
    ['axis expected a dimension of [2, 4, 6, 6], got 4', { axis: 4 }],
    ['axis expected', { axis: 0.5 }],
    ['groupCount expected an integer from 1 to 4, got 5', { groupCount: 5 }],
    ['groupCount expected a divisor of 4 channels, got 3', { groupCount: 3 }],
    ['groupOfChannel expected 4 entries, got 1', { groupOfChannel: [0] }],
    ['groupOfChannel expected integers below 4, got 4', { groupOfChannel: [0, 1, 2, 4] }],
    ['limits expected 4 pairs, got 1', { range: { kind: 'fixed', limits: [{ low: 0, high: 1 }] } }],
    ['levelCount expected', { levelCount: 1 }],
  ])('%s', (message, change) => {
    const choice = { ...grouped(4, { kind: 'minmax' }), ...change } as QuantizerChoice;
    expect(() => encode(unevenChannels(4, true), choice)).toThrow(message);
  });
});
