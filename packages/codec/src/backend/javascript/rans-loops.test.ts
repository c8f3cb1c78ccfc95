import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { tableOfDescription } from '../../entropy/frequency-table.js';
import { decodeRans, encodeRans } from '../../entropy/rans.js';
import { designTable } from '../../entropy/table-design.js';
import type { FrequencyTable } from '../../stages.js';
import { decodeSymbols, encodeSymbols } from './rans-loops.js';

const PRECISIONS = [12, 13, 14, 15];
const LANE_COUNTS = [1, 2, 4, 8, 16, 32];

function drawSymbols(count: number, alphabetSize: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length: count }, () =>
    Math.min(alphabetSize - 1, Math.floor(Math.abs(random.nextNormal()) ** 2 * alphabetSize * 0.2)),
  );
}

/** A table with a frequency for every symbol. */
function flatTable(alphabetSize: number, precisionBits: number): FrequencyTable {
  return tableOfDescription({ size: alphabetSize, peak: 0 }, { kind: 'flat', precisionBits });
}

describe('loops of rANS', () => {
  test.each(LANE_COUNTS)('give the bytes of the reference and its symbols, %i lanes', (laneCount) => {
    for (const precisionBits of PRECISIONS) {
      for (const alphabetSize of [2, 3, 40, 256]) {
        for (const count of [1, 3, 31, 32, 33, 129, 5_000]) {
          const symbols = drawSymbols(count, alphabetSize, count);
          const table = flatTable(alphabetSize, precisionBits);
          const payload = encodeRans(symbols, table, laneCount);
          const label = `${precisionBits} bits, ${alphabetSize} symbols, ${count} elements`;
          expect(encodeSymbols(symbols, table, laneCount), label).toEqual(payload);
          expect(decodeSymbols(payload, count, table), label).toEqual(symbols);
        }
      }
    }
  });

  test('divide exactly for every frequency of 12 bits', () => {
    // Two symbols of frequencies f and 4096 - f take quotients of all sizes.
    for (let frequency = 1; frequency < 4_096; frequency += 13) {
      const frequencies = Uint16Array.of(frequency, 4_096 - frequency);
      const table = { precisionBits: 12, frequencies, starts: Uint16Array.of(0, frequency) };
      const symbols = drawSymbols(256, 2, frequency);
      expect(encodeSymbols(symbols, table, 8), `frequency ${frequency}`).toEqual(
        encodeRans(symbols, table, 8),
      );
    }
  });

  test('read symbols from any place in memory', () => {
    const symbols = drawSymbols(1_003, 4, 3);
    const table = flatTable(4, 12);
    const payload = encodeRans(symbols.slice(3), table, 32);
    expect(encodeSymbols(symbols.subarray(3), table, 32)).toEqual(payload);
  });

  test.each([4, 16])('give the reason of the reference for payloads that are none, %i lanes', (laneCount) => {
    const symbols = drawSymbols(1_000, 16, 5);
    const { table } = designTable(
      Uint32Array.from({ length: 16 }, (_, i) => 1 + symbols.filter((s) => s === i).length),
    );
    const { bytes } = encodeRans(symbols, table, laneCount);
    const random = createRandom(8);
    for (let round = 0; round < 400; round++) {
      const changed = bytes.slice(0, round % 4 === 0 ? random.nextInteger(bytes.length) : bytes.length);
      if (changed.length > 0) changed[random.nextInteger(changed.length)] ^= 1 << random.nextInteger(8);
      const payload = { bytes: changed, laneCount };
      expect(decodeSymbols(payload, 1_000, table), `round ${round}`).toEqual(
        decodeRans(payload, 1_000, table),
      );
    }
  });

  test('refuse symbols without a frequency as the reference does', () => {
    const { table } = designTable(Uint32Array.of(50, 30, 0, 20));
    expect(() => encodeSymbols(Uint8Array.of(0, 2, 1), table, 1)).toThrow(
      'table expected a frequency for symbol 2',
    );
    const certain = designTable(Uint32Array.of(0, 7)).table;
    expect(encodeSymbols(Uint8Array.of(1, 1), certain, 2)).toEqual(
      encodeRans(Uint8Array.of(1, 1), certain, 2),
    );
  });
});
