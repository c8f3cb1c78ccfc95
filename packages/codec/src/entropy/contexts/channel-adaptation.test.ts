import { describe, expect, test } from 'vitest';
import { unlikeIndices } from '../../../test/smooth-features.js';
import { ByteReader } from '../../bitstream/byte-reader.js';
import { ByteWriter } from '../../bitstream/byte-writer.js';
import { BitstreamError } from '../../errors.js';
import type { ContextModel } from '../../stages.js';
import { cheapestClasses, readChannelClasses, writeChannelClasses } from './channel-adaptation.js';
import { classCountOf } from './context-model.js';
import { countContexts, encodeWithModel } from './context-rans.js';
import { designContextModel } from './design-context-model.js';

const geometry = { planes: 24, rows: 50, columns: 50 };
const alphabet = { levelCount: 5, background: 0 };
const { indices } = unlikeIndices(geometry, alphabet, 3);
const model = designContextModel([{ indices, geometry }], alphabet, { preference: 'least' });
const planeSize = geometry.rows * geometry.columns;

function bytesOf(classes: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  writeChannelClasses(writer, classes, model);
  return writer.finish();
}

function codeOf(bytes: readonly number[], of: ContextModel = model): string {
  try {
    readChannelClasses(new ByteReader(Uint8Array.from(bytes)), of);
  } catch (error) {
    if (error instanceof BitstreamError) return error.code;
    throw error;
  }
  return 'read';
}

test('the model of these tests has several classes', () => {
  expect(classCountOf(model)).toBeGreaterThan(2);
});

describe('classes of a frame', () => {
  const others = model.classOfChannel.map((own, channel) => (channel % 5 ? own : (own + 1) % 3));

  test('are read as they were written, and nothing behind them', () => {
    const bytes = bytesOf(others);
    const reader = new ByteReader(Uint8Array.of(...bytes, 77));
    expect(readChannelClasses(reader, model)).toEqual(others);
    expect(reader.remaining).toBe(1);
  });

  test('are refused if they are the model’s, no classes, padded with ones, or cut', () => {
    const bytes = [...bytesOf(others)];
    expect(codeOf(bytes)).toBe('read');
    expect(codeOf([0, 0, 0])).toBe('invalid-table');
    expect(codeOf(bytes.slice(0, -1))).toBe('truncated');
    const firstAs = (channelClass: number): number[] => [1 | (channelClass << 1), 0, 0, 0];
    const own = model.classOfChannel[0];
    expect(codeOf(firstAs(own))).toBe('invalid-table');
    expect(codeOf(firstAs(own === 0 ? 1 : 0))).toBe('read');
    expect(codeOf([...firstAs(own === 0 ? 1 : 0).slice(0, 3), 0x80])).toBe('reserved-bits');
    const few = {
      ...model,
      thresholds: model.thresholds.subarray(0, (3 * model.thresholds.length) / classCountOf(model)),
    };
    expect(codeOf(firstAs(3), { ...few, classOfChannel: new Uint8Array(geometry.planes) })).toBe(
      'invalid-table',
    );
  });
});

describe('the cheapest classes', () => {
  test('are those of the model for what it was made from', () => {
    expect(cheapestClasses(countContexts(indices, geometry, model), model).classes).toBeUndefined();
  });

  test('are those of other channels where channels change places, and code in fewer bytes, at the estimate', () => {
    const turned = Uint8Array.from(indices, (_, at) => {
      const plane = geometry.planes - 1 - Math.floor(at / planeSize);
      return indices[plane * planeSize + (at % planeSize)];
    });
    const { classes, bits } = cheapestClasses(countContexts(turned, geometry, model), model);
    const adapted: ContextModel = { ...model, classOfChannel: classes ?? model.classOfChannel };
    expect([...adapted.classOfChannel]).toEqual([...model.classOfChannel].reverse());
    const coded =
      encodeWithModel(turned, geometry, adapted, 1).bytes.length + bytesOf(adapted.classOfChannel).length;
    expect(coded).toBeLessThan(0.98 * encodeWithModel(turned, geometry, model, 1).bytes.length);
    expect(Math.abs(8 * coded - bits)).toBeLessThan(0.005 * bits + 64);
  });
});
