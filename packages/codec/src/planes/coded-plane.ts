/**
 * One plane of a lossless frame as it is coded (bitstream.md §17.4): a coder section, or an array for each group of
 * preceding symbols. Writing, reading and decoding; the choice is `plane-coding.ts`.
 */

import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import { readFieldList, writeFieldList } from '../bitstream/field-list.js';
import {
  decodeIndexSection,
  decodeSymbols,
  type IndexSection,
  readIndexSection,
  readSymbols,
  writeIndexSection,
  writeSymbols,
} from '../indices/index-section.js';
import { isImplied, type SymbolArray } from '../layout/layout-arrays.js';
import { joinByLeft, MAX_GROUPED_ALPHABET } from '../lossless/left-groups.js';
import {
  type CodedSymbols,
  type EntropyKernels,
  elementsOf,
  type FeatureGeometry,
  type IndexAlphabet,
  type Indices,
} from '../stages.js';

/** A plane as it stands in a frame. */
export type CodedPlane = IndexSection | GroupedPlane;

/** A plane parted by the symbol before each. */
export interface GroupedPlane {
  readonly kind: 'by-left';
  /** Group of what follows each symbol. */
  readonly groupOfSymbol: Uint8Array;
  /** Symbols of each group, 2 to 64 groups. */
  readonly lengths: readonly number[];
  /** The symbols of each group; null where there are none. */
  readonly arrays: readonly (CodedSymbols | null)[];
}

/** Alphabet of a plane; nothing is known of it but how many symbols there are. */
export function planeAlphabet(levelCount: number): IndexAlphabet {
  return { levelCount, background: 0 };
}

/** Geometry of symbols without one. */
export function flatGeometry(columns: number): FeatureGeometry {
  return { planes: 1, rows: 1, columns };
}

/** The array of a group. */
export function arrayOfGroup(group: number, length: number, alphabetSize: number): SymbolArray {
  return { name: `group ${group}`, length, alphabetSize, peak: 0 };
}

/** Writes a plane. */
export function writePlane(writer: ByteWriter, plane: CodedPlane): void {
  if (plane.kind !== 'by-left') {
    writeIndexSection(writer, plane);
    return;
  }
  const { groupOfSymbol, lengths, arrays } = plane;
  writer.writeVarint(lengths.length);
  writeFieldList(writer, groupOfSymbol, lengths.length);
  for (const length of lengths) writer.writeVarint(length);
  for (const symbols of arrays) if (symbols) writeSymbols(writer, symbols);
}

/**
 * Reads a plane without decoding it.
 * @param part - its name in reports
 * @throws {BitstreamError} if it is not one
 */
export function readPlane(
  reader: ByteReader,
  part: string,
  isGrouped: boolean,
  count: number,
  alphabetSize: number,
): CodedPlane {
  reader.part = part;
  const plane = isGrouped
    ? readGroups(reader, count, alphabetSize)
    : readIndexSection(reader, flatGeometry(count), planeAlphabet(alphabetSize));
  reader.part = '';
  return plane;
}

function readGroups(reader: ByteReader, count: number, alphabetSize: number): GroupedPlane {
  reader.section = 'coder';
  const start = reader.offset;
  if (alphabetSize > MAX_GROUPED_ALPHABET)
    throw reader.error('invalid-field', `${alphabetSize} symbols are too many for groups`, start);
  const groupCount = reader.readVarint();
  if (groupCount < 2 || groupCount > alphabetSize)
    throw reader.error('invalid-field', `${groupCount} groups of ${alphabetSize} symbols`, start);
  const groupOfSymbol = Uint8Array.from(readFieldList(reader, alphabetSize, groupCount, 'group'));
  reader.note('groups', `${groupCount}, of ${alphabetSize} symbols`);
  const lengthStart = reader.offset;
  const lengths = Array.from({ length: groupCount }, () => reader.readVarint());
  const sum = lengths.reduce((total, length) => total + length, 0);
  if (sum !== count)
    throw reader.error('invalid-field', `${sum} symbols in groups, not ${count}`, lengthStart);
  reader.note('symbols of groups', lengths.join(', '));
  const arrays = lengths.map((length, group) => {
    const array = arrayOfGroup(group, length, alphabetSize);
    return isImplied(array) ? null : readSymbols(reader, array);
  });
  return { kind: 'by-left', groupOfSymbol, lengths, arrays };
}

/**
 * Decodes a plane.
 * @returns as many symbols as `geometry` says, or the reason for which there are none, after the plane's name
 */
export function decodePlane(
  part: string,
  plane: CodedPlane,
  geometry: FeatureGeometry,
  alphabetSize: number,
  kernels: EntropyKernels,
): Indices | string {
  const symbols =
    plane.kind === 'by-left'
      ? decodeGroups(plane, elementsOf(geometry), alphabetSize, kernels)
      : decodeIndexSection(plane, geometry, planeAlphabet(alphabetSize), kernels);
  return typeof symbols === 'string' ? `${part}: ${symbols}` : symbols;
}

function decodeGroups(
  { groupOfSymbol, lengths, arrays }: GroupedPlane,
  count: number,
  alphabetSize: number,
  kernels: EntropyKernels,
): Uint8Array | string {
  const parted = new Uint8Array(count);
  let end = 0;
  for (const [group, length] of lengths.entries()) {
    const symbols = decodeSymbols(arrays[group], arrayOfGroup(group, length, alphabetSize), kernels);
    if (typeof symbols === 'string') return `group ${group}: ${symbols}`;
    parted.set(symbols, end);
    end += length;
  }
  return joinByLeft(parted, groupOfSymbol, lengths);
}
