/**
 * The coded form of a context model (bitstream.md §11.1): bytes for its size, then bit fields for the classes of
 * channels, the cells of neighbors, the bins of cells, and the thresholds as differences between neighboring tables.
 */

import { BitReader, BitWriter, bestRiceParameter, foldSign, unfoldSign } from '../../bitstream/bits.js';
import { ByteReader } from '../../bitstream/byte-reader.js';
import { ByteWriter } from '../../bitstream/byte-writer.js';
import type { ContextModel, FeatureGeometry, IndexAlphabet } from '../../stages.js';
import { channelPlanes, FINE_SLOT_BITS, GROUP_CHANNELS } from './lanes.js';

/** Most levels of a model. */
export const MAX_CONTEXT_LEVELS = 16;
export const MAX_CONTEXT_CLASSES = 64;
const MAX_CONTEXT_CHANNELS = 65_536;
/** Cells come in vectors of this many. */
export const CELL_UNIT = 16;
const MAX_CELL_VECTORS = 16;
export const MAX_CELL_COUNT = CELL_UNIT * MAX_CELL_VECTORS;
const CELL_BITS = 8;
/** Bits of the Rice parameter of thresholds; another one in a fine model. */
const RICE_PARAMETER_BITS = 3;

const COLUMNS_FLAG = 0b1;
const WIDE_FLAG = 0b10;
const CELLS_SHIFT = 2;
const CELLS_MASK = 0b1111;
const FINE_FLAG = 0b1000_0000;
const MODEL_RESERVED = 0b0100_0000;

/** The four tables of a model's cells, in the order of the coded form. */
export function neighborTables({ cells }: ContextModel): readonly Uint8Array[] {
  return [cells.left, cells.above, cells.aboveLeft, cells.aboveRight];
}

/** Thresholds from which those of a table are predicted: of the class before, in class 0 of the bin before. */
function predictedThreshold(
  { levelCount, binCount, thresholds, slotBits }: ContextModel,
  channelClass: number,
  bin: number,
  symbol: number,
): number {
  const at = (channelClass * (levelCount - 1) + symbol - 1) * binCount + bin;
  if (channelClass > 0) return thresholds[at - (levelCount - 1) * binCount];
  return bin > 0 ? thresholds[at - 1] : Math.floor((2 ** slotBits * symbol) / levelCount);
}

/** Bits of a field that holds a number below `count`. */
export function fieldBits(count: number): number {
  return 32 - Math.clz32(count - 1);
}

/** Room for thresholds in so many slots. */
export function createThresholds(
  slotBits: ContextModel['slotBits'],
  count: number,
): Uint8Array | Uint16Array {
  return slotBits === FINE_SLOT_BITS ? new Uint16Array(count) : new Uint8Array(count);
}

function riceParameterBits({ slotBits }: ContextModel): number {
  return slotBits === FINE_SLOT_BITS ? RICE_PARAMETER_BITS + 1 : RICE_PARAMETER_BITS;
}

/** A class has a multiple of so many channels, the last class excepted. */
function classChannels({ slotBits }: Pick<ContextModel, 'slotBits'>): number {
  return slotBits === FINE_SLOT_BITS ? 1 : GROUP_CHANNELS;
}

/** Number of classes that a model names. */
export function classCountOf({ levelCount, binCount, thresholds }: ContextModel): number {
  return thresholds.length / (binCount * (levelCount - 1));
}

/** Writes a model without its alphabet, which the quantizer fixes. @param model - a valid one */
export function writeContextModel(writer: ByteWriter, model: ContextModel): void {
  const { channelAxis, tokenColumns, classOfChannel, binOfCell, binCount, levelCount, thresholds } = model;
  const classCount = classCountOf(model);
  const cellVectors = binOfCell.length / CELL_UNIT;
  writer.writeVarint(classOfChannel.length);
  writer.writeUint8(
    (channelAxis === 'columns' ? COLUMNS_FLAG : 0) |
      (binCount === 32 ? WIDE_FLAG : 0) |
      (model.slotBits === FINE_SLOT_BITS ? FINE_FLAG : 0) |
      ((cellVectors - 1) << CELLS_SHIFT),
  );
  if (channelAxis === 'columns') writer.writeVarint(tokenColumns);
  writer.writeUint8(classCount - 1);
  const bits = new BitWriter();
  for (const channelClass of classOfChannel) bits.writeBits(channelClass, fieldBits(classCount));
  for (const table of neighborTables(model)) for (const cell of table) bits.writeBits(cell, CELL_BITS);
  for (const bin of binOfCell) bits.writeBits(bin, fieldBits(binCount));
  for (let channelClass = 0; channelClass < classCount; channelClass++) {
    const folded = new Uint32Array(binCount * (levelCount - 1));
    let next = 0;
    for (let bin = 0; bin < binCount; bin++) {
      for (let symbol = 1; symbol < levelCount; symbol++) {
        const threshold = thresholds[(channelClass * (levelCount - 1) + symbol - 1) * binCount + bin];
        folded[next++] = foldSign(threshold - predictedThreshold(model, channelClass, bin, symbol));
      }
    }
    const parameter = bestRiceParameter(folded, 2 ** riceParameterBits(model));
    bits.writeBits(parameter, riceParameterBits(model));
    for (const value of folded) bits.writeRice(value, parameter);
  }
  writer.writeBytes(bits.finish());
}

/**
 * Reads a model.
 * @param geometry - of the tensor that it must fit; any if not given
 * @throws {BitstreamError} if the bytes are not a model for the alphabet and the geometry
 */
export function readContextModel(
  reader: ByteReader,
  alphabet: IndexAlphabet,
  geometry?: FeatureGeometry,
): ContextModel {
  reader.section = 'table';
  const size = readModelSize(reader, geometry);
  const start = reader.offset;
  const bits = new BitReader(reader.readBytes(reader.remaining));
  reader.rewind(start);
  const model = readTables(bits, alphabet, size);
  if (bits.overrun) throw reader.error('truncated', 'the context model goes on beyond the end', start);
  if (typeof model === 'string') throw reader.error('invalid-table', model, start);
  if (!bits.paddingIsZero) throw reader.error('reserved-bits', 'padding of the model is not zero', start);
  reader.readBytes(bits.byteLength);
  reader.note('context model', `${size.classCount} classes of ${model.binCount} bins`);
  return model;
}

/** A model as bytes by themselves, as a bundle holds it. */
export function serializeContextModel(model: ContextModel): Uint8Array {
  const writer = new ByteWriter();
  writeContextModel(writer, model);
  return writer.finish();
}

/** Inverse of `serializeContextModel`. @throws {BitstreamError} if the bytes are not one model for the alphabet */
export function parseContextModel(bytes: Uint8Array, alphabet: IndexAlphabet): ContextModel {
  const reader = new ByteReader(bytes);
  checkContextAlphabet(reader, alphabet);
  const model = readContextModel(reader, alphabet);
  if (reader.remaining > 0) throw reader.error('trailing-bytes', `${reader.remaining} bytes after the model`);
  return model;
}

/** @throws {BitstreamError} if there are more levels than a model may have */
export function checkContextAlphabet(
  reader: ByteReader,
  { levelCount }: IndexAlphabet,
  offset?: number,
): void {
  if (levelCount <= MAX_CONTEXT_LEVELS) return;
  throw reader.error('invalid-field', `${levelCount} levels have no context model`, offset);
}

/** What of a model stands in whole bytes. */
interface ModelSize extends Pick<ContextModel, 'channelAxis' | 'tokenColumns' | 'binCount' | 'slotBits'> {
  readonly channelCount: number;
  readonly cellCount: number;
  readonly classCount: number;
}

function readModelSize(reader: ByteReader, geometry?: FeatureGeometry): ModelSize {
  const start = reader.offset;
  const channelCount = reader.readVarint();
  if (channelCount < 1 || channelCount > MAX_CONTEXT_CHANNELS) {
    throw reader.error('invalid-field', `${channelCount} channels`, start);
  }
  const flagsAt = reader.offset;
  const flags = reader.readUint8();
  if (flags & MODEL_RESERVED)
    throw reader.error('reserved-bits', `flags ${flags} have reserved bits set`, flagsAt);
  const channelAxis = flags & COLUMNS_FLAG ? 'columns' : 'planes';
  const tokenColumns = channelAxis === 'columns' ? reader.readVarint() : 0;
  const classesAt = reader.offset;
  const classCount = reader.readUint8() + 1;
  const slotBits = flags & FINE_FLAG ? FINE_SLOT_BITS : 8;
  if (classCount > MAX_CONTEXT_CLASSES || (classCount - 1) * classChannels({ slotBits }) >= channelCount) {
    throw reader.error('invalid-field', `${classCount} classes of ${channelCount} channels`, classesAt);
  }
  if (geometry) {
    const planes = channelPlanes(geometry, { channelAxis, tokenColumns }, channelCount);
    if (typeof planes === 'string') throw reader.error('invalid-field', planes, start);
  }
  reader.note('size of the model', `${channelCount} ${channelAxis}, ${classCount} classes`);
  const cellCount = CELL_UNIT * (((flags >>> CELLS_SHIFT) & CELLS_MASK) + 1);
  return {
    channelCount,
    channelAxis,
    tokenColumns,
    classCount,
    cellCount,
    binCount: flags & WIDE_FLAG ? 32 : 16,
    slotBits,
  };
}

function readTables(bits: BitReader, alphabet: IndexAlphabet, size: ModelSize): ContextModel | string {
  const { levelCount, background } = alphabet;
  const { channelCount, classCount, cellCount, binCount, channelAxis, tokenColumns, slotBits } = size;
  const readFields = (count: number, width: number): Uint8Array =>
    Uint8Array.from({ length: count }, () => bits.readBits(width));
  const classOfChannel = readFields(channelCount, fieldBits(classCount));
  const [left, above, aboveLeft, aboveRight] = [0, 1, 2, 3].map(() => readFields(levelCount, CELL_BITS));
  const model: ContextModel = {
    levelCount,
    background,
    channelAxis,
    tokenColumns,
    slotBits,
    classOfChannel,
    cells: { left, above, aboveLeft, aboveRight },
    binOfCell: readFields(cellCount, fieldBits(binCount)),
    binCount,
    thresholds: createThresholds(slotBits, classCount * (levelCount - 1) * binCount),
  };
  const flaw = modelFlaw(model);
  if (flaw) return flaw;
  for (let channelClass = 0; channelClass < classCount; channelClass++) {
    const parameter = bits.readBits(riceParameterBits(model));
    for (let bin = 0; bin < binCount; bin++) {
      if (!readThresholds(bits, parameter, model, channelClass, bin)) {
        return `thresholds of bin ${bin} of class ${channelClass} do not ascend`;
      }
    }
  }
  return model;
}

function readThresholds(
  bits: BitReader,
  parameter: number,
  model: ContextModel,
  channelClass: number,
  bin: number,
): boolean {
  const { levelCount, binCount, thresholds, slotBits } = model;
  let last = 0;
  for (let symbol = 1; symbol < levelCount; symbol++) {
    const folded = bits.readRice(parameter, 2 ** (slotBits + 1));
    if (folded < 0) return false;
    const threshold = predictedThreshold(model, channelClass, bin, symbol) + unfoldSign(folded);
    if (threshold <= last || threshold >= 2 ** slotBits) return false;
    thresholds[(channelClass * (levelCount - 1) + symbol - 1) * binCount + bin] = threshold;
    last = threshold;
  }
  return true;
}

/** Why classes and cells are not those of a model; nothing if they are. Thresholds are not looked at. */
export function modelFlaw(model: ContextModel): string | undefined {
  const { classOfChannel, binOfCell, binCount } = model;
  const classCount = classCountOf(model);
  const sizes = new Uint32Array(256);
  for (const channelClass of classOfChannel) sizes[channelClass]++;
  for (let channelClass = 0; channelClass < 256; channelClass++) {
    const size = sizes[channelClass];
    const isLast = channelClass === classCount - 1;
    const fits =
      channelClass < classCount ? size > 0 && (isLast || size % classChannels(model) === 0) : size === 0;
    if (!fits) return `class ${channelClass} has ${size} channels`;
  }
  const highest = neighborTables(model).reduce((sum, table) => sum + Math.max(...table), 0);
  if (highest >= binOfCell.length) return `cell ${highest} of ${binOfCell.length}`;
  if (binOfCell.length > MAX_CELL_COUNT) return `${binOfCell.length} cells`;
  return binOfCell.some((bin) => bin >= binCount) ? 'a cell has no bin' : undefined;
}

/**
 * Checks a model that a caller hands in.
 * @throws {RangeError} if it is not one, not for the alphabet, or of another shape
 */
export function checkContextModel(
  model: ContextModel,
  alphabet: IndexAlphabet,
  geometry: FeatureGeometry,
): void {
  const { levelCount, background, binCount, binOfCell, thresholds } = model;
  if (levelCount !== alphabet.levelCount || background !== alphabet.background) {
    throw new RangeError(
      `model expected ${alphabet.levelCount} levels and background ${alphabet.background}, got ${levelCount} and ${background}`,
    );
  }
  const planes = channelPlanes(geometry, model, model.classOfChannel.length);
  const sizesFit =
    (model.slotBits === 8 || model.slotBits === FINE_SLOT_BITS) &&
    classCountOf(model) <= MAX_CONTEXT_CLASSES &&
    neighborTables(model).every((table) => table.length === levelCount) &&
    binOfCell.length % CELL_UNIT === 0 &&
    Number.isInteger(classCountOf(model));
  const flaw = typeof planes === 'string' ? planes : sizesFit ? modelFlaw(model) : 'tables of other sizes';
  if (flaw) throw new RangeError(`model expected to fit the feature, got ${flaw}`);
  for (let at = 0; at < thresholds.length; at++) {
    const isFirst = Math.floor(at / binCount) % (levelCount - 1) === 0;
    if (
      thresholds[at] >= 2 ** model.slotBits ||
      thresholds[at] <= (isFirst ? 0 : thresholds[at - binCount])
    ) {
      throw new RangeError(`model expected ascending thresholds, got ${thresholds[at]} at ${at}`);
    }
  }
}
