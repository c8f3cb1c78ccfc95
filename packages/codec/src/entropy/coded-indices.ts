/**
 * The coder section of a frame in the dense layout: indices as packed bits, as bins, or as rANS with its table or
 * context model (bitstream.md §5). Writing, reading and decoding; the choice between the forms is `encode-indices.ts`.
 */

import { BitReader, BitWriter } from '../bitstream/bits.js';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import {
  type CodedIndices,
  type ContextModel,
  type ContextPayload,
  type EntropyKernels,
  elementsOf,
  type FeatureGeometry,
  type IndexAlphabet,
  type Indices,
  type RansPayload,
  type StaticCoder,
  type SymbolAlphabet,
  type TableDescription,
} from '../stages.js';
import { WORD_BYTES } from './binary/word-range-coder.js';
import { type CoderByte, writeCoderByte } from './coder-byte.js';
import { readChannelClasses, writeChannelClasses } from './contexts/channel-adaptation.js';
import { readContextModel, writeContextModel } from './contexts/context-model.js';
import { contextStateBytes, modelOfPayload, stateFormOf } from './contexts/context-rans.js';
import { channelPlanes, FINE_SLOT_BITS } from './contexts/lanes.js';
import { readTable, tableOfDescription, writeTable } from './frequency-table.js';
import { packedBits, unpackIndices } from './packed-indices.js';
import { packedAlphabet, packedSymbolCount, unpackSymbols } from './packed-symbols.js';
import { MAX_LANE_COUNT, STATE_BYTES } from './rans.js';
import { joinIndices, TOKEN_PEAK, tokenCount } from './wide-alphabet.js';

/**
 * Symbols of the coder: the indices, with a peak at the background, several of them, with one where all are, or tokens,
 * with one after the outer ones.
 */
export function symbolAlphabet(
  kind: 'rans' | 'rans-packed' | 'rans-tokens',
  alphabet: IndexAlphabet,
): SymbolAlphabet {
  if (kind === 'rans-packed') return packedAlphabet(alphabet);
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
  if (coded.kind === 'binary-fast') {
    writeCoderByte(writer, { coder: coded.kind, laneCount: coded.lanes.length, layout });
    for (const lane of coded.lanes) writer.writeVarint(lane.length / WORD_BYTES);
    for (const lane of coded.lanes) writer.writeBytes(lane);
    return;
  }
  const { laneCount, bytes } = coded.payload;
  if (coded.kind === 'rans-contexts') {
    writeCoderByte(writer, { coder: coded.kind, laneCount, layout });
    writeContextModel(writer, coded.model);
    writeContextPayload(writer, coded.payload, coded.model);
    return;
  }
  writeRansHead(writer, coded, laneCount);
  if (coded.kind === 'static' && coded.coder.kind === 'rans-contexts') {
    writeContextPayload(writer, coded.payload, coded.coder.model);
    return;
  }
  writer.writeVarint(wordCountOf(coded.payload));
  if (coded.kind === 'rans-tokens') writer.writeVarint(coded.rawBits.length);
  writer.writeBytes(bytes);
  if (coded.kind === 'rans-tokens') writer.writeBytes(coded.rawBits);
}

/** Writes what stands before the length of the payload: the coder, and the table if it is not that of a profile. */
export function writeRansHead(writer: ByteWriter, coding: RansHead, laneCount: number): void {
  writeCoderByte(writer, { coder: coding.kind, laneCount, layout: 'dense' });
  if (coding.kind !== 'static') writeTableSection(writer, coding.table);
}

/** Whose table codes: the profile's, or one of the section's own. */
export type RansHead =
  | { readonly kind: 'static' }
  | { readonly kind: 'rans' | 'rans-packed' | 'rans-tokens'; readonly table: TableDescription };

/** 16-bit words of a payload, after its states. */
export function wordCountOf({ bytes, laneCount }: RansPayload): number {
  return (bytes.length - laneCount * STATE_BYTES) / 2;
}

/**
 * Reads what follows the coder byte, without decoding it.
 * @param staticCoder - of the frame's profile
 * @throws {BitstreamError} if the section is not one
 */
export function readCodedIndices(
  reader: ByteReader,
  { coder, laneCount }: CoderByte,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  staticCoder: StaticCoder | null,
): CodedIndices {
  if (coder === 'packed') return readPacked(reader, elementsOf(geometry), alphabet.levelCount);
  if (coder === 'binary') return readBinary(reader);
  if (coder === 'binary-fast') return readTrees(reader, laneCount);
  if (coder === 'static') {
    if (!staticCoder) throw reader.error('invalid-field', 'no profile holds a coder', reader.offset - 1);
    return { kind: coder, coder: staticCoder, payload: readStatic(reader, laneCount, geometry, staticCoder) };
  }
  if (coder === 'rans-contexts') {
    const coderAt = reader.offset - 1;
    const model = readContextModel(reader, alphabet, geometry);
    return { kind: coder, model, payload: readContextPayload(reader, laneCount, model, coderAt) };
  }
  const table = readTableSection(reader, symbolAlphabet(coder, alphabet));
  const wordCount = readWordCount(reader);
  if (coder !== 'rans-tokens')
    return { kind: coder, table, payload: readPayload(reader, laneCount, wordCount) };
  const rawByteCount = reader.readVarint();
  reader.note('bytes of raw bits', rawByteCount);
  const payload = readPayload(reader, laneCount, wordCount);
  const rawBits = reader.readBytes(rawByteCount);
  reader.note('raw bits', `${rawByteCount} bytes`);
  return { kind: coder, table, payload, rawBits };
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
  if (coded.kind === 'binary-fast') return kernels.decodeTrees(coded.lanes, geometry, alphabet);
  if (coded.kind === 'packed') return unpackIndices(coded.bytes, count, levelCount);
  if (coded.kind === 'static') {
    if (coded.coder.kind === 'rans-contexts')
      return decodeByContexts(coded.coder.model, coded.payload, geometry, kernels);
    return decodeByTable(coded.coder, coded.payload, count, alphabet, kernels);
  }
  if (coded.kind === 'rans-contexts') return decodeByContexts(coded.model, coded.payload, geometry, kernels);
  if (coded.kind !== 'rans-tokens') return decodeByTable(coded, coded.payload, count, alphabet, kernels);
  const table = tableOfDescription(symbolAlphabet(coded.kind, alphabet), coded.table);
  const symbols = kernels.decodeRans(coded.payload, count, table);
  if (typeof symbols === 'string') return symbols;
  const rawBits = new BitReader(coded.rawBits);
  const indices = joinIndices(symbols, background, levelCount, rawBits);
  if (typeof indices === 'number') return `index at element ${-1 - indices} is over ${levelCount - 1}`;
  if (rawBits.overrun || rawBits.byteLength !== coded.rawBits.length || !rawBits.paddingIsZero) {
    return 'raw bits do not end where their last token does';
  }
  return indices;
}

function decodeByContexts(
  model: ContextModel,
  payload: ContextPayload,
  geometry: FeatureGeometry,
  kernels: EntropyKernels,
): Uint8Array | string {
  return kernels.decodeContexts(payload, geometry, modelOfPayload(model, payload));
}

function decodeByTable(
  { kind, table }: { readonly kind: 'rans' | 'rans-packed'; readonly table: TableDescription },
  payload: RansPayload,
  count: number,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
): Uint8Array | string {
  const frequencies = tableOfDescription(symbolAlphabet(kind, alphabet), table);
  if (kind === 'rans') return kernels.decodeRans(payload, count, frequencies);
  const symbolCount = packedSymbolCount(count, alphabet.levelCount);
  const symbols = kernels.decodeRans(payload, symbolCount, frequencies);
  return typeof symbols === 'string' ? symbols : unpackSymbols(symbols, count, alphabet);
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

function readTrees(reader: ByteReader, laneCount: number): CodedIndices {
  reader.section = 'payload';
  const wordCounts = Array.from({ length: laneCount }, () => reader.readVarint());
  reader.note('words of lanes', wordCounts.join(', '));
  const lanes = wordCounts.map((wordCount) => reader.readBytes(wordCount * WORD_BYTES));
  reader.note('words', `${laneCount} lanes`);
  return { kind: 'binary-fast', lanes };
}

function readStatic(
  reader: ByteReader,
  laneCount: number,
  geometry: FeatureGeometry,
  coder: StaticCoder,
): ContextPayload {
  if (coder.kind !== 'rans-contexts') {
    if (laneCount > MAX_LANE_COUNT)
      throw reader.error('invalid-field', `${laneCount} lanes are over ${MAX_LANE_COUNT}`, reader.offset - 1);
    return readPayload(reader, laneCount, readWordCount(reader));
  }
  const { model } = coder;
  const planes = channelPlanes(geometry, model, model.classOfChannel.length);
  if (typeof planes === 'string') throw reader.error('invalid-field', planes, reader.offset - 1);
  return readContextPayload(reader, laneCount, model, reader.offset - 1);
}

function writeContextPayload(writer: ByteWriter, payload: ContextPayload, model: ContextModel): void {
  const { bytes, laneCount, channelClasses } = payload;
  const length = bytes.length - contextStateBytes(laneCount, model);
  if (model.slotBits === FINE_SLOT_BITS) {
    // As a number of words and a flag, since such payloads have whole words.
    writer.writeVarint(length + (channelClasses ? 1 : 0));
    if (channelClasses) writeChannelClasses(writer, channelClasses, model);
  } else {
    writer.writeVarint(length);
  }
  writer.writeBytes(bytes);
}

/** @param coderAt - where the coder byte is, which says the lanes */
function readContextPayload(
  reader: ByteReader,
  laneCount: number,
  model: ContextModel,
  coderAt: number,
): ContextPayload {
  reader.section = 'payload';
  const { maxLanes, stateBytes: bytesOfState } = stateFormOf(model);
  if (laneCount > maxLanes) {
    throw reader.error('invalid-field', `${laneCount} lanes are over ${maxLanes}`, coderAt);
  }
  const isFine = model.slotBits === FINE_SLOT_BITS;
  const flagged = reader.readVarint();
  const length = isFine ? flagged - (flagged % 2) : flagged;
  reader.note('bytes', length);
  const channelClasses = length < flagged ? readChannelClasses(reader, model) : undefined;
  const stateBytes = contextStateBytes(laneCount, model);
  const bytes = reader.readBytes(stateBytes + length);
  reader.note('states and bytes', `${stateBytes / bytesOfState} states, ${length} bytes`);
  return { bytes, laneCount, ...(channelClasses && { channelClasses }) };
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

function readWordCount(reader: ByteReader): number {
  reader.section = 'payload';
  const wordCount = reader.readVarint();
  reader.note('words', wordCount);
  return wordCount;
}

function readPayload(reader: ByteReader, laneCount: number, wordCount: number): RansPayload {
  const bytes = reader.readBytes(laneCount * STATE_BYTES + wordCount * 2);
  reader.note('states and words', `${laneCount} states, ${wordCount} words`);
  return { bytes, laneCount };
}
