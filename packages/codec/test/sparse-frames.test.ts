import { createRandom, type Tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { ByteWriter } from '../src/bitstream/byte-writer.js';
import { crc32 } from '../src/bitstream/crc32.js';
import { encodeRans } from '../src/entropy/rans.js';
import { designTable } from '../src/entropy/table-design.js';
import {
  type Backend,
  BitstreamError,
  decodeFrame,
  encodeFrame,
  loadWasmBackend,
  referenceBackend,
  type SparseLayout,
} from '../src/index.js';
import { writeIndexSection } from '../src/indices/index-section.js';
import { arraysOfLayout, isImplied } from '../src/layout/layout-arrays.js';
import { drawScattered } from './sparse-features.js';

const MUTATIONS_PER_FRAME = 1_500;
const SPARSE: readonly SparseLayout[] = ['csr', 'csr-separate', 'significance'];
/** The worked example of bitstream.md §10.1 and its alphabet. */
const ALPHABET = { levelCount: 8, background: 0 };
const ELEMENTS = 12;
const EXAMPLE = [0, 0, 5, 0, 0, 0, 0, 0, 7, 0, 2, 2];
const VALUES = [5, 7, 2, 2];
const COLUMNS = [2, 0, 2, 3];
const ROW_COUNTS = [1, 0, 3];
const SIGNIFICANCE = [0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1];

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadWasmBackend()];
});

/** Decodes on every backend; the outcome must be a tensor or a `BitstreamError`, and the same on all. */
function outcome(frame: Uint8Array, label: string): Tensor | BitstreamError {
  const [reference, other] = backends.map((backend) => {
    try {
      return decodeFrame(frame, { backend });
    } catch (error) {
      if (!(error instanceof BitstreamError)) throw new Error(`${label}: ${String(error)}`, { cause: error });
      return error;
    }
  });
  expect(other, label).toEqual(reference);
  return reference;
}

function expectError(frame: Uint8Array, code: BitstreamError['code'], message = ''): void {
  const result = outcome(frame, code);
  expect(result).toBeInstanceOf(BitstreamError);
  expect((result as BitstreamError).code).toBe(code);
  expect((result as BitstreamError).message).toContain(message);
}

/** A frame of twelve elements with eight levels, and a section as written. */
function frameWith(writeSection: (writer: ByteWriter) => void, levelCount = ALPHABET.levelCount): Uint8Array {
  const writer = new ByteWriter();
  writer.writeBytes(Uint8Array.of(0xf5, 0x46, 0x57, 1, 0, 0x31, ELEMENTS));
  writer.writeVarint(levelCount);
  writer.writeUint8(ALPHABET.background);
  writer.writeFloat32(1);
  writeSection(writer);
  writer.writeUint32(crc32(writer.peek()));
  return writer.finish();
}

/** A frame with the arrays of a layout, whatever they hold. */
function frameOf(
  layout: SparseLayout,
  { rowCount, keptCount }: { readonly rowCount: number; readonly keptCount: number },
  arrays: readonly (readonly number[])[],
): Uint8Array {
  const size = { elementCount: ELEMENTS, rowCount, keptCount };
  const coded = arraysOfLayout(layout, size, ALPHABET).map((array, i) => {
    if (isImplied(array)) return null;
    const counts = new Uint32Array(array.alphabetSize);
    for (const symbol of arrays[i]) counts[symbol]++;
    const { description, table } = designTable(counts, array.peak);
    return { table: description, payload: encodeRans(Uint8Array.from(arrays[i]), table, 1) };
  });
  const section = { kind: 'sparse', layout, rowCount, keptCount, arrays: coded } as const;
  return frameWith((writer) => writeIndexSection(writer, section));
}

const size = { rowCount: 3, keptCount: 4 };
const separate = (values: number[], columns: number[], rowCounts: number[]): Uint8Array =>
  frameOf('csr-separate', size, [values, columns, rowCounts]);
const joined = (values: number[], columns: number[], rowCounts: number[]): Uint8Array =>
  frameOf('csr', size, [[...values, ...columns, ...rowCounts]]);
const mapped = (significance: number[], values: number[]): Uint8Array =>
  frameOf('significance', { rowCount: 0, keptCount: 4 }, [significance, values]);

describe('the worked example', () => {
  test.each([
    ['csr', () => joined(VALUES, COLUMNS, ROW_COUNTS)],
    ['csr-separate', () => separate(VALUES, COLUMNS, ROW_COUNTS)],
    ['significance', () => mapped(SIGNIFICANCE, VALUES)],
  ])('%s decodes to its indices', (_, make) => {
    const result = outcome(make(), 'example');
    expect((result as Tensor).data).toEqual(Float32Array.from(EXAMPLE));
  });
});

describe('arrays that contradict each other are refused', () => {
  test.each<[string, Uint8Array, string]>([
    ['rows that hold too many', separate(VALUES, COLUMNS, [1, 0, 4]), 'rows up to 2 hold 5 entries of 4'],
    ['rows that hold too few', separate(VALUES, COLUMNS, [1, 0, 2]), 'rows hold 3 entries of 4'],
    ['equal columns', separate(VALUES, [2, 0, 2, 2], ROW_COUNTS), 'column 2 of entry 3'],
    ['falling columns', separate(VALUES, [2, 3, 2, 1], ROW_COUNTS), 'column 2 of entry 2'],
    ['the background', separate([5, 0, 2, 2], COLUMNS, ROW_COUNTS), 'value 0 of entry 1'],
    ['rows that hold too many, one table', joined(VALUES, COLUMNS, [7, 0, 0]), 'rows up to 0 hold 7'],
    ['more in a row than columns, one table', joined(VALUES, [0, 1, 2, 3], [5, 0, 0]), 'hold 5 entries of 4'],
    ['a column of K, one table', joined(VALUES, [4, 0, 2, 3], ROW_COUNTS), 'column 4 of entry 0'],
    ['the background, one table', joined([5, 7, 0, 2], COLUMNS, ROW_COUNTS), 'value 0 of entry 2'],
    ['more significant than kept', mapped([...SIGNIFICANCE.slice(1), 1], VALUES), 'more elements are'],
    ['fewer significant than kept', mapped([...SIGNIFICANCE.slice(0, 11), 0], VALUES), '3 elements are'],
    ['a significant background', mapped(SIGNIFICANCE, [5, 7, 2, 0]), 'value 0 of entry 3'],
  ])('%s', (_, frame, message) => expectError(frame, 'payload-mismatch', message));
});

describe('fields out of range are refused before anything is decoded', () => {
  const CSR = 0b0010_0010;
  const SEPARATE = 0b0100_0010;
  const MAP = 0b0110_0010;
  const field = (bytes: number[], levelCount?: number): Uint8Array =>
    frameWith((writer) => writer.writeBytes(Uint8Array.of(...bytes, 0, 0, 0, 0, 0, 0)), levelCount);

  test.each<[string, Uint8Array, BitstreamError['code'], string]>([
    ['a layout of contexts', field([0x80 | CSR, 3, 4]), 'reserved-bits', 'reserved bits set'],
    ['a layout of packed symbols', field([0xa1, 3, 4]), 'reserved-bits', 'reserved bits set'],
    ['lanes in the coder byte', field([CSR | 4, 3, 4]), 'reserved-bits', 'coder byte'],
    ['a layout of bins', field([CSR & ~2, 3, 4]), 'invalid-field', 'goes with rans'],
    ['a layout of packed fields', field([(MAP & ~2) | 1, 4]), 'invalid-field', 'goes with rans'],
    ['a layout of tokens', field([SEPARATE | 1, 3, 4]), 'invalid-field', 'goes with rans'],
    ['no row', field([CSR, 0, 4]), 'invalid-field', '0 rows of 12'],
    ['rows that do not divide the elements', field([CSR, 5, 4]), 'invalid-field', '5 rows of 12'],
    ['more rows than elements', field([SEPARATE, 24, 4]), 'invalid-field', '24 rows of 12'],
    ['more kept entries than elements', field([SEPARATE, 3, 13]), 'invalid-field', '13 kept entries of 12'],
    ['more significant entries than elements', field([MAP, 13]), 'invalid-field', '13 kept entries of 12'],
    ['64 lanes', field([MAP, 4, 0, 6]), 'invalid-field', '64 lanes'],
    ['128 lanes', field([CSR, 3, 4, 0, 7]), 'invalid-field', '128 lanes'],
    ['a table without symbols', field([MAP, 4, 1, 0, 0]), 'invalid-table', 'table'],
    ['words that are not there', field([MAP, 4, 0, 0x80, 0x7f]), 'truncated', 'bytes expected'],
    ['more words than memory', field([MAP, 4, 0, 0xf8, 255, 255, 255, 255, 255, 15]), 'truncated', ''],
  ])('%s', (_, frame, code, message) => expectError(frame, code, message));

  test('more levels than 8 bits hold', () => {
    expectError(field([CSR, 3, 4], 257), 'invalid-field', '257 levels');
  });

  test('rows of 256 columns, while those of 255 are read', () => {
    for (const [count, code] of [
      [255, 'truncated'],
      [256, 'invalid-field'],
    ] as const) {
      const writer = new ByteWriter();
      writer.writeBytes(Uint8Array.of(0xf5, 0x46, 0x57, 1, 0, 0x31));
      writer.writeVarint(count);
      writer.writeBytes(Uint8Array.of(8, 0, 0, 0, 0x80, 0x3f, CSR, 1, 0));
      writer.writeUint32(crc32(writer.peek()));
      expectError(writer.finish(), code);
    }
  });
});

describe('on any bytes', () => {
  const frames = (): Map<string, Uint8Array> => {
    const feature = drawScattered([6, 10, 12], 0.2, 21);
    const quantizer = { kind: 'asymmetric', bits: 4, range: { kind: 'minmax' } } as const;
    return new Map(
      SPARSE.flatMap((layout) => [
        [layout, encodeFrame(feature, { quantizer, layout, backend: referenceBackend })],
        [
          `${layout}, 4 lanes`,
          encodeFrame(feature, { quantizer, layout, laneCount: 4, backend: referenceBackend }),
        ],
      ]),
    );
  };

  test('every truncation is refused', () => {
    for (const [name, frame] of frames()) {
      for (let length = 0; length < frame.length; length++) {
        const label = `${name}, ${length} bytes`;
        expect(outcome(frame.subarray(0, length), label), label).toBeInstanceOf(BitstreamError);
      }
    }
  });

  test('mutations behind a right checksum end in a tensor or a BitstreamError', () => {
    for (const [name, frame] of frames()) {
      const random = createRandom(frame.length);
      for (let round = 0; round < MUTATIONS_PER_FRAME; round++) {
        const mutated = frame.slice();
        // Half of the edits fall on the fields and tables before the first payload.
        const reach = round % 2 === 0 ? 40 : mutated.length;
        for (let edits = 1 + random.nextInteger(3); edits > 0; edits--) {
          mutated[10 + random.nextInteger(reach - 10)] = random.nextInteger(256);
        }
        new DataView(mutated.buffer).setUint32(
          mutated.length - 4,
          crc32(mutated.subarray(0, mutated.length - 4)),
          true,
        );
        outcome(mutated, `${name}, round ${round}`);
      }
    }
  }, 60_000);
});
