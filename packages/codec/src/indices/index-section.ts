/**
 * The coder section of a frame in any layout (bitstream.md §5 and §10): dense indices as `entropy/coded-indices.ts`
 * holds them, or the arrays of a sparse layout. Writing, reading and decoding; the choice is `layout-choice.ts`.
 */

import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import {
  decodeIndices,
  readCodedIndices,
  readTableSection,
  wordCountOf,
  writeCodedIndices,
  writeTableSection,
} from '../entropy/coded-indices.js';
import { readCoderByte, writeCoderByte } from '../entropy/coder-byte.js';
import { tableOfDescription } from '../entropy/frequency-table.js';
import { MAX_LANE_COUNT, STATE_BYTES } from '../entropy/rans.js';
import { MAX_COLUMN_COUNT } from '../layout/csr.js';
import { arraysOfLayout, isImplied, joinArrays, type SymbolArray } from '../layout/layout-arrays.js';
import {
  type CodedIndices,
  type CodedSymbols,
  type EntropyKernels,
  elementsOf,
  type FeatureGeometry,
  type IndexAlphabet,
  type Indices,
  type SparseIndices,
  type SparseLayout,
  type StaticCoder,
  type SymbolAlphabet,
} from '../stages.js';

/** Indices as they stand in a frame. */
export type IndexSection = CodedIndices | SparseIndices;

/** Factor of the word count in the field that holds lanes too. */
const WORD_COUNT_UNIT = 8;

/** Writes the section. */
export function writeIndexSection(writer: ByteWriter, section: IndexSection): void {
  if (section.kind !== 'sparse') {
    writeCodedIndices(writer, section);
    return;
  }
  writeCoderByte(writer, { coder: 'rans', laneCount: 1, layout: section.layout });
  if (section.layout !== 'significance') writer.writeVarint(section.rowCount);
  writer.writeVarint(section.keptCount);
  for (const symbols of section.arrays) if (symbols) writeSymbols(writer, symbols);
}

/** Writes an array of symbols. */
export function writeSymbols(writer: ByteWriter, { table, payload }: CodedSymbols): void {
  writeTableSection(writer, table);
  writer.writeVarint(wordCountOf(payload) * WORD_COUNT_UNIT + Math.log2(payload.laneCount));
  writer.writeBytes(payload.bytes);
}

/**
 * Reads the section without decoding it.
 * @param staticCoder - of the frame's profile
 * @throws {BitstreamError} if the section is not one
 */
export function readIndexSection(
  reader: ByteReader,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  staticCoder: StaticCoder | null = null,
): IndexSection {
  const byte = readCoderByte(reader, alphabet.levelCount);
  return byte.layout === 'dense'
    ? readCodedIndices(reader, byte, geometry, alphabet, staticCoder)
    : readSparse(reader, byte.layout, elementsOf(geometry), alphabet);
}

/**
 * Decodes a section.
 * @returns as many indices as `geometry` says, each below `levelCount`, or the reason for which the section is not one
 */
export function decodeIndexSection(
  section: IndexSection,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
): Indices | string {
  return section.kind === 'sparse'
    ? decodeSparse(section, elementsOf(geometry), alphabet, kernels)
    : decodeIndices(section, geometry, alphabet, kernels);
}

/** Alphabet of an array's table. */
export function tableAlphabet({ alphabetSize, peak }: SymbolArray): SymbolAlphabet {
  return { size: alphabetSize, peak };
}

function readSparse(
  reader: ByteReader,
  layout: SparseLayout,
  elementCount: number,
  alphabet: IndexAlphabet,
): SparseIndices {
  const rowCount = layout === 'significance' ? 0 : readRowCount(reader, elementCount);
  const start = reader.offset;
  const keptCount = reader.readVarint();
  if (keptCount > elementCount) {
    throw reader.error('invalid-field', `${keptCount} kept entries of ${elementCount} elements`, start);
  }
  reader.note('kept entries', keptCount);
  const arrays = arraysOfLayout(layout, { elementCount, rowCount, keptCount }, alphabet);
  const coded = arrays.map((array) => (isImplied(array) ? null : readSymbols(reader, array)));
  return { kind: 'sparse', layout, rowCount, keptCount, arrays: coded };
}

function readRowCount(reader: ByteReader, elementCount: number): number {
  const start = reader.offset;
  const rowCount = reader.readVarint();
  const columnCount = elementCount / rowCount;
  if (!Number.isInteger(columnCount) || columnCount > MAX_COLUMN_COUNT) {
    throw reader.error('invalid-field', `${rowCount} rows of ${elementCount} elements`, start);
  }
  reader.note('rows', `${rowCount} of ${columnCount} columns`);
  return rowCount;
}

/** Reads an array of symbols without decoding it. @throws {BitstreamError} if it is not one */
export function readSymbols(reader: ByteReader, array: SymbolArray): CodedSymbols {
  const table = readTableSection(reader, tableAlphabet(array), ` of ${array.name}`);
  reader.section = 'payload';
  const start = reader.offset;
  const field = reader.readVarint();
  const laneCount = 1 << (field % WORD_COUNT_UNIT);
  const wordCount = Math.floor(field / WORD_COUNT_UNIT);
  if (laneCount > MAX_LANE_COUNT)
    throw reader.error('invalid-field', `${laneCount} lanes are over 32`, start);
  reader.note(`words and lanes of ${array.name}`, `${wordCount} words, ${laneCount} lanes`);
  const bytes = reader.readBytes(laneCount * STATE_BYTES + wordCount * 2);
  reader.note(`states and words of ${array.name}`, `${laneCount} states, ${wordCount} words`);
  return { table, payload: { bytes, laneCount } };
}

/** Decodes an array of symbols; null stands for an implied one. @returns the symbols, or why there are none */
export function decodeSymbols(
  symbols: CodedSymbols | null,
  array: SymbolArray,
  kernels: EntropyKernels,
): Uint8Array | string {
  if (!symbols) return new Uint8Array(array.length);
  const table = tableOfDescription(tableAlphabet(array), symbols.table);
  return kernels.decodeRans(symbols.payload, array.length, table);
}

function decodeSparse(
  { layout, rowCount, keptCount, arrays: coded }: SparseIndices,
  elementCount: number,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
): Uint8Array | string {
  const size = { elementCount, rowCount, keptCount };
  const arrays: Uint8Array[] = [];
  for (const [i, array] of arraysOfLayout(layout, size, alphabet).entries()) {
    const decoded = decodeSymbols(coded[i], array, kernels);
    if (typeof decoded === 'string') return `${array.name}: ${decoded}`;
    arrays.push(decoded);
  }
  return joinArrays(arrays, layout, size, alphabet);
}
