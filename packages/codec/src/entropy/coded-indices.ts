/**
 * The coder section of a frame in the dense layout: indices as packed bits, as bins, or as rANS with its table
 * (bitstream.md §5). Writing, reading and decoding; the choice between the forms is `encode-indices.ts`.
 */

import { BitReader, BitWriter } from '../bitstream/bits.js';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import {
  type CodedIndices,
  type EntropyKernels,
  elementsOf,
  type FeatureGeometry,
  type IndexAlphabet,
  type Indices,
  type RansPayload,
  type TableDescription,
} from '../stages.js';
import { type CoderByte, writeCoderByte } from './coder-byte.js';
import { readTable, type SymbolAlphabet, tableOfDescription, writeTable } from './frequency-table.js';
import { packedBits, unpackIndices } from './packed-indices.js';
import { STATE_BYTES } from './rans.js';
import { joinIndices, TOKEN_PEAK, tokenCount } from './wide-alphabet.js';

/** Symbols of the coder: the indices, with a peak at the background, or tokens, with one after the outer ones. */
export function symbolAlphabet(kind: 'rans' | 'rans-tokens', alphabet: IndexAlphabet): SymbolAlphabet {
  if (kind === 'rans') return { size: alphabet.levelCount, peak: alphabet.background };
  return { size: tokenCount(alphabet.levelCount), peak: TOKEN_PEAK };
}

/** Writes the section. */
export function writeCodedIndices(writer: ByteWriter, coded: CodedIndices): void {
  const layout = 'dense';
  if (coded.kind === 'packed' || coded.kind === 'binary') {
    writeCoderByte(writer, { coder: coded.kind, laneCount: 1, layout });
    if (coded.kind === 'binary') writer.writeVarint(coded.bytes.length);
    writer.writeBytes(coded.bytes);
    return;
  }
  const { laneCount, bytes } = coded.payload;
  writeCoderByte(writer, { coder: coded.kind, laneCount, layout });
  writeTableSection(writer, coded.table);
  writer.writeVarint(wordCountOf(coded.payload));
  if (coded.kind === 'rans-tokens') writer.writeVarint(coded.rawBits.length);
  writer.writeBytes(bytes);
  if (coded.kind === 'rans-tokens') writer.writeBytes(coded.rawBits);
}

/** 16-bit words of a payload, after its states. */
export function wordCountOf({ bytes, laneCount }: RansPayload): number {
  return (bytes.length - laneCount * STATE_BYTES) / 2;
}

/**
 * Reads what follows the coder byte, without decoding it.
 * @throws {BitstreamError} if the section is not one
 */
export function readCodedIndices(
  reader: ByteReader,
  { coder, laneCount }: CoderByte,
  count: number,
  alphabet: IndexAlphabet,
): CodedIndices {
  if (coder === 'packed') return readPacked(reader, count, alphabet.levelCount);
  if (coder === 'binary') return readBinary(reader);
  const table = readTableSection(reader, symbolAlphabet(coder, alphabet));
  return readPayload(reader, coder, table, laneCount);
}

/**
 * Decodes a section.
 * @returns as many indices as `geometry` says, each below `levelCount`, or the reason for which the section is not one
 */
export function decodeIndices(
  coded: CodedIndices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
): Indices | string {
  const { levelCount, background } = alphabet;
  const count = elementsOf(geometry);
  if (coded.kind === 'binary') return kernels.decodeBins(coded.bytes, geometry, alphabet);
  if (coded.kind === 'packed') return unpackIndices(coded.bytes, count, levelCount);
  const table = tableOfDescription(symbolAlphabet(coded.kind, alphabet), coded.table);
  const symbols = kernels.decodeRans(coded.payload, count, table);
  if (coded.kind === 'rans' || typeof symbols === 'string') return symbols;
  const rawBits = new BitReader(coded.rawBits);
  const indices = joinIndices(symbols, background, levelCount, rawBits);
  if (typeof indices === 'number') return `index at element ${-1 - indices} is over ${levelCount - 1}`;
  if (rawBits.overrun || rawBits.byteLength !== coded.rawBits.length || !rawBits.paddingIsZero) {
    return 'raw bits do not end where their last token does';
  }
  return indices;
}

function readPacked(reader: ByteReader, count: number, levelCount: number): CodedIndices {
  reader.section = 'payload';
  const bytes = reader.readBytes(Math.ceil((count * packedBits(levelCount)) / 8));
  reader.note('packed indices', `${packedBits(levelCount)} bits each`);
  return { kind: 'packed', bytes };
}

function readBinary(reader: ByteReader): CodedIndices {
  reader.section = 'payload';
  const length = reader.readVarint();
  reader.note('bytes of bins', length);
  const bytes = reader.readBytes(length);
  reader.note('bins', `${length} bytes`);
  return { kind: 'binary', bytes };
}

/** Writes a table, padded to a byte. */
export function writeTableSection(writer: ByteWriter, table: TableDescription): void {
  const bits = new BitWriter();
  writeTable(bits, table);
  writer.writeBytes(bits.finish());
}

/** Reads a table and its padding. @param of - what its symbols are, for reports @throws {BitstreamError} */
export function readTableSection(reader: ByteReader, alphabet: SymbolAlphabet, of = ''): TableDescription {
  reader.section = 'table';
  const start = reader.offset;
  const bits = new BitReader(reader.readBytes(reader.remaining));
  reader.rewind(start);
  const table = readTable(bits, alphabet);
  if (typeof table === 'string') {
    throw reader.error(bits.overrun ? 'truncated' : 'invalid-table', table, start);
  }
  if (!bits.paddingIsZero) throw reader.error('reserved-bits', 'padding of the table is not zero', start);
  reader.readBytes(bits.byteLength);
  reader.note(`frequency table${of}`, `${table.kind}, ${table.precisionBits} bits`);
  return table;
}

function readPayload(
  reader: ByteReader,
  kind: 'rans' | 'rans-tokens',
  table: TableDescription,
  laneCount: number,
): CodedIndices {
  reader.section = 'payload';
  const wordCount = reader.readVarint();
  reader.note('words', wordCount);
  let rawByteCount = 0;
  if (kind === 'rans-tokens') {
    rawByteCount = reader.readVarint();
    reader.note('bytes of raw bits', rawByteCount);
  }
  const bytes = reader.readBytes(laneCount * STATE_BYTES + wordCount * 2);
  reader.note('states and words', `${laneCount} states, ${wordCount} words`);
  const payload = { bytes, laneCount };
  if (kind === 'rans') return { kind, table, payload };
  const rawBits = reader.readBytes(rawByteCount);
  reader.note('raw bits', `${rawByteCount} bytes`);
  return { kind, table, payload, rawBits };
}
