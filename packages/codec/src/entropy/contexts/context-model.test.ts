import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { smoothIndices } from '../../../test/smooth-features.js';
import { BitstreamError } from '../../errors.js';
import type { ContextModel } from '../../stages.js';
import { checkContextModel, parseContextModel, serializeContextModel } from './context-model.js';
import { decodeWithModel, encodeWithModel } from './context-rans.js';
import { designContextModel } from './design-context-model.js';

const geometry = { planes: 50, rows: 9, columns: 7 };

function example(levelCount: number, background = 0): ContextModel {
  const { indices } = smoothIndices(geometry, { levelCount, background }, levelCount);
  return designContextModel([{ indices, geometry }], { levelCount, background });
}

describe('the coded form of a model', () => {
  test.each([2, 3, 4, 5, 8, 9, 16])('holds all of it, %i levels', (levelCount) => {
    const model = example(levelCount, Math.floor(levelCount / 3));
    expect(parseContextModel(serializeContextModel(model), model)).toEqual(model);
  });

  test.each([2, 4, 9, 16])('holds all of a fine one, %i levels', (levelCount) => {
    const alphabet = { levelCount, background: levelCount >> 1 };
    const { indices } = smoothIndices(geometry, alphabet, levelCount);
    const model = designContextModel([{ indices, geometry }], alphabet, { preference: 'least' });
    expect(model.slotBits).toBe(12);
    expect(parseContextModel(serializeContextModel(model), model)).toEqual(model);
  });

  test('is small: a class of four levels takes under 140 bytes', () => {
    const { indices } = smoothIndices(geometry, { levelCount: 4, background: 0 }, 1, 1);
    const model = designContextModel([{ indices, geometry }], { levelCount: 4, background: 0 });
    expect(serializeContextModel(model).length).toBeLessThan(140);
  });

  test('ends in a model or a BitstreamError on any bytes, and every model codes', () => {
    const random = createRandom(3);
    const alphabet = { levelCount: 5, background: 0 };
    const fine = { ...example(5), slotBits: 12, thresholds: new Uint16Array(example(5).thresholds) } as const;
    const forms = [example(5), fine].map(serializeContextModel);
    const { indices } = smoothIndices(geometry, alphabet, 8);
    let models = 0;
    for (let round = 0; round < 3_000; round++) {
      const bytes = forms[round % 2];
      const mutated = bytes.slice(0, bytes.length - (round % 3 ? 0 : random.nextInteger(bytes.length)));
      for (let edits = random.nextInteger(3); edits >= 0; edits--) {
        mutated[random.nextInteger(mutated.length)] = random.nextInteger(256);
      }
      let model: ContextModel;
      try {
        model = parseContextModel(mutated, alphabet);
      } catch (error) {
        expect(error, `round ${round}`).toBeInstanceOf(BitstreamError);
        continue;
      }
      if (model.classOfChannel.length !== 50 || model.channelAxis !== 'planes') continue;
      models++;
      checkContextModel(model, alphabet, geometry);
      const payload = encodeWithModel(indices, geometry, model, 8);
      expect(decodeWithModel(payload, geometry, model), `round ${round}`).toEqual(indices);
    }
    expect(models).toBeGreaterThan(100);
  });

  test.each([
    ['no channels', [0], 'invalid-field'],
    ['70,000 channels', [0xf0, 0xa2, 0x04], 'invalid-field'],
    ['a reserved flag', [50, 0x40], 'reserved-bits'],
    ['two classes of 16 channels', [16, 0, 1], 'invalid-field'],
    ['65 classes', [0x80, 0x40, 0, 64], 'invalid-field'],
    ['no end', [50, 0, 0], 'truncated'],
  ] as const)('is refused with %s', (_, bytes, code) => {
    const parse = (): ContextModel =>
      parseContextModel(Uint8Array.from(bytes), { levelCount: 4, background: 0 });
    expect(parse).toThrow(expect.objectContaining({ code }));
  });

  test('is refused for more than 16 levels, and with a byte left over', () => {
    const model = example(16);
    const bytes = serializeContextModel(model);
    const wide = { levelCount: 17, background: 0 };
    expect(() => parseContextModel(bytes, wide)).toThrow(expect.objectContaining({ code: 'invalid-field' }));
    expect(() => parseContextModel(Uint8Array.of(...bytes, 0), model)).toThrow(
      expect.objectContaining({ code: 'trailing-bytes' }),
    );
  });
});

describe('a model that a caller hands in', () => {
  const model = example(6);
  const alphabet = { levelCount: 6, background: 0 };

  test.each<[string, Partial<ContextModel>]>([
    ['other levels', { levelCount: 5 }],
    ['another background', { background: 1 }],
    ['other channels', { classOfChannel: model.classOfChannel.subarray(16) }],
    [
      'a class of 3 channels before another',
      { classOfChannel: model.classOfChannel.map((_, c) => +(c > 2)) },
    ],
    ['cells beyond the bins', { binOfCell: model.binOfCell.subarray(0, 16) }],
    ['bins beyond the tables', { binOfCell: model.binOfCell.map(() => 16) }],
    ['a short table of cells', { cells: { ...model.cells, left: model.cells.left.subarray(1) } }],
    ['falling thresholds', { thresholds: model.thresholds.map((threshold) => 255 - threshold) }],
    ['slots of another number', { slotBits: 10 as 12 }],
    [
      '65 classes',
      {
        slotBits: 12,
        classOfChannel: Uint8Array.from(model.classOfChannel.keys()),
        thresholds: new Uint16Array(65 * 5 * model.binCount).map(
          (_, at) => 1 + (Math.floor(at / model.binCount) % 5),
        ),
      },
    ],
    ['thresholds of 0', { thresholds: model.thresholds.map(() => 0) }],
    ['thresholds beyond the slots', { thresholds: Uint16Array.from(model.thresholds, (one) => one + 250) }],
  ])('is refused with %s', (_, changes) => {
    expect(() => checkContextModel({ ...model, ...changes }, alphabet, geometry)).toThrow(RangeError);
  });

  test('is taken as designed', () => {
    expect(() => checkContextModel(model, alphabet, geometry)).not.toThrow();
  });
});
