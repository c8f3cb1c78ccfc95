import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { tableOfDescription } from './frequency-table.js';
import { chooseLaneCount, decodeRans, encodeRans } from './rans.js';
import { designTable } from './table-design.js';

describe('rANS', () => {
  test('the worked example of bitstream.md section 7', () => {
    // Two symbols of 3/4 and 1/4; by hand: 2^15 → 1 → 0 → 0, see the document.
    const table = tableOfDescription(
      { size: 2, peak: 0 },
      {
        kind: 'curve',
        precisionBits: 12,
        knotStepLog2: 0,
        resolutionLog2: 0,
        knotLevels: Uint16Array.of(3, 1),
      },
    );
    expect([...table.frequencies]).toEqual([3277, 819]);
    const payload = encodeRans(Uint8Array.of(0, 0, 1), table, 1);
    let state = 2 ** 15;
    for (const [frequency, start] of [
      [819, 3277],
      [3277, 0],
      [3277, 0],
    ]) {
      state = Math.floor(state / frequency) * 4096 + (state % frequency) + start;
    }
    expect(new DataView(payload.bytes.buffer).getUint32(0, true)).toBe(state);
    expect(decodeRans(payload, 3, table)).toEqual(Uint8Array.of(0, 0, 1));
  });

  test.each([1, 2, 4, 8, 16, 32])(
    '%d lanes: every length round a whole round of lanes survives',
    (laneCount) => {
      const random = createRandom(laneCount);
      for (let length = 1; length <= 70; length++) {
        const symbols = Uint8Array.from({ length }, () =>
          Math.min(4, Math.floor(-2 * Math.log(random.nextUniform()))),
        );
        const counts = new Uint32Array(5);
        for (const symbol of symbols) counts[symbol]++;
        const { table } = designTable(counts);
        expect(decodeRans(encodeRans(symbols, table, laneCount), length, table), `length ${length}`).toEqual(
          symbols,
        );
      }
    },
  );

  test('a symbol without a frequency is refused', () => {
    const { table } = designTable(Uint32Array.of(5_000, 0, 5_000));
    expect(() => encodeRans(Uint8Array.of(0, 1), table, 1)).toThrow(
      'table expected a frequency for symbol 1',
    );
  });

  test('states stay a small share of the payload, up to 32 lanes', () => {
    expect([40, 5_000, 70_000, 1e9].map(chooseLaneCount)).toEqual([1, 2, 32, 32]);
  });
});
