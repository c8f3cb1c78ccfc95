import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { anyIndices, smoothIndices } from '../../../test/smooth-features.js';
import { elementsOf } from '../../stages.js';
import { chooseContextLanes, decodeWithModel, encodeWithModel } from './context-rans.js';
import { designContextModel } from './design-context-model.js';
import { channelOrder, channelPlanes, visitElements } from './lanes.js';

const LANE_COUNTS = [1, 2, 4, 8, 16, 32, 64];

describe('rANS under a context model', () => {
  test('gives all indices back, for shapes of any kind and any lanes', () => {
    const shapes = [
      [1, 1, 1],
      [1, 1, 40],
      [40, 1, 1],
      [3, 5, 1],
      [17, 1, 9],
      [16, 4, 4],
      [100, 3, 5],
      [24, 7, 7],
    ];
    for (const [seed, [planes, rows, columns]] of shapes.entries()) {
      const geometry = { planes, rows, columns };
      for (const channelAxis of ['planes', 'columns'] as const) {
        const alphabet = { levelCount: 2 + seed * 2, background: seed };
        const { indices } = smoothIndices(geometry, alphabet, seed);
        const preference = seed % 2 ? 'least' : 'speed';
        const model = designContextModel([{ indices, geometry }], alphabet, { channelAxis, preference });
        for (const laneCount of LANE_COUNTS.slice(0, preference === 'least' ? 5 : 7)) {
          const payload = encodeWithModel(indices, geometry, model, laneCount);
          const label = `${planes} × ${rows} × ${columns}, ${channelAxis}, ${laneCount} lanes`;
          expect(decodeWithModel(payload, geometry, model), label).toEqual(indices);
        }
      }
    }
  });

  test('codes indices that are nothing like those of its design', () => {
    const geometry = { planes: 20, rows: 6, columns: 6 };
    for (const levelCount of [2, 7, 16]) {
      const alphabet = { levelCount, background: 0 };
      const flat = new Uint8Array(elementsOf(geometry));
      const model = designContextModel([{ indices: flat, geometry }], alphabet);
      const indices = anyIndices(flat.length, levelCount, 4);
      const payload = encodeWithModel(indices, geometry, model, 4);
      expect(decodeWithModel(payload, geometry, model)).toEqual(indices);
      expect(payload.bytes.length).toBeLessThanOrEqual(indices.length + 8);
      expect(encodeWithModel(flat, geometry, model, 1).bytes.length).toBeLessThan(flat.length / 32);
    }
  });

  test('a model of one item codes several, each from fresh neighbors', () => {
    const one = { planes: 20, rows: 5, columns: 4 };
    const alphabet = { levelCount: 4, background: 0 };
    const { indices } = smoothIndices(one, alphabet, 2);
    const model = designContextModel([{ indices, geometry: one }], alphabet);
    const twice = Uint8Array.of(...indices, ...indices);
    const geometry = { ...one, planes: 40 };
    const payload = encodeWithModel(twice, geometry, model, 16);
    expect(decodeWithModel(payload, geometry, model)).toEqual(twice);
    const single = encodeWithModel(indices, one, model, 16).bytes.length;
    expect(Math.abs(payload.bytes.length - (2 * single - 32))).toBeLessThan(40);
  });

  test('few lanes waste few bytes: 200 indices of four levels take under 3 bytes over their best', () => {
    const geometry = { planes: 50, rows: 2, columns: 2 };
    const alphabet = { levelCount: 4, background: 0 };
    const { indices } = smoothIndices(geometry, alphabet, 6);
    const model = designContextModel([{ indices, geometry }], alphabet);
    const sizes = LANE_COUNTS.map((lanes) => encodeWithModel(indices, geometry, model, lanes).bytes.length);
    const chosen = encodeWithModel(indices, geometry, model, chooseContextLanes(sizes[6], model)).bytes
      .length;
    expect(chosen).toBeLessThanOrEqual(Math.min(...sizes) + 2);
    expect(sizes[6]).toBeGreaterThan(chosen + 50);
  });

  test('a payload that is cut, longer or of other states is refused with a reason', () => {
    const geometry = { planes: 20, rows: 9, columns: 9 };
    const alphabet = { levelCount: 4, background: 0 };
    const { indices } = smoothIndices(geometry, alphabet, 9);
    const model = designContextModel([{ indices, geometry }], alphabet);
    const { bytes, laneCount } = encodeWithModel(indices, geometry, model, 8);
    const reasonOf = (changed: Uint8Array): unknown =>
      decodeWithModel({ bytes: changed, laneCount }, geometry, model);
    expect(reasonOf(bytes.subarray(0, 15))).toContain('does not hold its states');
    expect(reasonOf(bytes.map((byte, i) => (i === 3 ? 0 : byte)))).toContain('state of lane 1');
    expect(reasonOf(bytes.subarray(0, bytes.length - 1))).toContain('does not end where');
    expect(reasonOf(Uint8Array.of(...bytes, 7))).toContain('does not end where');
  });

  test('so is one of a fine model', () => {
    const geometry = { planes: 20, rows: 9, columns: 9 };
    const alphabet = { levelCount: 4, background: 0 };
    const { indices } = smoothIndices(geometry, alphabet, 9);
    const model = designContextModel([{ indices, geometry }], alphabet, { preference: 'least' });
    const { bytes, laneCount } = encodeWithModel(indices, geometry, model, 4);
    const reasonOf = (changed: Uint8Array): unknown =>
      decodeWithModel({ bytes: changed, laneCount }, geometry, model);
    const withByte = (at: number, value: number): Uint8Array =>
      bytes.map((byte, i) => (i === at ? value : byte));
    expect(reasonOf(bytes.subarray(0, 15))).toContain('does not hold its states');
    expect(reasonOf(withByte(7, bytes[7] | 0x80))).toContain('state of lane 1');
    expect(reasonOf(bytes.map((byte, i) => (i >= 8 && i < 12 ? 0 : byte)))).toContain('state of lane 2');
    expect(reasonOf(bytes.subarray(0, bytes.length - 2))).toContain('does not end where');
    expect(reasonOf(Uint8Array.of(...bytes, 7, 7))).toContain('does not end where');
  });

  test('few symbols that are all but certain take next to nothing under a fine model', () => {
    const geometry = { planes: 20, rows: 40, columns: 40 };
    const alphabet = { levelCount: 12, background: 0 };
    const flat = new Uint8Array(elementsOf(geometry));
    const sizes = (['size', 'least'] as const).map((preference) => {
      const model = designContextModel([{ indices: flat, geometry }], alphabet, { preference });
      return encodeWithModel(flat, geometry, model, 1).bytes.length;
    });
    expect(sizes[1]).toBeLessThan(sizes[0] / 10);
  });

  test('a model of another shape is refused', () => {
    const geometry = { planes: 20, rows: 2, columns: 3 };
    const alphabet = { levelCount: 4, background: 0 };
    const { indices } = smoothIndices(geometry, alphabet, 1);
    const model = designContextModel([{ indices, geometry }], alphabet);
    const other = { planes: 30, rows: 2, columns: 2 };
    expect(() => encodeWithModel(indices, other, model, 1)).toThrow('20 channels for 30 planes');
    expect(decodeWithModel({ bytes: new Uint8Array(9), laneCount: 1 }, other, model)).toContain(
      '20 channels',
    );
  });
});

describe('the order of coding', () => {
  test('visits every element once, neighbors first', () => {
    const random = createRandom(5);
    for (let round = 0; round < 60; round++) {
      const [planes, rows, columns] = [0, 0, 0].map(() => 1 + random.nextInteger(20));
      const channelAxis = round % 2 ? 'planes' : 'columns';
      const channels = round % 2 ? planes : columns;
      const tokenColumns = random.nextInteger(6);
      const view = channelPlanes({ planes, rows, columns }, { channelAxis, tokenColumns }, channels);
      if (typeof view === 'string') throw new Error(view);
      const seen = new Uint8Array(planes * rows * columns);
      const classOfChannel = new Uint8Array(channels);
      const slotBits = round % 3 ? 8 : 12;
      visitElements(view, { classOfChannel, slotBits }, 1 << (round % 7), (element, row, column) => {
        if (column > 0) expect(seen[element - view.positionStride]).toBe(1);
        if (row > 0) expect(seen[element - view.columns * view.positionStride]).toBe(1);
        const hasRight = row > 0 && column < view.columns - 1;
        if (hasRight) expect(seen[element - (view.columns - 1) * view.positionStride]).toBe(1);
        seen[element]++;
      });
      expect(seen.every((count) => count === 1)).toBe(true);
    }
  });

  test('tokens form rows of a grid if that divides them', () => {
    const tokens = { planes: 2, rows: 12, columns: 5 };
    const shape = (tokenColumns: number): unknown =>
      channelPlanes(tokens, { channelAxis: 'columns', tokenColumns }, 5);
    expect(shape(4)).toMatchObject({ items: 2, rows: 3, columns: 4, channelStride: 1, positionStride: 5 });
    for (const tokenColumns of [0, 5, 13])
      expect(shape(tokenColumns)).toMatchObject({ rows: 1, columns: 12 });
  });

  test('channels are sorted by class, then by number', () => {
    expect([...channelOrder({ classOfChannel: Uint8Array.of(2, 0, 1, 0, 2), slotBits: 8 })]).toEqual([
      1, 3, 2, 0, 4,
    ]);
  });
});
